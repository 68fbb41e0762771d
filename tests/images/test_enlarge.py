"""Enlargement of small pictures against Pillow."""

from libml.images import enlarge
from libml.utils import InputError

import numpy as np
import pytest
from PIL import Image


@pytest.mark.parametrize('shape', [(8, 8, 1), (16, 16, 3), (28, 28, 1), (20, 32, 3), (32, 9, 1)])
def test_bytes_are_those_of_pillow(shape):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, [5, *shape], np.uint8)
    images[4] = 255 * (images[4] > 127)  # The largest overshoots.
    out = enlarge.to_32_color(images)
    assert out.shape == (5, 32, 32, 3) and out.dtype == np.uint8
    for image, got in zip(images, out):
        planes = [np.asarray(Image.fromarray(plane).resize((32, 32), Image.BICUBIC)) for plane in np.rollaxis(image, 2)]
        np.testing.assert_array_equal(got, np.stack(planes * (3 // len(planes)), -1))


def test_what_is_large_enough_stays():
    images = np.random.RandomState(0).randint(0, 256, [3, 32, 32, 3], np.uint8)
    assert enlarge.to_32_color(images) is images
    grey = enlarge.to_32_color(images[..., :1])
    np.testing.assert_array_equal(grey, images[..., [0, 0, 0]])
    assert enlarge.enlarge(images, 48).shape == (3, 48, 48, 3)
    assert enlarge.to_32_color(images[:0, :8]).shape == (0, 32, 32, 3)


def test_many_are_enlarged_by_chunks(monkeypatch):
    images = np.random.RandomState(0).randint(0, 256, [11, 8, 8, 1], np.uint8)
    whole = enlarge.to_32_color(images)
    monkeypatch.setattr(enlarge, 'CHUNK', 4)
    np.testing.assert_array_equal(enlarge.to_32_color(images), whole)


def test_what_cannot_be():
    with pytest.raises(InputError, match='96x96 pixels are larger than 32x32'):
        enlarge.to_32_color(np.zeros([1, 96, 96, 3], np.uint8))
    with pytest.raises(InputError, match='4 channels'):
        enlarge.to_32_color(np.zeros([1, 8, 8, 4], np.uint8))
