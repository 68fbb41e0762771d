"""Parts of pictures against numpy, and the numbers of FixMatch's ImageNet code."""

import io

from libml.images.framing import ATTEMPTS, Draws, Frame, center_part, random_part

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image


def run(tensors):
    with tf.compat.v1.Session() as session:
        return session.run(tensors)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


def part_in_numpy(height, width, area, aspect, drawn):
    """random_part, an attempt at a time; None where none is good."""
    for a, h, top, left in drawn.astype(np.float64):
        ratio = aspect + a * (1 / aspect - aspect)
        tallest = min(np.rint(np.sqrt(height * width / ratio)), np.floor((width + 0.5 - 1e-7) / ratio), height)
        lowest = min(np.rint(np.sqrt(area * height * width / ratio)), tallest)
        rows = lowest + np.floor(h * (tallest - lowest + 1))
        columns = np.rint(rows * ratio)
        if 1 <= columns <= width and rows >= 1 and rows * columns >= 0.1 * height * width:
            return [int(np.floor(top * (height - rows + 1))), int(np.floor(left * (width - columns + 1))), int(rows),
                    int(columns)]
    return None


@pytest.mark.parametrize('height, width, part', [(375, 500, (24, 86, 328, 328)), (500, 375, (86, 24, 328, 328)),
                                                 (224, 224, (14, 14, 196, 196)), (100, 640, (7, 277, 87, 87)),
                                                 (1, 1, (0, 0, 1, 1))])
def test_golden_centers(height, width, part):
    assert tuple(run(center_part(tf.constant(height), tf.constant(width)))) == part


@pytest.mark.parametrize('height, width, area, aspect', [(375, 500, 0.08, 0.75), (37, 19, 0.5, 0.5),
                                                         (8, 300, 0.08, 0.75), (64, 64, 1., 1.)])
def test_random_parts_are_those_of_numpy(height, width, area, aspect):
    drawn = np.random.default_rng(0).random([200, ATTEMPTS, 4], np.float32)
    sides, otherwise = (tf.constant(height), tf.constant(width)), tf.constant([-1] * 4)
    found = run(tf.map_fn(lambda row: random_part(*sides, area, aspect, row, otherwise), tf.constant(drawn),
                          fn_output_signature=tf.int32))
    expected = [part_in_numpy(height, width, area, aspect, row) or [-1] * 4 for row in drawn]
    np.testing.assert_array_equal(found, expected)
    good = found[found[:, 0] >= 0]
    if (height, width) == (8, 300):
        assert not len(good)  # No part of these aspects covers a tenth of such a strip.
        return
    top, left, rows, columns = good.T
    assert len(good) > 190 and (top + rows <= height).all() and (left + columns <= width).all() and (good >= 0).all()
    assert (rows * columns >= 0.1 * height * width).all()
    assert len(np.unique(good, axis=0)) > 150 or area == 1.


def picture(height=40, width=60, colors=3):
    return np.random.default_rng(1).integers(0, 256, [height, width, colors]).astype(np.uint8)


def drawn(part, mirror):
    return Draws(tf.constant(part, tf.float32), tf.constant(mirror))


def test_a_crop_is_the_part_resized_and_mirrored():
    pixels, values = picture(), np.random.default_rng(2).random([ATTEMPTS, 4], np.float32)
    top, left, rows, columns = part_in_numpy(40, 60, 0.08, 0.75, values)
    plain, mirrored = (Frame(16, mirror=True).of_pixels(tf.constant(pixels), drawn(values, mirror))
                       for mirror in (0.5, 0.49))
    wanted = tf.image.resize(pixels[top:top + rows, left:left + columns], [16, 16], 'bicubic')
    plain, mirrored, wanted = run([plain, mirrored, wanted])
    np.testing.assert_array_equal(plain, np.clip(wanted, 0, 255).astype(np.uint8))  # cut off, not rounded
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_evaluation_takes_the_center():
    pixels = picture()
    found, wanted = run([Frame(16, mirror=True).of_pixels(tf.constant(pixels)),
                         tf.image.resize(pixels[3:38, 13:48], [16, 16], 'bicubic')])
    np.testing.assert_array_equal(found, np.clip(wanted, 0, 255).astype(np.uint8))


def test_resize_then_crop_and_plain_resize():
    """The Keras example: bilinear to 24, a random square of 16 of it; in evaluation bilinear to 16."""
    pixels, frame = picture(), Frame(16, resize=24)
    values = np.zeros([ATTEMPTS, 4], np.float32)
    values[0, 2:] = 0.999, 0.5  # of 0..8: 8 and 4
    train, test, whole, small = run([frame.of_pixels(tf.constant(pixels), drawn(values, 0.)),
                                     frame.of_pixels(tf.constant(pixels)), tf.image.resize(pixels, [24, 24]),
                                     tf.image.resize(pixels, [16, 16])])
    np.testing.assert_array_equal(train, np.rint(whole)[8:, 4:20].astype(np.uint8))
    np.testing.assert_array_equal(test, np.rint(small).astype(np.uint8))


@pytest.mark.parametrize('kind', ['PNG', 'JPEG'])
@pytest.mark.parametrize('resize', [0, 24])
def test_encoded_pictures_are_framed_as_their_pixels(kind, resize):
    """A PNG to the bit; of a part of a JPEG the colours at its edges may differ."""
    smooth = np.array(Image.fromarray(picture(5, 8)).resize((60, 40), Image.Resampling.BICUBIC))
    content = io.BytesIO()
    Image.fromarray(smooth).save(content, kind)
    pixels = tf.io.decode_jpeg(content.getvalue(), 3, dct_method='INTEGER_ACCURATE')
    values, frame = np.random.default_rng(3).random([ATTEMPTS, 4], np.float32), Frame(16, resize, mirror=True)
    for draws in (None, drawn(values, 0.1)):
        found, wanted = run([frame.of_encoded(tf.constant(content.getvalue()), 3, draws),
                             frame.of_pixels(pixels, draws)])
        if kind == 'PNG' or resize or draws is None:
            np.testing.assert_array_equal(found, wanted)
        else:
            assert np.abs(found.astype(int) - wanted)[2:-2, 2:-2].max() <= 12


def test_grey_becomes_colour_where_it_is_asked_for():
    content = run(tf.io.encode_png(picture(20, 20, 1)))
    image = run(Frame(8).of_encoded(tf.constant(content), 3))
    assert image.shape == (8, 8, 3) and (image == image[..., :1]).all()


@pytest.mark.parametrize('frame, text', [(Frame(224), '_size224'), (Frame(72, 96), '_size72_resize96'),
                                         (Frame(64, 0, 0.5, 0.8, True), '_size64_area0.5_aspect0.8')])
def test_its_name_says_what_differs(frame, text):
    assert frame.text() == text
