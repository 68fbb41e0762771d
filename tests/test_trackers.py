"""State that follows training, against numpy."""

from libml import trackers

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def test_average_of_any_shape():
    observations = np.random.RandomState(0).uniform(size=[4, 2, 3]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [2, 3])
        tracker = trackers.Average('mean', np.full([2, 3], 0.5), decay=0.9)
        following = tracker.observe(x)
        assert tf.gradients(following, x) == [None]
        session.run(tf1.global_variables_initializer())
        expected = np.full([2, 3], 0.5)
        for value in observations:
            expected = 0.9 * expected + 0.1 * value
            np.testing.assert_allclose(session.run(tracker.new_values()[0], {x: value}), expected, rtol=1e-5)
            session.run(tracker.updates(), {x: value})
            np.testing.assert_allclose(session.run(tracker.variable), expected, rtol=1e-5)


def test_moving_window_of_class_distributions():
    rng = np.random.RandomState(0)
    batches = rng.dirichlet(np.ones(3), (5, 4)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        p = tf1.placeholder(tf.float32, [None, 3])
        tracker = trackers.PMovingAverage('p_model', 3, 2)
        tracker.observe(p)
        update, value = tracker.updates(), tracker()
        assert [v.op.name for v in tf1.global_variables()] == ['p_model'] and not tf1.trainable_variables()
        session.run(tf1.global_variables_initializer())
        window = np.full([2, 3], 1 / 3)
        for batch in batches:
            np.testing.assert_allclose(session.run(value), window.mean(0) / window.mean(0).sum(), rtol=1e-5)
            session.run(update, {p: batch})
            window = np.stack([window[1], batch.mean(0)])


def test_queue_of_the_newest_rows():
    rows = np.arange(14, dtype='f').reshape(7, 2)
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [3, 2])
        tracker = trackers.Queue('queue', tf.zeros([7, 2]))
        assert tf.gradients(tracker.observe(x), x) == [None]
        session.run(tf1.global_variables_initializer())
        for i in range(3):
            session.run(tracker.updates(), {x: rows[i:i + 3]})
        expected = [rows[2], *rows[1:4], *rows[2:5]]
        np.testing.assert_array_equal(session.run(tracker.variable), expected)
        assert [v.op.name for v in graph.get_collection(trackers.STATE)] == ['queue']


# Class means of batches that came before, and the aligned predictions of the check values.
ROWS = np.float32([[.5, .3, .2], [.4, .4, .2]])
LOGITS = np.float32([[2, 1, 0], [0, 1, 2.5]])


def test_golden_alignment_by_the_rows_that_there_are():
    """What USB gives, .562596 and .171305, differs by its epsilon on a ring of which 30 rows are 0."""
    with tf.Graph().as_default(), tf1.Session() as session:
        tracker = trackers.UniformAlignment(3)
        p = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
        given = tf1.placeholder(tf.float32, [None, 3])
        aligned = tracker.observe(given)
        assert tf.gradients(aligned, given) == [None]
        session.run(tf1.global_variables_initializer())
        # The third row is the batch's own: with the two before it the mean stays what it was.
        ring = np.zeros([32, 3])
        ring[-2:] = ROWS
        tracker.variable.load(ring + np.eye(32)[-1:].T * (ROWS.mean(0) - p.mean(0)), session)
        np.testing.assert_allclose(session.run(aligned, {given: p}), [[.562590, .266098, .171311],
                                                                      [.031343, .109540, .859117]], rtol=0, atol=2e-6)
        session.run(tracker.updates(), {given: p})
        np.testing.assert_allclose(session.run(tracker.variable)[-1], p.mean(0), rtol=1e-6)
        # A class that is never predicted makes nothing that is not a number; rows after 32 batches are forgotten.
        for _ in range(32):
            session.run(tracker.updates(), {given: [[1, 0, 0], [0, 1, 0]]})
        np.testing.assert_allclose(session.run(aligned, {given: [[.75, .25, 0]]}), [[.74, .26, 0]], atol=.01)


