"""Rotated quarters of a batch, and the loss of guessing the turn."""

from libml.methods import rotation

import numpy as np
import tensorflow as tf


def test_rotated_quarters_are_exact():
    images = np.random.RandomState(0).uniform(-1, 1, [8, 5, 5, 2]).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found, turns = session.run(rotation.rotate_quarters(tf.constant(images)))
    np.testing.assert_array_equal(turns, [0, 0, 1, 1, 2, 2, 3, 3])
    # np.rot90 turns counter-clockwise.
    expected = [np.rot90(image, (0, 2, 1, -1)[turn]) for image, turn in zip(images, turns)]
    np.testing.assert_array_equal(found, expected)


def test_all_passes_share_one_layer():
    random = np.random.RandomState(1)
    embeds, turns = random.normal(size=[6, 3]), np.arange(6) % 4
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        losses = [rotation.rotation_loss(tf.constant(embeds, tf.float32), tf.constant(turns)) for _ in range(2)]
        variables = tf.compat.v1.global_variables()
        assert [v.op.name for v in variables] == ['classify_rot/dense/kernel', 'classify_rot/dense/bias']
        kernel, bias = random.normal(size=[3, 4]), random.normal(size=4)
        session.run([v.initializer for v in variables],
                    {v.initial_value: value for v, value in zip(variables, (kernel, bias))})
        found = session.run(losses)
    z = embeds @ kernel + bias
    expected = np.log(np.exp(z).sum(1)) - z[np.arange(6), turns]
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-5)
