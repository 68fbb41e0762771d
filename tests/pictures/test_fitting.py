"""Pictures of any size become arrays of one size."""

from libml.datasets.descriptions import FITS
from libml.pictures.fitting import fitted

import numpy as np
import pytest
from PIL import Image

NOISE = np.random.RandomState(0).randint(0, 256, [9, 14, 3]).astype(np.uint8)


def triangle(length, start, end, size):
    """Weights [size, length] of an antialiased triangle filter that brings [start, end) of a line to `size` pixels."""
    scale = (end - start) / size
    centers = start + (np.arange(size)[:, None] + 0.5) * scale
    weights = np.maximum(0, 1 - np.abs(np.arange(length) + 0.5 - centers) / max(1, scale))
    return weights / weights.sum(1, keepdims=True)


def filtered(pixels, box, height, width):
    left, upper, right, lower = box
    rows, columns = triangle(len(pixels), upper, lower, height), triangle(pixels.shape[1], left, right, width)
    return np.einsum('ij,jkc,lk->ilc', rows, pixels.astype(float), columns)


@pytest.mark.parametrize('fit, size, box', [
    ('crop', (4, 4), (2.5, 0, 11.5, 9)), ('crop', (16, 16), (2.5, 0, 11.5, 9)), ('crop', (3, 6), (0, 1, 14, 8)),
    ('stretch', (5, 4), (0, 0, 14, 9))])
def test_box_and_filter(fit, size, box):
    found = fitted(Image.fromarray(NOISE), *size, 3, fit)
    assert found.shape == (*size, 3) and found.dtype == np.uint8
    assert np.abs(found - filtered(NOISE, box, *size)).max() <= 1.1  # rounded twice


def test_pad_is_the_whole_picture_between_black():
    found = fitted(Image.fromarray(NOISE), 7, 7, 3, 'pad')  # 14x9 becomes 7x4.5, rounded up
    assert not found[0].any() and not found[6].any()
    assert np.abs(found[1:6] - filtered(NOISE, (0, 0, 14, 9), 5, 7)).max() <= 1.1
    found = fitted(Image.fromarray(NOISE.swapaxes(0, 1)), 7, 7, 3, 'pad').swapaxes(0, 1)
    assert not found[0].any() and not found[6].any()
    assert np.abs(found[1:6] - filtered(NOISE, (0, 0, 14, 9), 5, 7)).max() <= 1.1


@pytest.mark.parametrize('fit', FITS)
def test_extreme_shapes(fit):
    for h, w in ((1, 1), (1, 300), (300, 1)):
        found = fitted(Image.fromarray(np.full([h, w, 3], 200, np.uint8)), 8, 8, 3, fit)
        assert found.shape == (8, 8, 3) and set(np.unique(found)) == ({0, 200} if fit == 'pad' and h != w else {200})
    same = fitted(Image.fromarray(NOISE), 9, 14, 3, fit)
    np.testing.assert_array_equal(same, NOISE)


def test_colors():
    grey = fitted(Image.fromarray(NOISE), 9, 14, 1, 'crop')
    weights = np.array([19595, 38470, 7471])  # ITU-R 601 in 16 bits
    np.testing.assert_array_equal(grey[..., 0], (NOISE @ weights + 32768) >> 16)
    color = fitted(Image.fromarray(NOISE[..., 0]), 9, 14, 3, 'crop')
    np.testing.assert_array_equal(color, np.dstack([NOISE[..., 0]] * 3))
    # Grey comes first: the size changes afterwards.
    small = fitted(Image.fromarray(grey[..., 0]), 5, 5, 1, 'crop')
    np.testing.assert_array_equal(fitted(Image.fromarray(NOISE), 5, 5, 1, 'crop'), small)
