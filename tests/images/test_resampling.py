"""Resampling by matrices against plain numpy and TensorFlow's own."""

from libml.images import resampling
from planes_by_hand import IMAGES, UNIT, fresh_graph, images_of, planes, run

import numpy as np
import pytest
import tensorflow as tf

graph = pytest.fixture(autouse=True)(fresh_graph)


def test_linear_reflects_with_the_edge_repeated():
    positions = np.array([[-5., -4.3, -1., -0.5, 0., 2.25, 4., 4.5, 5., 6.75, 9.]])
    weights, = run(resampling.linear(tf.constant(positions, tf.float32), 5))
    values = np.array([1., 2., 4., 8., 16.])
    extended = np.pad(values, 5, 'symmetric')
    np.testing.assert_allclose(weights[0] @ values, np.interp(positions[0], np.arange(-5, 10), extended), rtol=1e-5)


def cubic(t):
    """Keys' kernel with a = -1/2."""
    t = abs(t)
    if t < 1:
        return 1.5 * t ** 3 - 2.5 * t ** 2 + 1
    return -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 if t < 2 else 0.


def test_crop_is_resized_as_by_numpy_and_by_tensorflow():
    first, count = np.array([0, 3, 7, 11, 0, 5]), np.array([12, 6, 5, 1, 7, 4])
    weights, = run(resampling.cubic_crop(tf.constant(first, tf.int32), tf.constant(count, tf.int32), 12))
    for i, (a, n) in enumerate(zip(first, count)):
        for out in range(12):
            place = a + (out + 0.5) * n / 12 - 0.5
            row = np.array([cubic(place - j) if a <= j < a + n else 0. for j in range(12)])
            np.testing.assert_allclose(weights[i, out], row / row.sum(), atol=1e-5)
        column = np.random.RandomState(i).rand(12, 1).astype('f')
        resized, = run(tf.image.resize(column[None, a:a + n, :, None], [12, 1], 'bicubic'))
        np.testing.assert_allclose(weights[i] @ column, resized[0, :, :, 0], atol=5e-3)


def test_gaussian():
    deviation = np.array([0.1, 0.5, 1., 2., 0.7, 1.5])
    rows, columns = [resampling.gaussian(tf.constant(deviation, tf.float32), 2, size) for size in (12, 10)]
    values = images_of(resampling.resample(planes(), rows, columns))
    reach = np.arange(-2, 3)
    for i, image in enumerate(UNIT):
        kernel = np.exp(-reach ** 2 / (2 * deviation[i] ** 2))
        kernel = np.outer(kernel, kernel)
        for y, x in ((0, 0), (5, 9), (6, 4), (11, 1)):
            places = [(y + a, x + b, kernel[a + 2, b + 2]) for a in reach for b in reach
                      if 0 <= y + a < 12 and 0 <= x + b < 10]
            expected = sum(image[a, b] * w for a, b, w in places) / sum(w for *_, w in places)
            np.testing.assert_allclose(values[i, y, x], expected, atol=1e-5)


def test_flips_come_before_what_the_matrices_do():
    """A shift by two columns, with the last two of the flipped or unflipped picture reflected."""
    flip = np.arange(6) % 2 == 0
    columns = resampling.linear(tf.tile(tf.range(2., 12.)[None], [6, 1]), 10)
    columns = resampling.mirrored(columns, tf.constant(flip))
    values = images_of(resampling.resample(planes(), tf.eye(12, batch_shape=[6]), columns))
    flipped = np.where(flip[:, None, None, None], UNIT[:, :, ::-1], UNIT)
    np.testing.assert_allclose(values, flipped[:, :, [*range(2, 10), 9, 8]], atol=1e-6)


def test_planes_and_images():
    made, = run(resampling.to_planes(tf.constant(IMAGES)))
    assert made.shape == (6, 3, 12, 10) and made.dtype == np.float32
    np.testing.assert_allclose(np.moveaxis(made, 1, -1), UNIT, atol=1e-7)
    images, = run(resampling.to_images(planes()))
    np.testing.assert_allclose(images, 2 * UNIT - 1, atol=1e-6)
