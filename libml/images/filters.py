"""Image operations that are small convolutions: smooth, blur, sharpness.

As in Pillow, a border of half the kernel's size keeps its pixels. So a whole batch can be one row of numbers whose
neighbours are found at fixed distances: what wraps around an edge only reaches pixels that are not used.
"""

from libml.images import pixels

import numpy as np
import tensorflow as tf


def smooth(images, amount=None):
    """ImageFilter.SMOOTH (3x3 ones, centre 5); with `amount` [b] in [0, 1], blended into the original by that much."""
    values = pixels.flat(images)
    change = _smoothing(values, images)
    return pixels.to_bytes(values + change * _amount(amount), images)


def blur(images, amount=None):
    """ImageFilter.BLUR (a ring of 16 ones in 5x5); with `amount` [b] in [0, 1], blended into the original."""
    values = pixels.flat(images)
    ring = _box_sum(values, 5, images) - _box_sum(values, 3, images)
    change = (tf.floor((ring + 8.) / 16.) - values) * _interior(images, 2)
    return pixels.to_bytes(values + change * _amount(amount), images)


def sharpness(images, factor):
    """Blend of the smoothed image (factor 0) and the image (factor 1); ImageEnhance.Sharpness."""
    values = pixels.flat(images)
    smoothed = values + _smoothing(values, images)
    return pixels.to_bytes(pixels.mix(smoothed, values, pixels.per_image(factor)), images)


def _amount(amount):
    """Factor of the change: 1, or float32 [b, 1]."""
    return 1. if amount is None else pixels.per_image(amount)


def _smoothing(values, images):
    """float32 [b, h*w*c]: what SMOOTH adds to every byte, a whole number.

    floor(sum / 13 + 1/2): (sum + 6.5) / 13 is never closer than 1/26 to a whole number, so float32 is exact enough.
    """
    total = _box_sum(values, 3, images) + 4. * values
    return (tf.floor((total + 6.5) * (1. / 13)) - values) * _interior(images, 1)


def _box_sum(values, size, images):
    """Sums over size x size neighbours (exact: below 2^24), [b, h*w*c]; the outermost size // 2 pixels hold rubbish."""
    height, width, colors = images.shape[1:]
    line, count = width * colors, tf.size(values)
    margin = size // 2 * (line + colors)
    padded = tf.pad(tf.reshape(values, [-1]), [[margin, margin]])
    columns = count + (size - 1) * line
    sums = tf.add_n([padded[i * colors:i * colors + columns] for i in range(size)])
    sums = tf.add_n([sums[i * line:i * line + count] for i in range(size)])
    return tf.reshape(sums, [-1, height * line])


def _interior(images, border):
    """float32 [h*w*c]: 0 for the outermost `border` pixels, of a small picture all, 1 inside."""
    height, width, colors = images.shape[1:]
    rows, columns = [np.pad(np.ones(max(size - 2 * border, 0), np.float32), border)[:size] for size in (height, width)]
    # Multiplied in the graph: as a constant the whole mask would be written with every copy of the graph.
    return tf.reshape(tf.constant(rows[:, None]) * tf.constant(np.repeat(columns, colors)), [-1])
