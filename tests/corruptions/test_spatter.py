"""Drops of mud and water, and the filters that they are made of."""

import types

from corrupted import FLAT
from libml.corruptions import spatter
from libml.corruptions import table as corruptions
from libml.corruptions.draws import ImageDraws
from libml.corruptions.filters import to_bytes

import numpy as np
import pytest


def test_mud():
    grey = corruptions.apply('spatter', FLAT, 4)
    mud = np.array([63, 42, 20])
    covered = grey[..., 0] != 128
    assert 0.002 < covered.mean() < 0.2
    # Only what is covered by 0.8 or more is changed; a half byte is truncated.
    cover = (128 - grey[covered]) / (128 - mud)
    assert cover.min() > 0.79 and cover.max() < 1.02


def test_water():
    black = corruptions.apply('spatter', 0 * FLAT, 3)
    brightest = black.max((1, 2))
    assert (brightest == np.floor(0.5 * np.array([175, 238, 238]))).all()
    wet = black[black[..., 1] > 20]
    np.testing.assert_allclose(wet / wet[:, 1:2], [[175 / 238, 1, 1]] * len(wet), atol=0.06)
    assert 0.02 < np.mean(black > 0) < 0.4
    # No drop anywhere: nothing happens.
    x = spatter.spatter(FLAT[:2], ImageDraws(0, '', range(2)), 0.1, .01, .7, .7, .5, False)
    np.testing.assert_array_equal(x, FLAT[:2] / 255)


def test_bytes_above_white_wrap_as_in_the_published_pictures(case):
    """Drops at severity 3 reach 312 of 255."""
    arrays = case('spatter_wrap')
    draws = types.SimpleNamespace(normal=lambda mean, std, shape: arrays['normal_draws'][None])
    function, *parameters = corruptions.CORRUPTIONS['spatter']
    out, = to_bytes(function(arrays['image'][None], draws, *parameters[2]))
    # The original is in float32, where a byte may be truncated to its neighbour.
    np.testing.assert_allclose(out.astype(int), arrays['original'], atol=1)


def test_edges():
    """Values worked out by hand from the definition of Canny's detector."""
    x = np.zeros([3, 32, 32], np.uint8)
    x[0, :, 16:] = 37   # gradient 148: between the thresholds
    x[1, :, 16:] = 38   # 152: above
    x[2, :16, 16:], x[2, 16:, 16:] = 38, 30  # 120 below, connected to 152 above
    edges = spatter.canny(x, 50, 150)
    assert not edges[0].any()
    rows = np.zeros([32, 32], bool)
    rows[:, 15] = True  # Of two equal neighbours the first is the peak.
    np.testing.assert_array_equal(edges[1], rows)
    assert edges[2].any(1).all()
    # Slopes along a diagonal are thin too, in both directions.
    y, x45 = np.mgrid[:32, :32]
    for side in (x45 > y, x45 + y > 31):
        edge = spatter.canny(80 * side[None].astype(np.uint8), 50, 150)[0]
        assert edge[4:28].any(1).all() and edge[4:28].sum(1).max() <= 2
    lower = np.where(x[2:] > 0, x[2:] - 8, 0).astype(np.uint8)  # 120 and 88
    assert not spatter.canny(lower, 50, 150).any()


def test_distances_and_equalisation():
    edges = np.zeros([2, 32, 32], bool)
    edges[0, 10, 10] = True
    d = spatter.distances(edges)
    assert (d[1] == 20).all()
    y, x = np.abs(np.mgrid[:32, :32] - 10)
    np.testing.assert_allclose(d[0], np.minimum(np.hypot(y, x), 20), rtol=0.025)
    assert d[0, 10, 15] == 5 and d[0, 12, 12] == pytest.approx(2.8) and d[0, 11, 12] == pytest.approx(2.1969)
    values = np.repeat(np.array([10, 20, 30, 40], np.uint8), 256).reshape(1, 32, 32)
    out = spatter.equalized(np.concatenate([values, 0 * values + 7]))
    assert np.unique(out[0]).tolist() == [0, 85, 170, 255] and (out[1] == 7).all()
