"""Pictures fitted by TensorFlow ops are those that Pillow and numpy fit, to the byte."""

import io

from libml.images import fitting_in_graph
from libml.images.adaptation import Adaptation
from libml.pictures.fitting import fitted
from libml.pictures.reading import read

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

SIZES = [(1, 1), (3, 2), (16, 16), (33, 20), (20, 33), (75, 100), (7, 90)]


def encoded(mode, size, kind):
    random = np.random.RandomState(sum(size))
    shape = (4, 5, len(mode)) if len(mode) > 1 else (4, 5)
    smooth = Image.fromarray(random.randint(0, 256, shape, np.uint8))
    data = io.BytesIO()
    smooth.resize(size[::-1], Image.Resampling.BICUBIC).save(data, kind)
    return data.getvalue()


def palette(**kwargs):
    data = io.BytesIO()
    Image.open(io.BytesIO(encoded('RGB', (30, 40), 'PNG'))).quantize(9).save(data, 'PNG', **kwargs)
    return data.getvalue()


def transparent_color(mode):
    """A PNG whose first pixel's colour is transparent."""
    data, picture = io.BytesIO(), Image.open(io.BytesIO(encoded(mode, (9, 8), 'PNG')))
    picture.save(data, 'PNG', transparency=picture.getpixel((0, 0)))
    return data.getvalue()


def sixteen_bits():
    data = io.BytesIO()
    Image.fromarray(np.random.RandomState(0).randint(0, 1 << 16, (20, 25)).astype(np.uint16)).save(data, 'PNG')
    return data.getvalue()


FILES = [encoded(mode, size, kind) for mode, kind in (('RGB', 'JPEG'), ('L', 'JPEG'), ('RGB', 'PNG'), ('RGBA', 'PNG'))
         for size in SIZES] + [encoded('L', (9, 8), 'PNG'), encoded('LA', (9, 8), 'PNG'), palette(),
                          palette(transparency=2), sixteen_bits(), transparent_color('L'), transparent_color('RGB')]


@pytest.mark.parametrize('fit', ['crop', 'pad', 'stretch'])
@pytest.mark.parametrize('height, width, colors', [(16, 16, 3), (32, 32, 1), (12, 20, 3)])
def test_equal_to_pillow(fit, height, width, colors):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        content = tf.compat.v1.placeholder(tf.string, [])
        picture = fitting_in_graph.in_colors(fitting_in_graph.decoded(content), colors)
        out = fitting_in_graph.fitted(picture, height, width, fit)
        for i, file in enumerate(FILES):
            expected = fitted(read(file), height, width, colors, fit)
            np.testing.assert_array_equal(session.run(out, {content: file}), expected, err_msg=str(i))


@pytest.mark.parametrize('adaptation', [
    Adaptation(), Adaptation(((1, 2), (3, 0))), Adaptation(side=32, colors=3), Adaptation(((2, 2), (2, 2)), 24, 1),
    Adaptation(colors=3), Adaptation(((4, 4), (4, 4)), side=17)])
def test_adaptation_is_that_of_arrays(adaptation):
    image = np.random.RandomState(0).randint(0, 256, (9, 9, 1)).astype(np.uint8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = session.run(fitting_in_graph.adapted(tf.constant(image), adaptation))
    np.testing.assert_array_equal(found, adaptation(image[None])[0])


def jpeg(turn, mode='RGB', endian='<', before=b''):
    """A JPEG whose EXIF data have an orientation after another entry."""
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010e], exif[0x0112] = 'some text that is long', turn
    data = io.BytesIO()
    picture = Image.open(io.BytesIO(encoded('RGB', (20, 33), 'PNG'))).convert(mode)
    picture.save(data, 'JPEG', exif=exif.tobytes() if turn else b'', comment=before)
    return data.getvalue()


def test_pictures_are_turned_upright():
    files = [(turn, jpeg(turn, endian=endian)) for turn in range(1, 9) for endian in '<>']
    assert len({bytes(np.asarray(read(file))) for _, file in files}) == 8
    whole = jpeg(6)
    start = whole.index(b'Exif')
    files += [(1, jpeg(0)), (1, jpeg(9)), (8, jpeg(8, 'L')), (3, jpeg(3, before=b'x' * 500))]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        content = tf.compat.v1.placeholder(tf.string, [])
        out = fitting_in_graph.orientation(content), fitting_in_graph.decoded(content)
        for turn, file in files:
            found = session.run(out, {content: file})
            assert found[0] == turn
            np.testing.assert_array_equal(found[1], np.asarray(read(file).convert('RGB')), err_msg=str(turn))
        for end in (0, 3, *range(start, start + 60)):  # Cut anywhere, it is a number.
            assert session.run(out[0], {content: whole[:end]}) in (1, 6)


def test_cmyk_is_off_by_one_at_most():
    data = jpeg(0, 'CMYK')
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = session.run(fitting_in_graph.decoded(tf.constant(data)))
    assert np.abs(found.astype(int) - np.asarray(read(data))).max() <= 1
