"""What holds of every function that makes strong views."""

from libml.draws import Draws

import numpy as np
import tensorflow as tf


def assert_function_of_its_draws(strong, size, colors, share):
    """Checks shape and range of what `strong` makes of 40 random pictures, that one position gives the same views, and
    that more than this share of them differs at another position."""
    images = np.random.RandomState(0).randint(0, 256, [40, size, size, colors]).astype(np.uint8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        position = tf.compat.v1.placeholder(tf.int64, [])
        views = strong(tf.constant(images), Draws(1, position))
        out, again, other = [session.run(views, {position: p}) for p in (5, 5, 6)]
    assert out.dtype == np.float32 and out.shape == images.shape and np.abs(out).max() <= 1
    np.testing.assert_array_equal(out, again)
    assert (out != other).any((1, 2, 3)).mean() > share
