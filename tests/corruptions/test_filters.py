"""The filters that several corruptions are made of."""

from corrupted import parameters
from libml.corruptions import filters
from motion_by_hand import loop_motion

import numpy as np
import pytest
from scipy import ndimage


def test_motion_blur(pictures):
    degrees = [-37., -100.]
    got = filters.motion_blur(pictures[:2], np.array(degrees), 6, 1.5)
    for image, angle, result in zip(pictures, degrees, got):
        assert np.abs(result - loop_motion(image, angle, 6, 1.5)).max() <= 0.5 + 1e-9


def test_sizes_of_zoomed_snow():
    factors = [parameters('snow', severity)[2] for severity in (1, 3, 4, 5)]
    assert factors == [1, 1.75, 2.25, 1.25]
    assert [filters.zoom_sizes(32, factor) for factor in factors] == [(32, 32), (19, 33), (15, 34), (26, 32)]
    x = np.random.RandomState(0).rand(32, 32)
    large = ndimage.zoom(x[8:23, 8:23], 2.25, order=1)
    np.testing.assert_allclose(filters.zoomed(x, 2.25), large[1:33, 1:33], atol=1e-12)


@pytest.mark.parametrize('sigma', [0.4, 1, 3])
def test_gaussian_filter_of_a_point(sigma):
    """Its weights, within four standard deviations; at the edge of a picture, the edge goes on."""
    x = np.zeros([2, 32, 32, 3])
    x[0, 16, 16, 1], x[1, :, :8] = 1, 1
    out = filters.gaussian_filter(x, sigma)
    reach = np.abs(np.arange(32) - 16)
    weights = np.exp(-reach ** 2 / (2 * sigma ** 2)) * (reach <= int(4 * sigma + 0.5))
    weights /= weights.sum()
    np.testing.assert_allclose(out[0, ..., 1], np.outer(weights, weights), atol=1e-12)
    assert not out[0, ..., 0].any() and not out[0, ..., 2].any()
    # A bar of 8 columns: how much of a pixel's weights lie on it or left of the picture.
    np.testing.assert_allclose(out[1, 0, :16, 0], weights.cumsum()[23:7:-1], atol=1e-12)


def test_bytes_are_truncated_and_cut_off():
    values = np.array([-1, 0, 0.5, 254.999 / 255, 1, 7])
    assert filters.to_bytes(values).tolist() == [0, 0, 127, 254, 255, 255]
    assert filters.to_bytes(values).dtype == np.uint8
