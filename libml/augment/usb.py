"""The strong views of USB: three operations of random strength, then a grey square of random size.

(microsoft/Semi-supervised-learning@1ef4cbe semilearn/datasets/augmentation/randaugment.py: RandAugment(3, 5); its 5 is
not used.) Empty pixels are black there, as here. The square is (125, 123, 114) there; rotations are by whole degrees
here.
"""

import collections
import functools

from libml.images import operations
from libml.images.pixels import to_float

import tensorflow as tf

OPERATIONS_PER_IMAGE = 3
LARGEST_SQUARE = 0.5  # of the width

# image_op: name in operations.OPERATIONS; its strength is uniform in [low, high); argument: function of (strengths
# float64 [b], side of the picture in pixels) -> what the operation takes, None where that is nothing.
Operation = collections.namedtuple('Operation', 'image_op low high argument')


def _factor(strength, side):
    return strength


def _down(strength, side):
    return tf.cast(tf.floor(strength), tf.int32)


def _up(strength, side):
    return tf.cast(tf.math.ceil(strength), tf.int32)


def _nearest(strength, side):
    return tf.cast(tf.floor(strength + 0.5), tf.int32)


def _pixels(strength, side):
    return _nearest(strength * side, side)


OPERATIONS = (
    Operation('autocontrast', 0, 1, None), Operation('brightness', 0.05, 0.95, _factor),
    Operation('color', 0.05, 0.95, _factor), Operation('contrast', 0.05, 0.95, _factor),
    Operation('equalize', 0, 1, None), Operation('identity', 0, 1, None), Operation('posterize', 4, 8, _down),
    Operation('rotate', -30, 30, _nearest), Operation('sharpness', 0.05, 0.95, _factor),
    Operation('shear_x', -0.3, 0.3, _factor), Operation('shear_y', -0.3, 0.3, _factor),
    Operation('solarize', 0, 256, _up), Operation('translate_x', -0.3, 0.3, _pixels),
    Operation('translate_y', -0.3, 0.3, _pixels))


def strong(images, draws):
    """Token usb: uint8 [b, h, w, c], Draws -> float32 [b, h, w, c] in [-1, 1], 0 in the square."""
    shape = [tf.shape(images)[0], OPERATIONS_PER_IMAGE]
    ops = draws.uniform('op', shape, 0, len(OPERATIONS), tf.int32)
    strengths = draws.uniform('strength', shape, dtype=tf.float64)
    for i in range(OPERATIONS_PER_IMAGE):
        images, = operations.apply_each([_on_rows(operation) for operation in OPERATIONS], ops[:, i], images,
                                        strengths[:, i])
    return to_float(images) * (1 - square(images, draws))


def square(images, draws):
    """float32 [b, h, w, 1]: 1 in a square around a uniform point, with a side of up to half the width."""
    n, (height, width) = tf.shape(images)[:1], images.shape[1:3]
    side = draws.uniform('side', n, 0, LARGEST_SQUARE * width)

    def inside(name, size):
        """bool [b, size]: Pillow's rectangle has the pixels of both of its ends."""
        first = tf.floor(tf.maximum(draws.uniform(name, n, 0, size) - side / 2, 0))[:, None]
        places = tf.range(size, dtype=tf.float32)
        return (places >= first) & (places <= first + side[:, None])

    return tf.cast(inside('y', height)[:, :, None, None] & inside('x', width)[:, None, :, None], tf.float32)


@functools.cache
def _on_rows(operation):
    """An operation as a function for apply_each of (images, draws in [0, 1))."""
    image_op = operations.OPERATIONS[operation.image_op]

    def function(images, strengths):
        if operation.argument is None:
            return [image_op(images)]
        strengths = operation.low + (operation.high - operation.low) * strengths
        side = images.shape[1 if operation.image_op == 'translate_y' else 2]
        return [image_op(images, operation.argument(strengths, side))]

    return function
