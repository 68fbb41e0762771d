"""Pictures of any size -> arrays of one size."""

import numpy as np
from PIL import Image


def fitted(picture, height, width, colors, fit):
    """Pixels of a picture at a given size.

    Colour becomes grey first, by Pillow's `L`, then the size changes, by Pillow's antialiased triangle filter.

    Args:
        picture: a PIL.Image of mode L or RGB, from reading.read.
        height, width: of the result.
        colors: 1 or 3.
        fit: 'crop' takes the largest centred box of the result's aspect, 'pad' the whole picture, centred with black
            around it, 'stretch' the whole picture without keeping its aspect.
    Returns:
        uint8 [height, width, colors].
    """
    picture = in_colors(picture, colors)
    box, size = {'crop': _crop, 'pad': _pad, 'stretch': _stretch}[fit](*picture.size, width, height)
    picture = _resized(picture, size, box)
    if size != (width, height):
        canvas = Image.new(picture.mode, (width, height))
        canvas.paste(picture, ((width - size[0]) // 2, (height - size[1]) // 2))
        picture = canvas
    return np.array(picture).reshape(height, width, colors)


def in_colors(picture, colors):
    """A picture of mode L or RGB in 1 or 3 colors."""
    mode = {1: 'L', 3: 'RGB'}[colors]
    return picture if picture.mode == mode else picture.convert(mode)


def _resized(picture, size, box):
    """Pillow's resize, along the rows and then along the columns: which is first depends on Pillow's version."""
    left, upper, right, lower = box
    rows = picture.resize((size[0], picture.height), Image.Resampling.BILINEAR, (left, 0, right, picture.height))
    return rows.resize(size, Image.Resampling.BILINEAR, (0, upper, size[0], lower))


# Each returns the box of the picture (left, upper, right, lower) that is used, and the (width, height) that it gets.


def _crop(w, h, width, height):
    box_w, box_h = min(w, h * width / height), min(h, w * height / width)
    left, upper = (w - box_w) / 2, (h - box_h) / 2
    return (left, upper, left + box_w, upper + box_h), (width, height)


def _pad(w, h, width, height):
    """The side that is not full is rounded half up, in integers, and is at least 1."""
    if w * height >= h * width:
        size = width, max(1, (2 * h * width + w) // (2 * w))
    else:
        size = max(1, (2 * w * height + h) // (2 * h)), height
    return (0, 0, w, h), size


def _stretch(w, h, width, height):
    return (0, 0, w, h), (width, height)
