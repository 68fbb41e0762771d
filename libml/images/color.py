"""Changes of colour of planes float32 [b, c, h, w] in [0, 1], c = 1 or 3, with one factor [b] for each image.

What leaves [0, 1] is clipped. Hue, saturation and grey leave images of one channel as they are.
"""

import functools

from libml.images import operations

import tensorflow as tf

LUMA = (0.2989, 0.587, 0.114)


def affine(planes, matrices):
    """Every pixel, as a row vector of its channels, times the matrix [b, c, c] of its image."""
    colors, height, width = planes.shape[1:]
    products = tf.matmul(matrices, tf.reshape(planes, [-1, colors, height * width]), transpose_a=True)
    return clip(tf.reshape(products, [-1, colors, height, width]))


def brightness(planes, factor):
    """factor * v."""
    return clip(planes * _each(factor))


def contrast(planes, factor):
    """Distances from the mean of each channel, times factor (tf.image.adjust_contrast)."""
    mean = tf.reduce_mean(planes, [2, 3], keepdims=True)
    return clip(mean + (planes - mean) * _each(factor))


def saturation(planes, factor):
    """The saturation of HSV, (max - min) / max over the channels, times factor, at most 1; hue and value stay.

    For a fixed hue and value, a channel's distance from the largest one is in proportion to the saturation.
    """
    largest, spread = _largest(planes)
    change = tf.minimum(_each(factor), tf.math.divide_no_nan(largest, spread))
    return clip(largest - (largest - planes) * change)


def hue(planes, turn):
    """The hue of HSV plus `turn`, in whole turns of the circle of colours; saturation and value stay.

    A channel is max - spread * clip(min(k, 4 - k), 0, 1), with k = hue + 5, 3, 1 for red, green, blue, modulo 6, where
    hues are counted in sixths of a turn.
    """
    if planes.shape[1] == 1:
        return planes
    largest, spread = _largest(planes)
    red, green, blue = tf.split(planes, 3, 1)
    is_red, is_green = tf.equal(largest, red), tf.equal(largest, green)
    difference = tf.where(is_red, green - blue, tf.where(is_green, blue - red, red - green))
    sixths = tf.math.divide_no_nan(difference, spread) + tf.where(is_red, 0., tf.where(is_green, 2., 4.))
    k = sixths + 6 * _each(turn) + tf.constant([5., 3., 1.])[:, None, None]
    k -= 6 * tf.floor(k * (1 / 6))
    return clip(largest - spread * tf.clip_by_value(tf.minimum(k, 4 - k), 0., 1.))


def _largest(planes):
    """The largest channel of each pixel and how far the smallest is below it: [b, 1, h, w] both."""
    largest = tf.reduce_max(planes, 1, keepdims=True)
    return largest, largest - tf.reduce_min(planes, 1, keepdims=True)


def grey(planes, chosen):
    """Every channel is the luma of the pixel, where chosen (bool [b]) is true."""
    if planes.shape[1] == 1:
        return planes
    luma = tf.reduce_sum(planes * tf.constant(LUMA)[:, None, None], 1, keepdims=True)
    return tf.where(_each(chosen), luma, planes)


def identity(planes, factor):
    """The planes."""
    del factor
    return planes


def clip(planes):
    """Values in [0, 1]."""
    return tf.clip_by_value(planes, 0., 1.)


OPERATIONS = (brightness, contrast, saturation, hue, identity)


def jitter(planes, order, factors):
    """Brightness, contrast, saturation and hue one after the other, each image in its own order.

    Args:
        planes: [b, c, h, w].
        order: int32 [b, 4], places in OPERATIONS.
        factors: [b, 5], one for each of OPERATIONS (any number for the last).
    """
    for choice in tf.unstack(order, axis=1):
        planes, = operations.apply_each(FUNCTIONS, choice, planes, tf.gather(factors, choice, axis=1, batch_dims=1))
    return planes


def _alone(operation, *inputs):
    """Result of an operation in the form that apply_each wants."""
    return [operation(*inputs)]


FUNCTIONS = [functools.partial(_alone, operation) for operation in OPERATIONS]


def _each(factor):
    """[b] -> [b, 1, 1, 1]."""
    return factor[:, None, None, None]
