"""Changes of colour against Python's own colorsys and plain numpy."""

from libml.images import color
from planes_by_hand import UNIT, changed, fresh_graph, images_of, planes

import numpy as np
import pytest
import tensorflow as tf

graph = pytest.fixture(autouse=True)(fresh_graph)


@pytest.mark.parametrize('operation, factors', [
    ('brightness', [0., 0.4, 0.9, 1., 1.3, 3.]), ('contrast', [0., 0.4, 0.9, 1., 1.4, 5.]),
    ('saturation', [0., 0.5, 0.9, 1., 1.4, 9.]), ('hue', [-0.2, -0.05, 0., 0.1, 0.2, 0.5])])
def test_colours(operation, factors):
    unit = UNIT.copy()
    unit[:, 0, 0], unit[:, 0, 1], unit[:, 0, 2] = 0, 0.5, [0.5, 0.5, 0]  # Black, grey, two largest channels.
    values = images_of(getattr(color, operation)(planes(unit), tf.constant(factors)))
    for image, value, factor in zip(unit, values, factors):
        np.testing.assert_allclose(value, changed(image, operation, factor), atol=2e-6)


def test_grey_and_affine_colours():
    chosen = np.arange(6) % 2 == 0
    luma = UNIT @ [0.2989, 0.587, 0.114]
    expected = np.where(chosen[:, None, None, None], luma[..., None], UNIT)
    np.testing.assert_allclose(images_of(color.grey(planes(), tf.constant(chosen))), expected, atol=1e-6)
    matrices = np.random.RandomState(1).uniform(-1, 2, [6, 3, 3])
    expected = np.clip(np.einsum('bhwi,bij->bhwj', UNIT, matrices), 0, 1)
    np.testing.assert_allclose(images_of(color.affine(planes(), tf.constant(matrices, tf.float32))), expected,
                               atol=1e-5)


def test_jitter_follows_the_order_of_each_image():
    names = ('brightness', 'contrast', 'saturation', 'hue')
    order = np.array([[0, 1, 2, 3], [3, 2, 1, 0], [4, 4, 4, 4], [1, 3, 0, 2], [2, 0, 3, 1], [4, 4, 4, 4]])
    factors = np.random.RandomState(2).uniform(0.1, 1.9, [6, 5])
    factors[:, 3] -= 1
    values = images_of(color.jitter(planes(), tf.constant(order, tf.int32), tf.constant(factors, tf.float32)))
    for i, image in enumerate(UNIT):
        for choice in order[i]:
            image = changed(image, names[choice], factors[i, choice]) if choice < 4 else image
        np.testing.assert_allclose(values[i], image, atol=1e-5)


def test_one_channel():
    """Hue, saturation and grey do nothing."""
    unit, factor = planes(UNIT[..., :1]), tf.fill([6], 0.3)
    for value in (color.hue(unit, factor), color.saturation(unit, factor),
                  color.grey(unit, tf.fill([6], True))):
        np.testing.assert_allclose(images_of(value), UNIT[..., :1], atol=1e-6)
