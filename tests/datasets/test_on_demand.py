"""Images that are made when asked for, in the place of an array."""

from libml.datasets import index, records
from libml.datasets.on_demand import OnDemand
from libml.draws import Draws
from libml.images.framing import Draws as FrameDraws
from libml.images.framing import Frame
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf

IMAGES = np.random.default_rng(0).integers(0, 256, [40, 6, 8, 1]).astype(np.uint8)


@pytest.fixture(scope='module')
def stored(tmp_path_factory):
    path = str(tmp_path_factory.mktemp('records') / 'x.tfrecord')
    records.write_records(path, IMAGES, np.arange(40) % 3)
    return index.of_records([path])


def test_it_is_indexed_like_the_array(stored):
    pixels = OnDemand(stored, (6, 8, 1))
    assert pixels.shape == IMAGES.shape and len(pixels) == 40
    positions = np.random.default_rng(1).integers(0, 40, [7, 5])
    np.testing.assert_array_equal(pixels[positions], IMAGES[positions])
    np.testing.assert_array_equal(pixels[3], IMAGES[3])
    assert pixels[positions[:0]].shape == (0, 5, 6, 8, 1)
    part = pixels.at(np.arange(10, 40))
    assert len(part) == 30 and part.shape == (30, 6, 8, 1)
    np.testing.assert_array_equal(part[2:20], IMAGES[12:30])


def test_border_and_colours(stored):
    pixels = OnDemand(stored, (6, 8, 1), border=2, colors=3)
    np.testing.assert_array_equal(pixels[np.arange(5)],
                                  np.pad(IMAGES[:5], [(0, 0), (2, 2), (2, 2), (0, 0)]).repeat(3, 3))


@pytest.mark.parametrize('frame', [Frame(4), Frame(5, resize=9)])
def test_framed_images_are_the_same_from_files_and_from_an_array(stored, frame):
    of_files, of_array = (OnDemand(contents, (6, 8, 1), frame=frame) for contents in (stored, IMAGES))
    positions = np.arange(0, 40, 3)
    assert of_files.shape == (40, frame.size, frame.size, 1)
    np.testing.assert_array_equal(of_files[positions], of_array[positions])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        wanted = session.run([frame.of_pixels(tf.constant(image)) for image in IMAGES[:3]])
    np.testing.assert_array_equal(of_array[np.arange(3)], wanted)


def test_images_to_train_on_in_a_graph_are_framed_by_their_draws(stored):
    frame = Frame(4, mirror=True)
    pixels = OnDemand(stored, (6, 8, 1), frame=frame)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        drawn = frame.draws(Draws(1, tf.constant(5, tf.int64)), 3)
        rows = pixels.placeholder(3)
        one_by_one = [frame.of_pixels(tf.constant(IMAGES[i]), FrameDraws(*(draws[k] for draws in drawn)))
                      for k, i in enumerate((7, 2, 9))]
        found, wanted = session.run([pixels.images(rows, drawn), one_by_one], {rows: pixels.fetch([7, 2, 9])})
    np.testing.assert_array_equal(found, wanted)
    assert (found != pixels[[7, 2, 9]]).any()


def test_a_picture_that_is_wrong_is_named(tmp_path):
    paths = [str(tmp_path / f'{i}.png') for i in range(30)]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        good, other = session.run([tf.io.encode_png(IMAGES[0]), tf.io.encode_png(IMAGES[0][:5])])
    for i, path in enumerate(paths):
        with open(path, 'wb') as f:
            f.write({17: b'no picture', 29: other}.get(i, good))
    pixels = OnDemand(index.of_pictures(paths, [0] * 30), (6, 8, 1))
    with pytest.raises(InputError, match='17.png is no PNG or JPEG of 6x8x1, or damaged'):
        pixels[np.arange(30)]
    with pytest.raises(InputError, match='29.png is no PNG or JPEG of 6x8x1, or damaged'):
        pixels[np.arange(18, 30)]
    np.testing.assert_array_equal(pixels[np.arange(17)], IMAGES[:1].repeat(17, 0))
