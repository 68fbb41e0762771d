"""Filters that several corruptions are made of."""

import functools
import math

import numpy as np
from scipy import ndimage


def gaussian_filter(x, sigma):
    """Gaussian filter along axes 1 and 2 of [n, h, w, ...], edges extended."""
    return ndimage.gaussian_filter(x, [0, sigma, sigma] + [0] * (x.ndim - 3), mode='nearest', truncate=4)


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
