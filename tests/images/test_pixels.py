"""Operations on single pixels: Pillow's blend, and values by hand."""

from libml.images import pixels
from pillow_twins import assert_equals, from_pil, pictures, run, to_pil

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

tf1 = tf.compat.v1


def test_blend_truncates_and_clips():
    a, b = pictures(np.random.RandomState(0), 32, 32, 3).reshape(2, 8, 32, 32, 3)
    t = np.array([0, 1, 0.3, 0.37, 0.5, -0.8, 1.7, 2])
    with tf.Graph().as_default(), tf1.Session() as session:
        out = session.run(pixels.blend(tf.constant(a), tf.constant(b), tf.constant(t)))
    np.testing.assert_array_equal(out, [from_pil(Image.blend(*map(to_pil, pair), k)) for *pair, k in zip(a, b, t)])



def test_invert_without_amount_is_the_full_effect():
    assert_equals(ImageOps.invert, 'invert', pictures(np.random.RandomState(0), 32, 32, 3))


def test_grey_is_rounded_in_sixteen_bits():
    """(19595 R + 38470 G + 7471 B + 2^15) >> 16, on full red, green, blue and white."""
    images = np.zeros([1, 8, 8, 3], np.uint8)
    images[0, 0, :4] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    grey = run('color', images, np.array([0.]))
    np.testing.assert_array_equal(grey[0, 0, :5], np.repeat([[76], [150], [29], [255], [0]], 3, 1))


def test_mean_of_contrast_is_rounded_up_at_a_half():
    images = np.full([3, 8, 8, 1], 10, np.uint8)
    images[0, :4], images[1, :4, 1:], images[2] = 11, 11, 9  # Means of 10.5, a little less, and 9.
    means = run('contrast', images, np.zeros(3))
    np.testing.assert_array_equal(means, np.broadcast_to(np.reshape([11, 10, 9], [3, 1, 1, 1]), [3, 8, 8, 1]))


def test_cutout_has_an_even_side_and_its_own_fill():
    """A square of 2 * (size // 2) pixels around column 5 and row 2."""
    images, size = np.full([4, 8, 8, 1], 200, np.uint8), np.array([0, 1, 3, 4], np.int32)
    with tf.Graph().as_default(), tf1.Session() as session:
        x, y = [tf.fill([4], place) for place in (5, 2)]
        out = session.run(pixels.cutout(tf.constant(images), tf.constant(size), x, y, fill=0))
    np.testing.assert_array_equal(out[:2], images[:2])
    for image, rows, columns in (out[2], slice(1, 3), slice(4, 6)), (out[3], slice(0, 4), slice(3, 7)):
        assert not image[rows, columns].any() and (image == 0).sum() == image[rows, columns].size


def test_networks_see_black_as_minus_one_and_white_as_one():
    with tf.Graph().as_default(), tf1.Session() as session:
        out = session.run(pixels.to_float(tf.constant(np.uint8([[[[0, 51, 255]]]]))))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out[0, 0, 0], [-1, -0.6, 1], atol=1e-7)
