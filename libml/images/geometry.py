"""Image operations that move pixels: rotate, shear, translate, flip. Pixels from outside become `fill`, 0 by default.

An affine map is six whole numbers in units of 2^-16 pixel, as in Pillow's nearest-neighbour transform: output pixel
(x, y) shows pixel ((a x + b y + c) >> 16, (d x + e y + f) >> 16) of the input. Floats instead would move some pixels.
A map has the shape [6] or [b, 6], int32, in the order a, b, c, d, e, f.
"""

import math

import numpy as np
import tensorflow as tf

ONE = 1 << 16
MAX_DEGREES = 45


def affine(images, maps, fill=0):
    """Moves pixels: uint8 [b, h, w, c], int32 [b, 6] -> uint8 [b, h, w, c], `fill` where the source lies outside."""
    return moved(images, sources(images, maps), fill)


def sources(images, maps):
    """Where each pixel of the output comes from, an index of all pixels of the batch: int32 [b, h, w].

    The index after the last pixel stands for what lies outside.
    """
    height, width = images.shape[1:3]
    a, b, c, d, e, f = tf.unstack(maps[:, :, None, None], axis=1)
    x, y = tf.range(width), tf.range(height)[:, None]
    x, y = [tf.bitwise.right_shift((offset + i * x) + j * y, 16) for offset, i, j in ((c, a, b), (f, d, e))]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    b = tf.shape(images)[0]
    first = tf.range(b)[:, None, None] * (height * width)
    return tf.where(inside, first + y * width + x, b * height * width)


def moved(images, index, fill=0):
    """The pixels that `sources` found, `fill` for those outside: [b, h, w, c], int32 [b, h, w] -> [b, h, w, c]."""
    colors = images.shape[-1]
    pixels = tf.concat([tf.reshape(images, [-1, colors]), tf.constant(fill, images.dtype, [1, colors])], 0)
    return tf.gather_nd(pixels, index[..., None])  # For such short slices a third faster than tf.gather.


def rotate(images, degrees, fill=0):
    """Rotates counter-clockwise around the centre by whole degrees [b] in -45..45; Image.rotate."""
    return affine(images, rotation(degrees, *images.shape[1:3]), fill)


def shear_x(images, k, fill=0):
    """Shows pixel (x + k y, y) at (x, y), so the top left corner stays; k is [b], float64 for all its bits."""
    return affine(images, shear_x_map(k), fill)


def shear_y(images, k, fill=0):
    """Shows pixel (x, y + k x) at (x, y); see shear_x."""
    return affine(images, shear_y_map(k), fill)


def translate_x(images, pixels, fill=0):
    """Shows pixel (x + pixels, y) at (x, y): whole pixels [b], positive moves the picture to the left."""
    return affine(images, translation(pixels, 0), fill)


def translate_y(images, pixels, fill=0):
    """Shows pixel (x, y + pixels) at (x, y): whole pixels [b], positive moves the picture up."""
    return affine(images, translation(0, pixels), fill)


def flip_lr(images, flip):
    """Mirrors left and right the images where `flip` (bool [b]) is true."""
    return tf.where(flip[:, None, None, None], tf.reverse(images, [2]), images)


def flip_ud(images, flip):
    """Mirrors top and bottom of the images where `flip` (bool [b]) is true."""
    return tf.where(flip[:, None, None, None], tf.reverse(images, [1]), images)


def shear_x_map(k):
    """Map [b, 6] of shear_x. Half a pixel down the column at half a row: c is (1 + k) / 2."""
    k = tf.cast(k, tf.float64)
    return _maps([ONE, _fixed(k), _fixed(0.5 + k / 2), 0, ONE, ONE // 2])


def shear_y_map(k):
    """Map [b, 6] of shear_y."""
    k = tf.cast(k, tf.float64)
    return _maps([ONE, 0, ONE // 2, _fixed(k), ONE, _fixed(0.5 + k / 2)])


def translation(x, y):
    """Map [b, 6] of a translation by whole pixels: x or y [b], the other may be a number."""
    x, y = tf.cast(x, tf.int32), tf.cast(y, tf.int32)
    return _maps([ONE, 0, x * ONE + ONE // 2, 0, ONE, y * ONE + ONE // 2])


def rotation(degrees, height, width):
    """Map [b, 6] of a rotation by whole degrees [b] in -45..45, looked up: sines are the business of numpy here."""
    table = [_rotation(t, height, width) for t in range(-MAX_DEGREES, MAX_DEGREES + 1)]
    return tf.gather(tf.constant(table, tf.int32), tf.cast(degrees, tf.int32) + MAX_DEGREES)


def _rotation(degrees, height, width):
    """The six numbers of Image.rotate for an angle: cosine and sine rounded to 15 digits, about the centre."""
    angle = -math.radians(degrees % 360)
    a, b = round(math.cos(angle), 15), round(math.sin(angle), 15)
    d, e = round(-math.sin(angle), 15), a
    c = a * (-width / 2) + b * (-height / 2) + width / 2
    f = d * (-width / 2) + e * (-height / 2) + height / 2
    return [int(_rounded(v)) for v in (a, b, c + a / 2 + b / 2, d, e, f + d / 2 + e / 2)]


def _rounded(value):
    return np.floor(value * ONE + 0.5)


def _fixed(value):
    """float64 [b] -> int32 [b] in units of 2^-16."""
    return tf.cast(tf.floor(value * ONE + 0.5), tf.int32)


def _maps(six):
    """Six numbers or int32 [b] -> int32 [b, 6]."""
    six = [tf.cast(v, tf.int32) for v in six]
    shape = tf.broadcast_dynamic_shape(tf.shape(six[2]), tf.shape(six[5]))
    return tf.stack([tf.broadcast_to(v, shape) for v in six], -1)
