"""Rescaling: cut pixels off opposite sides, or off the top and the left, and resize what is left to the full size.

For a picture of fixed size these are few linear maps, one for each (pixels cut off, method), made of at most six taps
per output pixel. They are tabulated by numpy with Pillow's float64 formulas and 2^-22 fixed point weights.
"""

import functools

import numpy as np
import tensorflow as tf

METHODS = ('lanczos', 'bicubic', 'bilinear', 'box', 'hamming', 'nearest')
TAPS = 6
PRECISION = 22


def rescale(images, cut_x, cut_y, method):
    """Cuts cut_x columns and cut_y rows off at each side and resizes to the full size; Image.crop, Image.resize.

    Args:
        images: uint8 [b, h, w, c].
        cut_x, cut_y: int32 [b] in 0 .. max_cut(w) and 0 .. max_cut(h).
        method: int32 [b], index of METHODS.
    Returns:
        uint8 [b, h, w, c].
    """
    x, y = [tf.cast(cut, tf.int32) * len(METHODS) + tf.cast(method, tf.int32) for cut in (cut_x, cut_y)]
    return _resized(images, x, y, _tables)


def crop_bilinear(images, cut):
    """Cuts `cut` [b] pixels off at each side, resizes with the bilinear method; 0 .. max_cut of the shorter side."""
    return rescale(images, cut, cut, tf.fill(tf.shape(cut), METHODS.index('bilinear')))


def crop_corner(images, cut_x, cut_y):
    """Cuts cut_x columns off at the left and cut_y rows at the top, resizes to the full size with the bicubic method.

    Args:
        images: uint8 [b, h, w, c].
        cut_x, cut_y: int32 [b] in 0 .. w // 4 and 0 .. h // 4.
    """
    return _resized(images, cut_x, cut_y, _corner_tables)


def max_cut(size):
    """The most pixels that can be cut off at each end of `size`: a third."""
    return size // 3


def _resized(images, x, y, maps):
    """Resizes by the maps number x and y, int32 [b], of the tables `maps(size)`: uint8 [b, h, w, c] -> the same."""
    height, width, colors = images.shape[1:]
    # Pillow goes first along the rows, then along the columns, and rounds to bytes each time.
    tables = {size: [tf.constant(table) for table in maps(size)] for size in {height, width}}
    columns = tf.reshape(tf.transpose(images, [0, 2, 1, 3]), [-1, width, height * colors])
    columns = tf.reshape(_resample(columns, x, *tables[width]), [-1, width, height, colors])
    rows = tf.reshape(tf.transpose(columns, [0, 2, 1, 3]), [-1, height, width * colors])
    return tf.reshape(_resample(rows, y, *tables[height]), [-1, height, width, colors])


def _resample(lines, row, first, weights):
    """Resizes along axis 1, each image by one row of the maps: uint8 [b, size, m] -> uint8 [b, size, m]."""
    size, length = lines.shape[1:]
    first = tf.gather(first, row) + tf.range(tf.shape(lines)[0])[:, None] * size
    weights = tf.unstack(tf.gather(weights, row), axis=1)
    lines = tf.reshape(lines, [-1, length])
    last = tf.shape(lines)[0] - 1
    taps = [tf.cast(tf.gather(lines, tf.minimum(first + tap, last)), tf.int32) * weight[:, :, None]
            for tap, weight in enumerate(weights)]
    total = tf.bitwise.right_shift(tf.add_n(taps) + (1 << PRECISION - 1), PRECISION)
    return tf.cast(tf.clip_by_value(total, 0, 255), tf.uint8)


@functools.lru_cache(maxsize=16)
def _tables(size):
    """For each (cut, method), in this order: first source [., size] and weights [., TAPS, size], int32."""
    first = np.zeros([max_cut(size) + 1, len(METHODS), size], np.int32)
    weights = np.zeros([max_cut(size) + 1, len(METHODS), TAPS, size], np.int32)
    for cut in range(max_cut(size) + 1):
        for i, method in enumerate(METHODS):
            if cut == 0:  # Pillow returns the image when the size stays the same.
                first[cut, i], weights[cut, i, 0] = np.arange(size), 1 << PRECISION
            elif method == 'nearest':
                first[cut, i], weights[cut, i, 0] = cut + _nearest(size - 2 * cut, size), 1 << PRECISION
            else:
                start, weights[cut, i] = taps(size - 2 * cut, size, method)
                first[cut, i] = cut + start
    return first.reshape(-1, size), weights.reshape(-1, TAPS, size)


@functools.lru_cache(maxsize=16)
def _corner_tables(size):
    """As _tables, for each number of pixels cut off at the start, with the bicubic method."""
    found = [taps(size - cut, size, 'bicubic') for cut in range(size // 4 + 1)]
    first, weights = np.stack([start + cut for cut, (start, _) in enumerate(found)]), np.stack([w for _, w in found])
    # Pillow returns the image when the size stays the same.
    first[0], weights[0, 0], weights[0, 1:] = np.arange(size), 1 << PRECISION, 0
    return first, weights


def _nearest(n_in, n_out):
    """Source of each output pixel: positions are added up in float64, as Pillow does."""
    ratio = n_in / n_out
    return np.cumsum([ratio / 2] + [ratio] * (n_out - 1)).astype(np.int32)


def taps(n_in, n_out, method):
    """First source pixel [n_out] and fixed point weights [TAPS, n_out] of Image.resize for n_in <= n_out."""
    support, kernel = KERNELS[method]
    center = (np.arange(n_out) + 0.5) * (n_in / n_out)
    first = np.maximum(0, (center - support + 0.5).astype(np.int32))
    end = np.minimum(n_in, (center + support + 0.5).astype(np.int32))
    source = first + np.arange(TAPS)[:, None]
    weights = np.where(source < end, kernel(source - center + 0.5), 0)
    weights = weights * (1 / np.sum(weights, 0)) * (1 << PRECISION)
    return first, np.trunc(weights + np.copysign(0.5, weights)).astype(np.int32)


def _box(t):
    return np.where((t > -0.5) & (t <= 0.5), 1., 0.)


def _triangle(t):
    return np.maximum(1 - np.abs(t), 0)


def _hamming(t):
    return np.where(np.abs(t) < 1, np.sinc(t) * (0.54 + 0.46 * np.cos(np.pi * t)), 0)


def _cubic(t):
    t = np.abs(t)
    inner, outer = (1.5 * t - 2.5) * t * t + 1, -0.5 * (((t - 5) * t + 8) * t - 4)
    return np.where(t < 1, inner, np.where(t < 2, outer, 0))


def _lanczos(t):
    return np.where((t >= -3) & (t < 3), np.sinc(t) * np.sinc(t / 3), 0)


# name -> (half the width, function of the distance in source pixels).
KERNELS = {'lanczos': (3, _lanczos), 'bicubic': (2, _cubic), 'bilinear': (1, _triangle), 'box': (0.5, _box),
           'hamming': (1, _hamming)}
