"""Parts of SimMatch and CoMatch: the head, votes of a class without labels, and the bank."""

from libml.methods import similarity

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def test_head():
    features = np.random.RandomState(0).normal(size=[3, 6]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        projected = [similarity.project(tf.constant(features[i:]), 4) for i in range(2)]
        variables = {v.op.name.removeprefix('classify_projection/'): v for v in tf1.trainable_variables()}
        session.run(tf1.global_variables_initializer())
        (found, again), weights = session.run([projected, variables])
    assert {name: value.shape for name, value in weights.items()} == {
        'dense/kernel': (6, 6), 'dense/bias': (6,), 'dense_1/kernel': (6, 4), 'dense_1/bias': (4,)}
    hidden = np.maximum(features @ weights['dense/kernel'], 0) @ weights['dense_1/kernel']
    np.testing.assert_allclose(found, hidden / np.linalg.norm(hidden, axis=1, keepdims=True), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(again, found[1:], rtol=1e-5, atol=1e-6)


def test_votes_on_a_sure_prediction_of_a_class_that_no_image_has():
    with tf.Graph().as_default(), tf1.Session() as session:
        votes, calibrated = session.run(similarity.vote(tf.constant([[1., 2.]]), tf.constant([0, 1]),
                                                        tf.constant([[0., 0., 1.]])))
    np.testing.assert_allclose(votes, [[.268941, .731059, 0]], rtol=1e-5)
    np.testing.assert_allclose(calibrated, votes[:, :2], rtol=1e-5)


def bank_steps(index, rows, classes, decay):
    """The bank of 4 images after steps of such batches."""
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        bank = similarity.Bank(4, 2, decay)
        given = [tf1.placeholder(*kind) for kind in ((tf.int32, [None]), (tf.float32, [None, 2]), (tf.int32, [None]))]
        bank.observe(*given)
        new = bank.new_values()
        assert tf.gradients(new[1], given[1]) == [None] and not tf1.trainable_variables()
        with tf.control_dependencies(new):
            update = bank.updates()
        session.run(tf1.global_variables_initializer())
        for batch in zip(index, rows, classes):
            session.run(update, dict(zip(given, batch)))
        assert graph.as_graph_def().ByteSize() < 30000
        return session.run([bank.features, bank.classes])


def test_bank_takes_the_last_row_of_an_image_and_keeps_length_1():
    index, classes = [[2, 0, 2], [2, 3, 3]], [[1, 2, 4], [4, 1, 1]]
    rows = np.float32([[[1, 0], [.6, .8], [0, 1]], [[1, 0], [1, 0], [-.6, .8]]])
    features, found = bank_steps(index, rows, classes, .7)
    moved = np.array([.3, .7]) / np.hypot(.3, .7)
    np.testing.assert_allclose(features, [[.6, .8], [0, 0], moved, [-.6, .8]], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(found, [2, 0, 4, 1])
    features, _ = bank_steps(index, rows, classes, 0.)
    np.testing.assert_allclose(features[2], [1, 0], atol=1e-7)


def test_a_large_bank_is_no_array_in_the_graph():
    with tf.Graph().as_default() as graph:
        similarity.Bank(10 ** 6, 128, .7)
        assert graph.as_graph_def().ByteSize() < 10000


def test_bank_of_a_batch_that_is_larger_than_the_subset():
    index = np.arange(9) % 4
    rows = np.eye(2, dtype='f')[np.arange(9) % 2]
    features, classes = bank_steps([index], [rows], [np.arange(9)], .7)
    np.testing.assert_array_equal(classes, [8, 5, 6, 7])
    np.testing.assert_allclose(features, np.eye(2)[[0, 1, 0, 1]], rtol=1e-6)
