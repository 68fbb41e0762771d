"""Operations by tables: Pillow's without an amount, every range of autocontrast, and equalize by hand."""

from pillow_twins import assert_equals, pictures, run

import numpy as np
import pytest
from PIL import ImageOps


@pytest.mark.parametrize('name', ['autocontrast', 'equalize'])
def test_without_amount_is_the_full_effect(name):
    assert_equals(getattr(ImageOps, name), name, pictures(np.random.RandomState(0), 32, 32, 3))


def test_autocontrast_of_every_range():
    """The float64 table of Pillow for all (low, high): one image each, holding all values between."""
    low, high = np.array([(a, b) for a in range(256) for b in range(a + 1, 256)]).T[:, :, None].astype(np.float64)
    values = np.clip(np.arange(256), low, high)
    scale = 255. / (high - low)
    wanted = np.clip(np.trunc(values * scale + -low * scale), 0, 255)
    out = run('autocontrast', values.reshape(-1, 16, 16, 1).astype(np.uint8))
    np.testing.assert_array_equal(out.reshape(-1, 256), wanted)


def test_equalize_by_hand():
    """Four values of 256 pixels: the step is 768 // 255 = 3, so (1 + 256 i) // 3, and 256 is cut off to 255."""
    values = np.repeat(np.uint8([10, 20, 30, 40]), 256).reshape(1, 32, 32, 1)
    np.testing.assert_array_equal(run('equalize', values).ravel(), np.repeat([0, 85, 171, 255], 256))
    half = run('equalize', values, np.array([0.5])).ravel()  # Truncated: 5, 52.5, 100.5, 147.5.
    np.testing.assert_array_equal(half, np.repeat([5, 52, 100, 147], 256))


@pytest.mark.parametrize('name', ['autocontrast', 'equalize'])
def test_a_channel_of_one_value_stays(name):
    """Red is flat, green is stretched, blue has both ends already."""
    images = np.full([1, 32, 32, 3], 7, np.uint8)
    images[..., 1:] = np.repeat(np.uint8([[30, 0], [40, 255]]), 512, 0).reshape(32, 32, 2)
    wanted = images.copy()
    wanted[..., 1] = images[..., 2]
    np.testing.assert_array_equal(run(name, images), wanted)
