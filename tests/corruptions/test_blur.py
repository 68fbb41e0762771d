"""Blurs as sums over shifted and enlarged images; motion and glass by what they do to points and places."""

import math

from corrupted import FLAT, assert_truncated, parameters
from libml.corruptions import blur
from libml.corruptions import table as corruptions

import numpy as np
import pytest
from scipy import ndimage

each_severity = pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])


@each_severity
def test_defocus(pictures, severity):
    x = np.pad(pictures / 255., [(0, 0), (1, 1), (1, 1), (0, 0)], mode='reflect')
    if severity <= 3:
        e = [.0439369, .1353353, .2493522][severity - 1]
        x = (e * x[:, :-2] + x[:, 1:-1] + e * x[:, 2:]) / (1 + 2 * e)
        x = (e * x[:, :, :-2] + x[:, :, 1:-1] + e * x[:, :, 2:]) / (1 + 2 * e)
        eps = 1e-4
    elif severity == 4:
        middle = slice(1, -1)
        x = (x[:, middle, middle] + x[:, :-2, middle] + x[:, 2:, middle] + x[:, middle, :-2] + x[:, middle, 2:]) / 5
        eps = 255 * 4 * 3.8e-6  # the blurred edge of the disk
    else:
        x = sum(x[:, i:i + 32, j:j + 32] for i in range(3) for j in range(3)) / 9
        eps = 1e-9
    assert_truncated(corruptions.apply('defocus_blur', pictures, severity), x, eps)


def gaussian(x, sigma):
    """Gaussian filter of [n, 32, 32, 3] with extended edges, as sums over shifted images."""
    radius = int(4 * sigma + 0.5)
    weights = [math.exp(-i * i / (2 * sigma ** 2)) for i in range(-radius, radius + 1)]
    for axis in (1, 2):
        padded = np.pad(x, [(radius, radius) if a == axis else (0, 0) for a in range(4)], mode='edge')
        x = sum(w * padded.take(range(i, i + 32), axis) for i, w in enumerate(weights)) / sum(weights)
    return x


@each_severity
def test_gaussian_blur(pictures, severity):
    x = gaussian(pictures / 255., [.4, .6, .7, .8, 1][severity - 1])
    assert_truncated(corruptions.apply('gaussian_blur', pictures, severity), x)


@pytest.mark.parametrize('severity, count', [(1, 7), (2, 12), (3, 16), (4, 21), (5, 26)])
def test_zoom_blur(pictures, severity, count):
    factors = blur.zoom_factors(*parameters('zoom_blur', severity))
    assert len(factors) == count
    np.testing.assert_allclose(factors, [1 + 0.01 * i for i in range(count)])
    for image, got in zip(pictures[:4], corruptions.apply('zoom_blur', pictures[:4], severity)):
        x = image / 255.
        total = x.copy()
        for factor in factors:
            size = math.ceil(32 / factor)
            first = (32 - size) // 2
            large = ndimage.zoom(x[first:first + size, first:first + size], (factor, factor, 1), order=1)
            trim = (len(large) - 32) // 2
            total += large[trim:trim + 32, trim:trim + 32]
        assert_truncated(got, total / (count + 1), 2e-4)  # The corruption is one of float32.


def test_motion_blur():
    # A point becomes a line within 45 degrees of a row, as bright in sum.
    point = np.zeros([60, 32, 32, 3], np.uint8)
    point[:, 16, 16] = 255
    line = corruptions.apply('motion_blur', point, 5)[..., 0].astype(float)
    assert np.abs(line.sum((1, 2)) - 255).max() < 6
    _, y, x = np.nonzero(line)
    assert (np.abs(y - 16) <= np.abs(x - 16)).all() and x.max() == 16 and y.max() > 19 and y.min() < 13


def test_glass_copies_from_above_and_left():
    """Without a blur (severity 1) every pixel is one of the 2x2 that end at it, each equally often."""
    place = np.zeros([40, 32, 32, 3], np.uint8)
    place[..., 0], place[..., 1] = 8 * np.arange(32)[:, None], 8 * np.arange(32)
    moved = place.astype(int) - corruptions.apply('glass_blur', place, 1)
    down, right = moved[..., 0], moved[..., 1]
    assert not down[:, :2].any() and not right[:, :2].any() and not down[:, :, :2].any()
    for inner in (down[:, 2:, 2:], right[:, 2:, 2:]):
        assert set(np.unique(inner)) == {0, 8} and abs(inner.mean() - 4) < 0.05
    assert np.mean(down[:, 2:, 2:] * right[:, 2:, 2:]) == pytest.approx(64 / 4, rel=0.03)
    # What the first and last steps of severity 5 do to a flat picture is nothing.
    np.testing.assert_array_equal(corruptions.apply('glass_blur', FLAT[:2], 5), FLAT[:2])
