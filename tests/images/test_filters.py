"""Convolutions: Pillow's without an amount, and single points by hand."""

from pillow_twins import assert_equals, pictures, run

import numpy as np
import pytest
from PIL import ImageFilter


@pytest.mark.parametrize('name', ['smooth', 'blur'])
def test_without_amount_is_the_full_effect(name):
    kind = getattr(ImageFilter, name.upper())
    assert_equals(lambda image: image.filter(kind), name, pictures(np.random.RandomState(0), 32, 32, 3))


@pytest.mark.parametrize('name', ['smooth', 'blur'])
@pytest.mark.parametrize('side', [1, 2, 3, 4, 5])
def test_pictures_that_are_smaller_than_the_filter(name, side):
    kind = getattr(ImageFilter, name.upper())
    images = np.random.RandomState(0).randint(0, 256, [9, side, side, 3]).astype(np.uint8)
    assert_equals(lambda image: image.filter(kind), name, images)


def point(value, y, x):
    """uint8 [1, 9, 9, 1], black but for one pixel."""
    image = np.zeros([1, 9, 9, 1], np.uint8)
    image[0, y, x] = value
    return image


def distance(y, x):
    """Of each of 9x9 pixels from one, in steps of a king."""
    return np.abs(np.mgrid[:9, :9] - np.reshape([y, x], [2, 1, 1])).max(0)


def test_a_point_inside():
    """SMOOTH gives 1/13 to each of 8 neighbours, BLUR 1/16 to each of the 16 around them."""
    away = distance(4, 4)
    smooth, blur = run('smooth', point(130, 4, 4))[0, ..., 0], run('blur', point(160, 4, 4))[0, ..., 0]
    np.testing.assert_array_equal(smooth, np.select([away == 0, away == 1], [50, 10]))
    np.testing.assert_array_equal(blur, np.where(away == 2, 10, 0))
    half = run('smooth', point(130, 4, 4), np.array([0.5]))[0, ..., 0]
    np.testing.assert_array_equal(half, np.select([away == 0, away == 1], [90, 5]))


@pytest.mark.parametrize('y, x', [(1, 8), (8, 4), (0, 0), (4, 0)])
def test_the_border_stays(y, x):
    """A point on it gives to its neighbours inside, and nothing to the other end of the row before or after."""
    inside = np.zeros([9, 9], bool)
    inside[1:-1, 1:-1] = True
    wanted = np.where(inside & (distance(y, x) == 1), 10, 0)
    wanted[y, x] = 130
    np.testing.assert_array_equal(run('smooth', point(130, y, x))[0, ..., 0], wanted)
    inside[1], inside[-2], inside[:, 1], inside[:, -2] = False, False, False, False
    wanted = np.where(inside & (distance(y, x) == 2), 10, 0)
    wanted[y, x] = 160
    np.testing.assert_array_equal(run('blur', point(160, y, x))[0, ..., 0], wanted)


def test_sharpness_moves_away_from_the_smoothed_image():
    """With factor 2 a point of 130, smoothed to 50, becomes 210; its neighbours become 0, not -10."""
    np.testing.assert_array_equal(run('sharpness', point(130, 4, 4), np.array([2.])), point(210, 4, 4))
