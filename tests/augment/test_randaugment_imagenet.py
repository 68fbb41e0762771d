"""RandAugment of ImageNet: each operation at each level against Pillow, what is drawn, sizes."""

import pillow_twins
from libml.augment import randaugment_imagenet as augment
from libml.draws import Draws
from libml.images import operations
from strong_views import assert_function_of_its_draws

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps


def enhanced(kind):
    return lambda image, level, sign: kind(image).enhance(.1 + .18 * level)


def moved(six):
    """Pillow's transform with the map six(v), v in [-1, 1], of a picture of so many pixels; grey where it is empty."""
    def function(image, level, sign):
        return image.transform(image.size, Image.Transform.AFFINE, six(sign * level / 10, *image.size),
                               fillcolor=(128,) * len(image.getbands()))

    return function


def pixels(v, side):
    return int(np.floor(100 * v * (side / 224) + .5))


# In the original's order: functions of (Pillow's image, level in 0..10, sign).
PILLOW = [
    lambda image, level, sign: ImageOps.autocontrast(image),
    lambda image, level, sign: ImageOps.equalize(image),
    lambda image, level, sign: ImageOps.invert(image),
    lambda image, level, sign: image.rotate(3 * sign * level, fillcolor=(128,) * len(image.getbands())),
    lambda image, level, sign: pillow_twins.posterized(image, int(.4 * level)),
    lambda image, level, sign: ImageOps.solarize(image, min(255, int(25.6 * level))),
    enhanced(ImageEnhance.Color), enhanced(ImageEnhance.Contrast), enhanced(ImageEnhance.Brightness),
    enhanced(ImageEnhance.Sharpness),
    moved(lambda v, width, height: (1, .3 * v, 0, 0, 1, 0)), moved(lambda v, width, height: (1, 0, 0, .3 * v, 1, 0)),
    moved(lambda v, width, height: (1, 0, pixels(v, width), 0, 1, 0)),
    moved(lambda v, width, height: (1, 0, 0, 0, 1, pixels(v, height))),
    lambda image, level, sign: pillow_twins.added(image, 11 * level),
    lambda image, level, sign: image]


class Given:
    """Draws whose values are given."""

    def __init__(self, **values):
        self.values = values

    def uniform(self, name, shape, low=0., high=1., dtype=tf.float32):
        return tf.constant(self.values[name], dtype)


def views_of(images, **given):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(augment.strong(tf.constant(images), Given(**given)))


@pytest.mark.parametrize('height, width, colors', [(64, 48, 3), (20, 24, 1)])
def test_views_are_pillows(height, width, colors):
    """Every operation at every level and sign alone, then two at a time."""
    random = np.random.RandomState(0)
    alone = [(op, level, sign) for op in range(16) for level in range(11) for sign in (0, 1)]
    n = len(alone)
    images = pillow_twins.pictures(random, height, width, colors)[np.arange(2 * n) % 16]
    pairs = np.stack([random.randint(0, k, [n, 2]) for k in (16, 11, 2)], 1)
    ops, levels, signs = np.concatenate([np.stack([alone, alone], -1), pairs]).swapaxes(0, 1)
    apply = np.tile([0., .75], [2 * n, 1])
    apply[n:, 1] = .25
    found = views_of(images, op=ops, apply=apply, level=levels, sign=signs)
    for i, image in enumerate(images):
        picture = pillow_twins.to_pil(image)
        for k in range(2 if i >= n else 1):
            picture = PILLOW[ops[i, k]](picture, levels[i, k], 2 * signs[i, k] - 1)
        wanted = pillow_twins.from_pil(picture) * np.float32(2 / 255) - 1
        np.testing.assert_allclose(found[i], wanted, atol=1e-6, err_msg=str((ops[i], levels[i], signs[i])))


def test_golden_arguments_of_levels():
    """What the levels 0, .3, .7 and 1 mean, on pictures of 224 pixels."""
    wanted = dict(rotate=[0, 9, 21, 30], posterize=[0, 1, 2, 4], solarize=[0, 76, 179, 255], color=[.1, .64, 1.36, 1.9],
                  shear_x=[0, .09, .21, .3], translate_x=[0, 30, 70, 100], translate_y=[0, 30, 70, 100],
                  solarize_add=[0, 33, 77, 110])
    by_name = {operation.image_op: operation.arguments for operation in augment.OPERATIONS}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, values in wanted.items():
            found = session.run(by_name[name](tf.constant([0, 3, 7, 10]), tf.constant([1, 1, 1, 1]), 224)[0])
            np.testing.assert_allclose(found, values, rtol=1e-12, err_msg=name)


def test_two_of_sixteen_operations_each_half_of_the_time(monkeypatch):
    seen = []

    def apply_each(functions, choice, images, levels, signs):
        seen.append((choice, levels, signs))
        assert len(functions) == 16
        return [images]

    monkeypatch.setattr(operations, 'apply_each', apply_each)
    n = 8000
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        views = augment.strong(tf.fill([n, 8, 8, 1], tf.constant(200, tf.uint8)), Draws(0, 0))
        drawn, views = session.run([seen, views])
    assert len(drawn) == 2
    for ops, levels, signs in drawn:
        expected = np.r_[np.full(15, n / 32), n / 2 + n / 32]
        assert np.all(np.abs(np.bincount(ops, minlength=16) - expected) < 5 * expected ** .5)
        assert np.all(np.abs(np.bincount(levels, minlength=11) - n / 11) < 5 * (n / 11) ** .5)
        assert set(signs.tolist()) == {-1, 1} and abs(signs.mean()) < .06
    for first, second in zip(*drawn):
        assert abs(np.corrcoef(first, second)[0, 1]) < .05
    np.testing.assert_allclose(views, 200 * 2 / 255 - 1, rtol=1e-6)  # No cutout.


@pytest.mark.parametrize('size, colors', [(8, 1), (96, 3)])
def test_a_function_of_its_draws_at_all_sizes(size, colors):
    assert_function_of_its_draws(augment.strong, size, colors, .6)
