"""Rescaling: every map against Pillow, and the weights of taps by hand."""

from libml.images import rescale
from pillow_twins import assert_twin, run

import numpy as np
import pytest


@pytest.mark.parametrize('size', [8, 28, 32, 96, 224])
def test_every_rescaling_map(size):
    """Each map, up to 96 px; at 224 px one in eight. Rows and columns use the same maps, so images are narrow."""
    maps = np.arange((rescale.max_cut(size) + 1) * 6)[::8 if size == 224 else 1]
    images = np.random.RandomState(size).choice([0, 1, 3, 128, 252, 255], (len(maps), 8, size, 1)).astype(np.uint8)
    assert_twin('rescale', images, [maps // 6, 0 * maps, maps % 6])


def test_taps_by_hand():
    """Two pixels become four: bilinear weights of 3/4 and 1/4, nothing from outside."""
    first, weights = rescale.taps(2, 4, 'bilinear')
    assert first.tolist() == [0, 0, 0, 1]
    np.testing.assert_array_equal(weights[:2] / 2 ** rescale.PRECISION, [[1, 0.75, 0.25, 1], [0, 0.25, 0.75, 0]])
    assert not weights[2:].any()


@pytest.mark.parametrize('method', sorted(rescale.KERNELS))
def test_taps_of_an_output_pixel_sum_to_one_and_lie_inside(method):
    for n_in in range(6, 33):
        first, weights = rescale.taps(n_in, 32, method)
        used = np.where(weights != 0, first + np.arange(rescale.TAPS)[:, None], 0)
        assert first.min() == 0 and used.max() == n_in - 1
        assert np.abs(weights.sum(0) - 2 ** rescale.PRECISION).max() <= rescale.TAPS / 2


def test_at_most_a_third_is_cut_off():
    assert [rescale.max_cut(size) for size in (8, 9, 32)] == [2, 3, 10]


def test_a_bilinear_crop_is_a_rescaling_by_the_same_cuts():
    images = np.random.RandomState(0).randint(0, 256, [4, 8, 12, 3]).astype(np.uint8)
    cut = np.array([0, 1, 2, 2])
    cropped = run('crop_bilinear', images, cut)
    np.testing.assert_array_equal(cropped, run('rescale', images, cut, cut, np.full(4, 2)))
    np.testing.assert_array_equal(cropped[0], images[0])
