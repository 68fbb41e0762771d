"""Blur: out of focus, behind glass, moved, zoomed. Parameters and registry in corruptions.py, arguments in
corruption_noise.py."""

import functools
import math

import numpy as np
from scipy import ndimage


def gaussian(images, draws, sigma):
    """Gaussian filter of each channel, standard deviation sigma pixels."""
    del draws
    return gaussian_filter(images / 255, sigma)


def gaussian_filter(x, sigma):
    """Gaussian filter along axes 1 and 2 of [n, h, w, ...], edges extended."""
    return ndimage.gaussian_filter(x, [0, sigma, sigma] + [0] * (x.ndim - 3), mode='nearest', truncate=4)


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


def motion_blur(images, degrees, radius, sigma):
    """ImageMagick's motion blur: the mean along a line that begins at the pixel, with weights of half a Gaussian.

    Args:
        images: uint8 [n, h, w, c].
        degrees: [n] directions of the line; 0 is along the rows, 90 is downwards.
        radius, sigma: the line has 2 * radius + 1 points; standard deviation of the weights, in pixels.
    Returns:
        uint8 [n, h, w, c].
    """
    count, height, width, _ = images.shape
    i = np.arange(2 * radius + 1)
    weights = np.exp(-0.5 * (i / sigma) ** 2)
    angles = np.deg2rad(degrees)[:, None]
    x = np.arange(width) + np.ceil(i * np.cos(angles) - 0.5).astype(np.int64)[:, :, None]
    y = np.arange(height) + np.ceil(i * np.sin(angles) - 0.5).astype(np.int64)[:, :, None]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    each, total = np.arange(count)[:, None, None], 0
    for k, weight in enumerate(weights / weights.sum()):
        total = total + weight * images[each, y[:, k, :, None], x[:, k, None, :]]
    return np.floor(total + 0.5).astype(np.uint8)


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


def zoomed(planes, factor):
    """Enlarges the middle of pictures [..., side, side] by `factor` (at least 1), bilinear, corners on corners."""
    weights = zoom_weights(planes.shape[-1], factor).astype(planes.dtype)
    # One product a picture: what comes out does not depend on how many there are.
    return weights @ planes @ weights.T


@functools.lru_cache(maxsize=64)
def zoom_weights(side, factor):
    """[side, side]: what each pixel of an enlarged row takes from each pixel of the row."""
    crop, enlarged = zoom_sizes(side, factor)
    position = (np.arange(side) + (enlarged - side) // 2) * (crop - 1) / (enlarged - 1)
    low = np.floor(position).astype(np.int64)
    weights = np.zeros([side, side])
    first, each = (side - crop) // 2, np.arange(side)
    np.add.at(weights, (each, first + low), 1 - (position - low))
    np.add.at(weights, (each, first + np.minimum(low + 1, crop - 1)), position - low)
    return weights


def zoom_sizes(side, factor):
    """How many pixels in the middle of a row are enlarged, and to how many (of which `side` are kept)."""
    crop = math.ceil(side / factor)
    return crop, round(crop * factor)


def to_bytes(x):
    """uint8 from floats in units where 1 is white: cut off to [0, 1], then truncated (not rounded), as published."""
    return (np.clip(x, 0, 1) * 255).astype(np.uint8)
