"""Blur: out of focus, behind glass, moved, zoomed."""

import math

from libml.corruptions.filters import gaussian_filter, motion_blur, to_bytes, zoomed

import numpy as np
from scipy import ndimage


def gaussian(images, draws, sigma):
    """Gaussian filter of each channel, standard deviation sigma pixels."""
    del draws
    return gaussian_filter(images / 255, sigma)


def defocus(images, draws, radius, alias_sigma):
    """The picture of a point is a disk of `radius` pixels with slightly blurred edges."""
    del draws
    return ndimage.correlate(images / 255, disk(radius, alias_sigma)[None, :, :, None], mode='mirror')


def disk(radius, alias_sigma):
    """[5, 5] weights, for radius < 2: the pixels of the disk, equal, then blurred by 3x3 Gaussian weights."""
    y, x = np.mgrid[-2:3, -2:3]
    inside = (x ** 2 + y ** 2 <= radius ** 2).astype(np.float64)
    side = math.exp(-0.5 / alias_sigma ** 2)
    weights = np.array([side, 1, side]) / (1 + 2 * side)
    return ndimage.correlate(inside / inside.sum(), np.outer(weights, weights), mode='constant')


def glass(images, draws, sigma, delta, iterations):
    """Pixels are copied from neighbours up to `delta` away, between two Gaussian filters.

    The published code means to exchange two pixels, but its second assignment reads what the first has written: kept,
    as the published pictures are made so.
    """
    y = to_bytes(gaussian_filter(images / 255, sigma))
    count, side = y.shape[:2]
    places = [(h, w) for _ in range(iterations) for h in range(side - delta, delta, -1)
              for w in range(side - delta, delta, -1)]
    each = np.arange(count)
    offsets = draws.integers(-delta, delta, [len(places), 2])
    for (h, w), (dx, dy) in zip(places, offsets.transpose(1, 2, 0)):
        y[:, h, w] = y[each, h + dy, w + dx]
    return gaussian_filter(y / 255, sigma)


def motion(images, draws, radius, sigma):
    """The camera moves in a direction within 45 degrees of a row."""
    return motion_blur(images, draws.uniform(-45, 45, []), radius, sigma)


def zoom(images, draws, end):
    """Mean of the picture and its enlargements by 1, 1.01 ... up to `end` exclusive."""
    del draws
    x = (images / 255).astype(np.float32).transpose(0, 3, 1, 2)
    total = np.zeros_like(x)
    factors = zoom_factors(end)
    for factor in factors:
        total += zoomed(x, factor)
    return ((x + total) / np.float32(len(factors) + 1)).transpose(0, 2, 3, 1)


def zoom_factors(end):
    """[k] factors of `zoom`; numpy's rounding includes 1.06 and 1.11 themselves in their lists."""
    return np.arange(1, end, 0.01)
