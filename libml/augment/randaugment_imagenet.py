"""RandAugment of FixMatch's ImageNet code: 16 operations, levels in tenths, mid-grey where the picture was moved away.

(google-research/fixmatch@d4985a1 imagenet/augment/rand_augment.py and augment_ops.py.) Unlike that of the same
repository's smaller pictures, later operations find byte 128 in empty pixels, and there is no cutout. Changed: the 100
pixels of the largest translation are those of 224; another side has as many in proportion.
"""

import collections
import functools

from libml.images import operations
from libml.images.pixels import to_float

import tensorflow as tf

OPERATIONS_PER_IMAGE = 2
PROBABILITY = 0.5
LEVELS = 10
GREY = 128
# Largest translation, in pixels of a side.
TRANSLATION, OF_SIDE = 100, 224

# image_op: name in operations.OPERATIONS; arguments: function of (levels int32 [b] in 0..LEVELS, signs int32 [b] of -1
# and 1, side of the picture in pixels) -> list of what the operation takes.
Operation = collections.namedtuple('Operation', 'image_op arguments')


def _nothing(level, sign, side):
    return []


def _factor(level, sign, side):
    return [0.1 + 1.8 / LEVELS * tf.cast(level, tf.float64)]


def _bits(level, sign, side):
    return [4 * level // LEVELS]


def _threshold(level, sign, side):
    return [threshold(256 * level // LEVELS)]


def _addition(level, sign, side):
    return [110 * level // LEVELS]


def _degrees(level, sign, side):
    return [30 * sign * level // LEVELS, GREY]


def _slope(level, sign, side):
    return [0.3 / LEVELS * tf.cast(sign * level, tf.float64), GREY]


def _pixels(level, sign, side):
    return [pixels(tf.cast(sign * level, tf.float64) / LEVELS, side), GREY]


# In the order of the original.
OPERATIONS = (
    Operation('autocontrast', _nothing), Operation('equalize', _nothing), Operation('invert', _nothing),
    Operation('rotate', _degrees), Operation('posterize', _bits), Operation('solarize', _threshold),
    Operation('color', _factor), Operation('contrast', _factor), Operation('brightness', _factor),
    Operation('sharpness', _factor), Operation('shear_x', _slope), Operation('shear_y', _slope),
    Operation('translate_x', _pixels), Operation('translate_y', _pixels), Operation('solarize_add', _addition),
    Operation('identity', _nothing))
IDENTITY = len(OPERATIONS) - 1


def threshold(value):
    """Threshold of solarize, int32 [b]. Kept from the original: it is a byte, so 256 also inverts 255."""
    return tf.minimum(value, 255)


def pixels(fraction, side):
    """Pixels int32 [b] of a translation by a fraction, float64 [b] in [-1, 1], of the largest one on such a side."""
    return tf.cast(tf.floor(TRANSLATION * fraction * (side / OF_SIDE) + 0.5), tf.int32)


def strong(images, draws):
    """Token rai: uint8 [b, h, w, c], Draws -> float32 [b, h, w, c] in [-1, 1]."""
    shape = [tf.shape(images)[0], OPERATIONS_PER_IMAGE]
    ops = draws.uniform('op', shape, 0, len(OPERATIONS), tf.int32)
    ops = tf.where(draws.uniform('apply', shape) >= PROBABILITY, IDENTITY, ops)
    levels = draws.uniform('level', shape, 0, LEVELS + 1, tf.int32)
    signs = 2 * draws.uniform('sign', shape, 0, 2, tf.int32) - 1
    for i in range(OPERATIONS_PER_IMAGE):
        images, = operations.apply_each([_on_rows(operation) for operation in OPERATIONS], ops[:, i], images,
                                        levels[:, i], signs[:, i])
    return to_float(images)


@functools.cache
def _on_rows(operation):
    """An operation as a function for apply_each of (images, levels, signs)."""
    def function(images, levels, signs):
        side = images.shape[1 if operation.image_op == 'translate_y' else 2]
        return [operations.OPERATIONS[operation.image_op](images, *operation.arguments(levels, signs, side))]

    return function
