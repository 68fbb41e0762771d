"""Changes of pictures after the lens: brightness, contrast, saturation, distortion, pixels, JPEG."""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

# Corners of the triangle that elastic_transform moves, (x, y): 10 pixels from the middle of 32.
CORNERS = np.array([[26., 26.], [26., 6.], [6., 6.]])


def brightness(images, draws, add):
    """Adds to the value (the largest channel) in the HSV colour space; hue and saturation stay."""
    del draws
    x = images / 255
    value = x.max(-1, keepdims=True)
    return np.clip(value + add, 0, 1) * np.where(value > 0, x / np.where(value > 0, value, 1), 1)


def saturate(images, draws, factor, add):
    """Multiplies the saturation in the HSV colour space and adds to it; hue and value stay. Grey has the hue of red."""
    del draws
    x = images / 255
    value = x.max(-1, keepdims=True)
    spread = value - x.min(-1, keepdims=True)
    saturation = spread / np.where(value > 0, value, 1)
    # How far each channel lies below the value: 0 for the largest, 1 for the smallest.
    depth = np.where(spread > 0, (value - x) / np.where(spread > 0, spread, 1), [0, 1, 1])
    return value * (1 - np.clip(saturation * factor + add, 0, 1) * depth)


def contrast(images, draws, factor):
    """Brings every channel closer to its mean over the image."""
    del draws
    x = images / 255
    mean = x.mean((1, 2), keepdims=True)
    return (x - mean) * factor + mean


def pixelate(images, draws, size):
    """Pillow's box filter down to size x size pixels and back."""
    del draws
    side = images.shape[1]
    return np.stack([Image.fromarray(image).resize((size, size), Image.BOX).resize((side, side), Image.BOX)
                     for image in images])


def jpeg(images, draws, quality):
    """Stored as JPEG of this quality, colours at half the resolution, and read again."""
    del draws
    return np.stack([_stored(Image.fromarray(image), quality) for image in images])


def _stored(image, quality):
    file = io.BytesIO()
    image.save(file, 'JPEG', quality=quality)
    with Image.open(file) as stored:
        return np.asarray(stored)


def elastic(images, draws, alpha, sigma, shift):
    """An affine map that moves three points by up to `shift` pixels a coordinate, then smooth random displacements of
    every pixel: Gaussian-filtered (`sigma`) uniform noise times `alpha`; none where alpha is 0."""
    x = (images / 255).astype(np.float32)
    side = x.shape[1]
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    moved = CORNERS + draws.uniform(-shift, shift, CORNERS.shape)
    homogeneous = np.concatenate([moved, np.ones([len(x), 3, 1])], -1)
    # The map from where a pixel goes to where it comes from: [n, 3, 2], applied to (x, y, 1).
    source = np.linalg.solve(homogeneous, np.broadcast_to(CORNERS, moved.shape))[:, :, :, None, None]
    from_x, from_y = (source[:, 0, i] * columns + source[:, 1, i] * rows + source[:, 2, i] for i in (0, 1))
    x = bilinear(x, from_y, from_x, 'mirror')
    if not alpha:
        return x
    field = draws.uniform(-1, 1, [2, side, side])
    field = alpha * ndimage.gaussian_filter(field, [0, 0, sigma, sigma], mode='reflect', truncate=3)
    dx, dy = field.astype(np.float32).swapaxes(0, 1)
    return bilinear(x, rows + dy, columns + dx, 'reflect')


def bilinear(x, rows, columns, border):
    """Samples each image at its points.

    Args:
        x: [n, side, side, c].
        rows, columns: float64 [n, h, w], in pixels.
        border: what lies outside, `mirror` (...2 1 0 1 2...) or `reflect` (...1 0 0 1...).
    Returns:
        [n, h, w, c] of the type of x.
    """
    side, each = x.shape[1], np.arange(len(x))[:, None, None]

    def inside(index):
        period = 2 * side - 2 if border == 'mirror' else 2 * side
        index = index % period
        return np.where(index < side, index, (period if border == 'mirror' else period - 1) - index)

    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    top, bottom, left, right_of = inside(top), inside(top + 1), inside(left), inside(left + 1)
    upper = x[each, top, left] * (1 - right) + x[each, top, right_of] * right
    lower = x[each, bottom, left] * (1 - right) + x[each, bottom, right_of] * right
    return (upper * (1 - down) + lower * down).astype(x.dtype)
