"""Resampling of planes along rows and columns by one small matrix each: zoom, shift, crop, flip, blur.

Planes are float32 [b, c, h, w]: batched images in the layout in which all that follows is several times faster. Every
image has its own pair of matrices, [out, in], whose rows sum to one. Positions are in pixels: the middle of the
first pixel is 0, of the last one size - 1.
"""

import tensorflow as tf


def to_planes(images):
    """Images uint8 [b, h, w, c] -> planes float32 [b, c, h, w] in [0, 1]."""
    return tf.transpose(tf.cast(images, tf.float32) * (1 / 255), [0, 3, 1, 2])


def to_images(planes):
    """Planes in [0, 1] -> images float32 [b, h, w, c] in [-1, 1]."""
    return tf.transpose(planes, [0, 2, 3, 1]) * 2 - 1


def resample(planes, rows, columns):
    """Planes [b, c, h, w] by matrices [b, h', h] and [b, w', w]: [b, c, h', w']."""
    return tf.matmul(tf.matmul(rows[:, None], planes), columns[:, None], transpose_b=True)


def mirrored(matrices, flip):
    """The matrices [b, out, in] for planes that are flipped before, where flip (bool [b]) is true."""
    return tf.where(flip[:, None, None], tf.reverse(matrices, [2]), matrices)


def linear(positions, size):
    """Linear interpolation at positions [b, n] in -size..2 * size - 1: float32 [b, n, size].

    Outside, the image is reflected with its edge repeated: d c b a | a b c d | d c b a (numpy's 'symmetric').
    """
    positions = tf.where(positions < 0, -1 - positions, positions)
    positions = tf.where(positions > size - 1, 2 * size - 1 - positions, positions)
    # Between an edge and its reflection both neighbours are the edge itself.
    positions = tf.clip_by_value(positions, 0., size - 1.)
    return tf.maximum(1 - tf.abs(_distances(positions, size)), 0)


def cubic_crop(first, count, size):
    """Cuts out `count` pixels from `first` on (int32 [b] both) and resizes them to `size`: float32 [b, size, size].

    Bicubic interpolation (Keys, a = -1/2) without what lies outside of the cut, as tf.image.resize(method='bicubic').
    """
    first, count = [tf.cast(v, tf.float32)[:, None] for v in (first, count)]
    distance = tf.abs(_distances(first + (tf.range(size, dtype=tf.float32) + 0.5) * count / size - 0.5, size))
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((2.5 - 0.5 * distance) * distance - 4) * distance + 2
    weights = tf.where(distance < 1, near, tf.where(distance < 2, far, 0.))
    pixels = tf.range(size, dtype=tf.float32)
    weights *= tf.cast((pixels >= first) & (pixels < first + count), tf.float32)[:, None]
    return weights / tf.reduce_sum(weights, 2, keepdims=True)


def gaussian(deviation, radius, size):
    """Gaussian weights of standard deviation [b] on the pixels of the image within `radius`: [b, size, size]."""
    distance = _distances(tf.range(size, dtype=tf.float32)[None], size)
    weights = tf.exp(-tf.square(distance) / (2 * tf.square(deviation[:, None, None])))
    weights *= tf.cast(tf.abs(distance) <= radius, tf.float32)
    return weights / tf.reduce_sum(weights, 2, keepdims=True)


def _distances(positions, size):
    """Distance of each pixel from positions [b, n]: float32 [b, n, size]."""
    return positions[:, :, None] - tf.range(size, dtype=tf.float32)