def test_data_distribution_followed_or_given():
    entry = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]], 'f')
    with tf.Graph().as_default(), tf1.Session() as session:
        given, followed = trackers.PData(3, np.array([1, 0.5, 0.5])), trackers.PData(3)
        assert followed.has_update and not given.has_update
        assert [v.op.name for v in tf1.global_variables()] == ['p_data'] and not tf1.trainable_variables()
        session.run(tf1.global_variables_initializer())
        np.testing.assert_allclose(session.run([given(), followed()]), [[0.5, 0.25, 0.25], [1 / 3] * 3], rtol=1e-6)
        assert given.observe(entry) is not None and not given.new_values() and not given.updates()
        followed.observe(entry)
        session.run(followed.updates())
        np.testing.assert_allclose(session.run(followed()), 0.999 / 3 + 0.001 * np.array([0.75, 0.25, 0]), rtol=1e-6)


def test_alignment_where_a_class_is_missing():
    """Its epsilon counts then, in predictions; their distance is finite, and nothing where it is missing on both
    sides."""
    with tf.Graph().as_default(), tf1.Session() as session:
        alignment = trackers.Alignment(2, tf.zeros([1, 2]), tf.zeros([1, 2]))
        p, q = [tf1.placeholder(tf.float32, [2]) for _ in range(2)]
        alignment.p_labeled, alignment.p_unlabeled = p, q
        found = alignment(tf.constant([[0.5, 0.5]]))
        for labeled, unlabeled in (([0., 1.], [0.5, 0.5]), ([0.5, 0.5], [0., 1.])):
            ratio = (1e-6 + np.array(labeled)) / (1e-6 + np.array(unlabeled))
            np.testing.assert_allclose(session.run(found, {p: labeled, q: unlabeled}), [ratio / ratio.sum()], rtol=1e-5)
        kl, rare = alignment.kl(), [0.001, 0.999]
        assert session.run(kl, {p: rare, q: rare}) == 0
        halves = np.log(0.5 + 2 ** -17)
        np.testing.assert_allclose(session.run(kl, {p: [0.5, 0.5], q: [0., 1.]}),
                                   0.5 * (2 * halves - np.log(2 ** -17) - np.log(1 + 2 ** -17)), rtol=1e-6)


def test_quantile_is_numpys():
    values = np.random.RandomState(0).normal(size=7).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        shares = (0.05, 0.5, 0.8, 1.)
        found = session.run([trackers.quantile(tf.constant(values), share) for share in shares])
        np.testing.assert_allclose(found, np.quantile(values, shares), rtol=1e-5)
        assert session.run(trackers.quantile(tf.constant(values[:1]), 0.8)) == values[0]


def test_marks_of_images_that_are_twice_in_a_batch():
    """The last row counts that is sure; counts are the histogram at all times; beta is relative to the largest."""
    index, labels = [2, 0, 2, 2, 0], np.array([0, 2, 1, 2, 1])
    with tf.Graph().as_default(), tf1.Session() as session:
        tracker = trackers.Marks(4, 3)
        sure = tf1.placeholder(tf.bool, [5])
        tracker.observe(tf.constant(index), tf.constant(labels), sure)
        with tf.control_dependencies(tracker.new_values()):
            update = tracker.updates()
        session.run(tf1.global_variables_initializer())
        for flags, marks in (([0, 0, 0, 0, 0], [-1, -1, -1, -1]), ([1, 1, 1, 0, 0], [2, -1, 1, -1]),
                             ([1, 0, 1, 1, 1], [1, -1, 2, -1]), ([1, 0, 0, 0, 0], [1, -1, 0, -1])):
            session.run(update, {sure: flags})
            found, counts, beta = session.run([tracker.marks, tracker.counts, tracker.beta])
            np.testing.assert_array_equal(found, marks)
            np.testing.assert_array_equal(counts, np.bincount(np.array(marks) + 1, minlength=4))
            np.testing.assert_allclose(beta, counts[1:] / counts.max())
        assert not tf1.trainable_variables()
        assert session.graph.get_collection(trackers.STATE) == [tracker.marks, tracker.counts, tracker.beta]
        assert session.graph.as_graph_def().ByteSize() < 50000


def test_marks_are_no_array_in_the_graph():
    with tf.Graph().as_default() as graph:
        trackers.Marks(10 ** 6, 10)
        assert graph.as_graph_def().ByteSize() < 10000


def test_renorm():
    with tf.Graph().as_default(), tf1.Session() as session:
        np.testing.assert_allclose(session.run(trackers.renorm(tf.constant([[1., 3.], [2., 2.]]))),
                                   [[0.25, 0.75], [0.5, 0.5]])
