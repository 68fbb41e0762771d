"""Spatter: drops of water or mud on the lens.

Images are [n, h, w]. Filters extend edges as OpenCV's do: mirrored at the middle of the last pixel, except Sobel's,
which repeat it.
"""

from libml.corruptions.filters import gaussian_filter

import numpy as np
from scipy import ndimage

WATER = np.array([175, 238, 238]) / 255
MUD = np.array([63, 42, 20]) / 255
SLOPE = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
# How far from an edge a drop still changes, in pixels.
LARGEST_DISTANCE = 20
# (down, right) -> length of a step of the chamfer distance, which is nearly the Euclidean one.
STEPS = {(y, x): {1: 1, 2: 1.4, 5: 2.1969}[y * y + x * x]
         for y in range(-2, 3) for x in range(-2, 3) if y * y + x * x in (1, 2, 5)}
TAN_22 = np.sqrt(2) - 1


def spatter(images, draws, mean, std, blur, threshold, strength, is_mud):
    """Drops where smoothed noise is above a threshold: bright water with shaded edges, or brown mud that covers."""
    x = images / 255
    drops = gaussian_filter(draws.normal(mean, std, x.shape[1:3]), blur)
    if is_mud:
        cover = gaussian_filter((drops > threshold).astype(np.float64), strength)
        cover = np.where(cover < 0.8, 0, cover)[..., None]
        return x * (1 - cover) + cover * MUD
    # Kept from the original: bytes from 256 on wrap to 0. All its other casts are of values that are cut off before.
    drops = (np.where(drops < threshold, 0, drops) * 255).astype(np.int64).astype(np.uint8)
    light = drops.astype(np.float64) * shading(drops)
    largest = light.max((1, 2), keepdims=True)
    light = strength * light / np.where(largest > 0, largest, 1)  # There may be no drop.
    return x + light[..., None] * WATER


def shading(drops):
    """uint8 [n, h, w]: a relief of the distance to the edges of drops uint8 [n, h, w], lit from one side."""
    distance = mean3(distances(canny(drops, 50, 150))).astype(np.uint8)
    relief = ndimage.correlate(equalized(distance).astype(np.int64), SLOPE[None], mode='mirror')
    return np.rint(mean3(np.clip(relief, 0, 255))).astype(np.uint8)


def mean3(x):
    """Mean of 3x3 pixels."""
    return ndimage.correlate(x.astype(np.float64), np.ones([1, 3, 3]), mode='mirror') / 9


def distances(edges):
    """Distance in pixels to the nearest edge of bool [n, h, w], at most LARGEST_DISTANCE: the shortest way by STEPS."""
    _, height, width = edges.shape
    padded = np.pad(np.where(edges, 0., LARGEST_DISTANCE), [(0, 0), (2, 2), (2, 2)], constant_values=LARGEST_DISTANCE)
    inside, before = padded[:, 2:-2, 2:-2], None
    while before is None or (inside < before).any():
        before = inside.copy()
        for (down, right), length in STEPS.items():
            neighbour = padded[:, 2 + down:2 + down + height, 2 + right:2 + right + width]
            np.minimum(inside, neighbour + length, out=inside)
    return inside


def equalized(x):
    """Histogram equalisation of each image, uint8 [n, h, w]: the darkest value becomes 0, the brightest 255."""
    count, pixels = len(x), x[0].size
    each = np.arange(count)[:, None, None]
    histogram = np.bincount((each * 256 + x).ravel(), minlength=count * 256).reshape(count, 256)
    darkest = np.take_along_axis(histogram, (histogram > 0).argmax(1)[:, None], 1)
    others = pixels - darkest
    table = np.rint(np.maximum(histogram.cumsum(1) - darkest, 0) * (255 / np.maximum(others, 1)))
    table = np.where(others > 0, table, np.arange(256))  # An image of one value stays.
    return table.astype(np.uint8)[each, x]


def canny(x, low, high):
    """Edges of uint8 [n, h, w] as bool [n, h, w]: Canny's detector with 3x3 Sobel filters and |dx| + |dy|.

    Where the gradient is larger than `low` and not smaller than its neighbours along its direction (rounded to 45
    degrees), and connected by such pixels to one where it is larger than `high`.
    """
    x = x.astype(np.int64)
    smooth, slope = np.array([1, 2, 1]), np.array([-1, 0, 1])
    dy, dx = [ndimage.correlate1d(ndimage.correlate1d(x, slope, axis, mode='nearest'), smooth, 3 - axis,
                                  mode='nearest') for axis in (1, 2)]
    size = np.abs(dx) + np.abs(dy)
    padded = np.pad(size, [(0, 0), (1, 1), (1, 1)])
    height, width = x.shape[1:]

    def neighbour(down, right):
        return padded[:, 1 + down:1 + down + height, 1 + right:1 + right + width]

    along_row = np.abs(dy) < TAN_22 * np.abs(dx)
    along_column = np.abs(dy) > (TAN_22 + 2) * np.abs(dx)
    falling = np.where((dx < 0) != (dy < 0), (size > neighbour(-1, 1)) & (size > neighbour(1, -1)),
                       (size > neighbour(-1, -1)) & (size > neighbour(1, 1)))
    is_peak = np.where(along_row, (size > neighbour(0, -1)) & (size >= neighbour(0, 1)),
                       np.where(along_column, (size > neighbour(-1, 0)) & (size >= neighbour(1, 0)), falling))
    within_image = np.zeros([3, 3, 3], bool)
    within_image[1] = True
    labels, count = ndimage.label(is_peak & (size > low), within_image)
    strong = np.zeros(count + 1, bool)
    strong[labels[is_peak & (size > high)]] = True
    return strong[labels]
