"""The operations of AutoAugment and RandAugment: strengths in levels, and mid-grey where the picture was moved away.

Each operation takes and returns a pair (images, shown), the state. `shown` is 1 where a pixel comes from the original
picture, and 0 where a rotation, shear or translation brought in an empty pixel (the original's alpha channel). At the
end, pixels that do not show the picture become mid-grey.
Kept from the original: autocontrast, equalize, invert, posterize and solarize make every pixel a part of the picture,
so what came from outside before them ends as the black that they found there, or what they make of it.
(Cubuk et al. 2019, AutoAugment; 2020, RandAugment; google-research/fixmatch @d4985a1 third_party/auto_augment.)
"""

import collections
import functools

from libml.images import geometry, operations
from libml.images.pixels import to_float

import tensorflow as tf

MAX_LEVEL = 15
UNIT = 10  # The level at which an operation reaches the amount in its formula.


def _nothing(level):
    return 0.


def _degrees(level):
    return int(30 * level / UNIT)


def _slope(level):
    return 0.3 * level / UNIT


def _pixels(level):
    # Kept from the original: as many pixels whatever the size of the image (but see _magnitude).
    return int(10 * level / UNIT)


def _threshold(level):
    return 256 - int(256 * level / UNIT)


def _bits(level):
    # Fixed: from level 10 on the original asks for 0 bits and fewer, which newer versions of Pillow refuse.
    return max(4 - int(4 * level / UNIT), 1)


def _factor(level):
    return 0.1 + 1.8 * level / UNIT


def _side(level):
    return int(20 * level / UNIT)


# image_op: name in operations.OPERATIONS; magnitude: function of the level. resets: whether it makes every pixel a part
# of the picture.
Operation = collections.namedtuple('Operation', 'image_op magnitude resets', defaults=[False])

# The first 14 are RandAugment's, in its order; AutoAugment has two more.
OPERATIONS = {
    'Identity': Operation('identity', _nothing),
    'AutoContrast': Operation('autocontrast', _nothing, resets=True),
    'Equalize': Operation('equalize', _nothing, resets=True),
    'Rotate': Operation('rotate', _degrees),
    'Solarize': Operation('solarize', _threshold, resets=True),
    'Color': Operation('color', _factor),
    'Contrast': Operation('contrast', _factor),
    'Brightness': Operation('brightness', _factor),
    'Sharpness': Operation('sharpness', _factor),
    'ShearX': Operation('shear_x', _slope),
    'TranslateX': Operation('translate_x', _pixels),
    'TranslateY': Operation('translate_y', _pixels),
    'Posterize': Operation('posterize', _bits, resets=True),
    'ShearY': Operation('shear_y', _slope),
    'Invert': Operation('invert', _nothing, resets=True),
    'Cutout': Operation('cutout', _side),
}
NAMES = tuple(OPERATIONS)
RANDAUGMENT_NAMES = NAMES[:14]
GEOMETRIC = ('Rotate', 'ShearX', 'ShearY', 'TranslateX', 'TranslateY')


def _magnitude(operation, level, side):
    """The magnitude of a level on pictures whose shorter side has `side` pixels.

    Below 20 pixels, which the original does not know, pictures are moved by half the side at most: its 10 pixels would
    leave nothing of a picture of 8x8.
    """
    magnitude = operation.magnitude(level)
    return min(magnitude, side // 2) if operation.magnitude is _pixels and side < 20 else magnitude


def start(images):
    """uint8 [b, h, w, c] -> (images, shown): all pixels show the picture, so shown is 1 in uint8 [b, h, w, c].

    All channels of a pixel have the same `shown`; one value for all would be slower to multiply with.
    """
    return images, tf.ones_like(images)


def apply(state, ops, levels, negate, draws):
    """One operation on each image.

    Args:
        state: (uint8 [b, h, w, c], uint8 [b, h, w, c]) from `start` or `apply`.
        ops: int32 [b], indices of NAMES.
        levels: int32 [b] in 0..MAX_LEVEL.
        negate: bool [b], whether geometric operations go the other way.
        draws: Draws for the places of the AutoAugment operation Cutout.
    Returns:
        state.
    """
    images, shown = state
    n, (height, width) = tf.shape(images)[:1], images.shape[1:3]
    table = [_magnitude(operation, level, min(height, width)) for operation in OPERATIONS.values()
             for level in range(MAX_LEVEL + 1)]
    magnitude = tf.gather(tf.constant(table, tf.float64), ops * (MAX_LEVEL + 1) + levels)
    center = [draws.uniform(f'cutout_{axis}', n, 0, size, tf.int32) for axis, size in (('x', width), ('y', height))]
    # The geometric operations are one function, the first, of different maps.
    others = [name for name in NAMES if name not in GEOMETRIC]
    index = tf.constant([0 if name in GEOMETRIC else 1 + others.index(name) for name in NAMES])
    functions = [_move] + [_on_rows(OPERATIONS[name]) for name in others]
    return operations.apply_each(functions, tf.gather(index, ops), images, shown, ops, magnitude, negate, *center)


def apply_all(images, ops, levels, probabilities, draws):
    """Applies operations in order, each with its probability and in a random direction.

    Args:
        images: uint8 [b, h, w, c].
        ops, levels: int32 [b, n], as in `apply`.
        probabilities: float32 [b, n].
        draws: Draws.
    Returns:
        state.
    """
    skip = draws.uniform('apply', tf.shape(ops)) >= probabilities
    ops = tf.where(skip, NAMES.index('Identity'), ops)
    negate = draws.uniform('negate', tf.shape(ops)) > 0.5
    state = start(images)
    for i in range(ops.shape[1]):
        state = apply(state, ops[:, i], levels[:, i], negate[:, i], draws.within(f'slot{i}'))
    return state


def cut(state, size, x, y):
    """Squares around (x, y) stop showing the picture, so they end as mid-grey; see images.pixels.cutout."""
    images, shown = state
    return images, operations.OPERATIONS['cutout'](shown, size, x, y, fill=0)


def finish(state):
    """State -> float32 [b, h, w, c] in [-1, 1], exactly 0 where a pixel does not show the picture."""
    images, shown = state
    return to_float(images) * tf.cast(shown, tf.float32)


def _move(images, shown, ops, magnitude, negate, x, y):
    """The geometric operations, for apply_each: each image's map is one of five."""
    signed = tf.where(negate, -magnitude, magnitude)
    maps = {'Rotate': geometry.rotation(signed, *images.shape[1:3]),
            'ShearX': geometry.shear_x_map(signed), 'ShearY': geometry.shear_y_map(signed),
            'TranslateX': geometry.translation(signed, 0), 'TranslateY': geometry.translation(0, signed)}
    which = tf.gather(tf.constant([list(maps).index(name) if name in maps else 0 for name in NAMES]), ops)
    maps = tf.gather(tf.stack(list(maps.values()), 1), which, batch_dims=1)
    index = geometry.sources(images, maps)
    return [geometry.moved(images, index), geometry.moved(shown, index)]


@functools.cache
def _on_rows(operation):
    """An operation that is not geometric, for apply_each."""
    image_op = operations.OPERATIONS[operation.image_op]

    def function(images, shown, ops, magnitude, negate, x, y):
        if operation.image_op == 'cutout':
            size = tf.cast(magnitude, tf.int32)
            images, shown = cut((image_op(images, size, x, y), shown), size, x, y)
        else:
            images = image_op(images) if operation.magnitude is _nothing else image_op(images, magnitude)
        return [images, tf.ones_like(shown) if operation.resets else shown]

    return function
