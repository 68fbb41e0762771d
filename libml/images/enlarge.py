"""Small pictures made as large and as colourful as those of CIFAR-10: bicubic enlargement of whole arrays in memory."""

from libml.images.rescale import PRECISION, taps
from libml.utils import InputError

import numpy as np

CHUNK = 4096  # images enlarged at once: the sums below take some 13 kB each


def to_32_color(images):
    """Images as 32x32 colour pictures; those that are already are returned as they are (no copy).

    Args:
        images: uint8 [n, h, w, c], h and w at most 32, c 1 or 3.
    Returns:
        uint8 [n, 32, 32, 3].
    Raises:
        InputError: the images are larger, or of another number of channels.
    """
    if images.shape[-1] not in (1, 3):
        raise InputError(f'images have {images.shape[-1]} channels: only grey (1) and colour (3) become 32x32 colour')
    images = enlarge(images, 32)
    return images if images.shape[-1] == 3 else np.repeat(images, 3, -1)


def enlarge(images, size):
    """Bicubic enlargement to size x size pixels, equal to the byte to Pillow's Image.resize(..., BICUBIC).

    Args:
        images: uint8 [n, h, w, c], h and w at most `size`; returned as they are if both are.
    Returns:
        uint8 [n, size, size, c].
    Raises:
        InputError: the images are larger.
    """
    n, height, width, colors = images.shape
    if max(height, width) > size:
        raise InputError(f'images of {height}x{width} pixels are larger than {size}x{size}: only smaller ones are '
                         'enlarged')
    if height == width == size:
        return images
    out = np.empty([n, size, size, colors], np.uint8)
    for start in range(0, n, CHUNK):
        # Pillow goes first along the rows, then along the columns, and rounds to bytes each time.
        rows = _resize(images[start:start + CHUNK].swapaxes(1, 2), size).swapaxes(1, 2)
        out[start:start + CHUNK] = _resize(rows, size)
    return out


def _resize(lines, size):
    """Bicubic enlargement along axis 1: uint8 [n, m, k, c] -> uint8 [n, size, k, c]."""
    last = lines.shape[1] - 1
    if last + 1 == size:  # Pillow leaves it.
        return lines
    first, weights = taps(last + 1, size, 'bicubic')
    total = np.full([len(lines), size, *lines.shape[2:]], 1 << PRECISION - 1, np.int32)
    for tap, weight in enumerate(weights):
        if weight.any():
            total += lines[:, np.minimum(first + tap, last)] * weight[:, None, None]
    return np.clip(total >> PRECISION, 0, 255).astype(np.uint8)
