"""USB's strong views: each operation and the square against Pillow, what is drawn, sizes."""

import pillow_twins
from libml.augment import usb
from libml.draws import Draws
from libml.images import operations
from strong_views import assert_function_of_its_draws

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw, ImageEnhance, ImageOps


def affine(*six):
    return lambda image, v: image.transform(image.size, Image.Transform.AFFINE, [f(v, image.size) for f in six])


def number(value):
    return lambda v, size: value


# In USB's order: Pillow's function of (image, strength), lowest and highest strength.
PILLOW = [
    (lambda image, v: ImageOps.autocontrast(image), 0, 1),
    (lambda image, v: ImageEnhance.Brightness(image).enhance(v), .05, .95),
    (lambda image, v: ImageEnhance.Color(image).enhance(v), .05, .95),
    (lambda image, v: ImageEnhance.Contrast(image).enhance(v), .05, .95),
    (lambda image, v: ImageOps.equalize(image), 0, 1),
    (lambda image, v: image, 0, 1),
    (lambda image, v: ImageOps.posterize(image, max(1, int(v))), 4, 8),
    (lambda image, v: image.rotate(np.floor(v + .5)), -30, 30),
    (lambda image, v: ImageEnhance.Sharpness(image).enhance(v), .05, .95),
    (affine(number(1), lambda v, size: v, number(0), number(0), number(1), number(0)), -.3, .3),
    (affine(number(1), number(0), number(0), lambda v, size: v, number(1), number(0)), -.3, .3),
    (ImageOps.solarize, 0, 256),
    (affine(number(1), number(0), lambda v, size: v * size[0], number(0), number(1), number(0)), -.3, .3),
    (affine(number(1), number(0), number(0), number(0), number(1), lambda v, size: v * size[1]), -.3, .3)]


class Given:
    """Draws whose values are given."""

    def __init__(self, **values):
        self.values = values

    def uniform(self, name, shape, low=0., high=1., dtype=tf.float32):
        return tf.constant(self.values[name], dtype)


def view_of(image, ops, strengths, side, x, y):
    """One view by Pillow, with its square in mid-grey."""
    picture = pillow_twins.to_pil(image)
    for op, strength in zip(ops, strengths):
        function, low, high = PILLOW[op]
        picture = function(picture, low + (high - low) * strength)
    left, top = int(max(0, x - side / 2)), int(max(0, y - side / 2))
    mask = Image.new('L', picture.size)
    ImageDraw.Draw(mask).rectangle((left, top, min(picture.width, left + side), min(picture.height, top + side)), 1)
    return (pillow_twins.from_pil(picture) * np.float32(2 / 255) - 1) * (1 - np.array(mask))[..., None]


@pytest.mark.parametrize('height, width, colors', [(32, 32, 3), (16, 24, 1)])
def test_views_are_pillows(height, width, colors):
    random = np.random.RandomState(0)
    images = np.concatenate([pillow_twins.pictures(random, height, width, colors)] * 7)
    n = len(images)
    given = dict(op=np.r_[np.repeat(np.arange(14), 8)[:, None] * [1, 0, 0] + [0, 5, 5], random.randint(0, 14, [n, 3])],
                 strength=random.uniform(size=[2 * n, 3]), side=random.uniform(0, width / 2, 2 * n).astype('f'),
                 x=random.uniform(0, width, 2 * n).astype('f'), y=random.uniform(0, height, 2 * n).astype('f'))
    images = np.concatenate([images, images])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = session.run(usb.strong(tf.constant(images), Given(**given)))
    for i, image in enumerate(images):
        row = [given[name][i] for name in ('op', 'strength', 'side', 'x', 'y')]
        np.testing.assert_allclose(found[i], view_of(image, *row), atol=1e-6, err_msg=str(row))


def test_three_of_fourteen_operations_of_uniform_strength(monkeypatch):
    seen = []

    def apply_each(functions, choice, images, strengths):
        seen.append((choice, strengths))
        assert len(functions) == 14
        return [images]

    monkeypatch.setattr(operations, 'apply_each', apply_each)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        views = usb.strong(tf.fill([5000, 32, 32, 1], tf.constant(200, tf.uint8)), Draws(0, 0))
        drawn, views = session.run([seen, views])
    assert len(drawn) == 3
    for ops, strengths in drawn:
        assert np.abs(np.bincount(ops, minlength=14) - 5000 / 14).max() < 5 * (5000 / 14) ** .5
        assert abs(strengths.mean() - .5) < .02 and strengths.min() < .01 and strengths.max() > .99
    assert abs(np.corrcoef([ops for ops, _ in drawn]) - np.eye(3)).max() < .08
    # Sides are uniform up to half the width: from 1 to 16 pixels, and 8 on average but for the borders.
    grey = (views == 0).any((1, 3)).sum(1)
    assert grey.max() == 16 and grey.min() == 1 and 7 < grey.mean() < 8.5


@pytest.mark.parametrize('size, colors', [(8, 1), (96, 3)])
def test_a_function_of_its_draws_at_all_sizes(size, colors):
    assert_function_of_its_draws(usb.strong, size, colors, .9)
