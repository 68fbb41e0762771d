"""Decoding of files that Pillow wrote."""

import io

from libml.images.decode import decoded
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

PIXELS = np.random.RandomState(0).randint(0, 256, [12, 10, 3]).astype(np.uint8)


def stored(pixels, kind):
    """Bytes of a picture file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def test_png_is_what_was_stored():
    pictures = [('a.png', stored(PIXELS, 'PNG')), ('grey.png', stored(PIXELS[..., 0], 'PNG'))]
    color, grey = decoded(pictures)
    assert color.dtype == np.uint8
    np.testing.assert_array_equal(color, PIXELS)
    np.testing.assert_array_equal(grey, PIXELS[..., :1])


def test_jpeg_has_the_bytes_of_pillow():
    encoded = stored(PIXELS, 'JPEG')
    found, = decoded([('a.jpg', encoded)])
    np.testing.assert_array_equal(found, np.asarray(Image.open(io.BytesIO(encoded))))
    assert 0 < np.abs(found.astype(int) - PIXELS).mean() < 60


@pytest.mark.parametrize('damaged', [b'', b'no picture', stored(PIXELS, 'PNG')[:60]])
def test_a_damaged_picture_is_named_after_those_before_it(damaged):
    pictures = decoded([('whole.png', stored(PIXELS, 'PNG')), ('b/broken.png', damaged)])
    np.testing.assert_array_equal(next(pictures), PIXELS)
    with refused('b/broken.png is no PNG or JPEG, or damaged'):
        next(pictures)


def test_pictures_are_taken_one_by_one():
    """They may be more than the memory holds, and two may have one name."""
    taken = []

    def pictures():
        for shade in (10, 20):
            taken.append(shade)
            yield 'same.png', stored(np.full([2, 2], shade, np.uint8), 'PNG')

    images = decoded(pictures())
    assert next(images).max() == 10 and taken == [10] and next(images).max() == 20


def test_a_graph_under_construction_is_left_alone():
    with tf.Graph().as_default() as graph:
        for _ in decoded([(name, stored(PIXELS, 'PNG')) for name in 'ab']):
            assert tf.compat.v1.get_default_graph() is graph and tf.compat.v1.get_default_session() is None
    assert not graph.get_operations()
