"""Operations that move pixels: every rotation against Pillow, and places by hand."""

from libml.images import geometry
from pillow_twins import assert_twin, run

import numpy as np
import tensorflow as tf


def test_every_rotation():
    for size in (32, 32), (24, 40), (33, 17):
        degrees = np.arange(-45, 46)
        images = np.random.RandomState(0).randint(0, 256, (len(degrees), *size, 1)).astype(np.uint8)
        assert_twin('rotate', images, [degrees])


def test_sources_by_hand():
    """Two pictures of 2x3 pixels, moved by (1, 0) and (-1, 1); 12 stands for what lies outside."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = tf.constant(np.arange(20, 32, dtype=np.uint8).reshape(2, 2, 3, 1))
        index = geometry.sources(images, geometry.translation(tf.constant([1, -1]), tf.constant([0, 1])))
        index, moved = session.run([index, geometry.moved(images, index)])
    assert index.tolist() == [[[1, 2, 12], [4, 5, 12]], [[12, 9, 10], [12, 12, 12]]]
    np.testing.assert_array_equal(moved[..., 0], np.append(np.arange(20, 32), 0)[index])


def test_maps_by_hand():
    """In units of 2^-16 pixel, at the middles of pixels; sines and cosines rounded."""
    one = 2 ** 16
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        k = tf.constant([0.5])
        maps = session.run([geometry.translation(tf.constant([3]), 0), geometry.translation(0, tf.constant([-2])),
                            geometry.shear_x_map(k), geometry.shear_y_map(k),
                            geometry.rotation(tf.constant([0, 30]), 4, 8)])
    half = one // 2
    assert maps[0].tolist() == [[one, 0, 3 * one + half, 0, one, half]]
    assert maps[1].tolist() == [[one, 0, half, 0, one, half - 2 * one]]
    assert maps[2].tolist() == [[one, half, 3 * one // 4, 0, one, half]]
    assert maps[3].tolist() == [[one, 0, half, half, one, 3 * one // 4]]
    # The middle (4, 2) of a picture of 4 rows and 8 columns stays: 4 = a 3.5 + b 1.5 + c, if (0, 0) shows (c, f).
    a, b = 3 ** 0.5 / 2, -0.5
    c, f = 4 - 3.5 * a - 1.5 * b, 2 + 3.5 * b - 1.5 * a
    assert maps[4][0].tolist() == [one, 0, half, 0, one, half]
    np.testing.assert_array_equal(maps[4][1], np.rint(np.array([a, b, c, -b, a, f]) * one))


def test_flips_are_chosen_for_each_image():
    images = np.random.RandomState(0).randint(0, 256, [2, 8, 8, 3]).astype(np.uint8)
    flip = np.array([False, True])
    np.testing.assert_array_equal(run('flip_lr', images, flip), [images[0], images[1, :, ::-1]])
    np.testing.assert_array_equal(run('flip_ud', images, flip), [images[0], images[1, ::-1]])
