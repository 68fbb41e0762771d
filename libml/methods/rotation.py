"""Which way up is this picture? The self-supervised loss of ReMixMatch."""

from libml import losses
from libml.networks import nn

import tensorflow as tf

TURNS = 4


def rotate_quarters(images):
    """Rotates by 0, 180, 90 and -90 degrees (counter-clockwise), one quarter of the batch each.

    Args:
        images: [b, h, w, c] with b a multiple of 4 and h = w.
    Returns:
        images [b, h, w, c] and the number of the quarter, int32 [b].
    """
    still, half, left, right = tf.split(images, TURNS)
    turned = [still, half[:, ::-1, ::-1], _transpose(left)[:, ::-1], _transpose(right)[:, :, ::-1]]
    return tf.concat(turned, 0), tf.repeat(tf.range(TURNS), images.shape[0] // TURNS)


def _transpose(images):
    return tf.transpose(images, [0, 2, 1, 3])


def rotation_loss(embeds, turns):
    """Cross entropy of the turns [b] that a layer in scope `classify_rot` predicts from features [b, F]: [b]."""
    with tf.compat.v1.variable_scope('classify_rot', reuse=tf.compat.v1.AUTO_REUSE):
        logits = nn.dense(embeds, TURNS, nn.glorot_normal)
    return losses.xe(logits, tf.one_hot(turns, TURNS))
