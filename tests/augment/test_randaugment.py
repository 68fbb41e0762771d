"""RandAugment: what it draws, and that its final cutout is grey."""

from libml.augment import levels as image_levels
from libml.augment import randaugment
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1


@pytest.fixture
def drawn(monkeypatch):
    """drawn(policy, n) -> what the policy asks of image_levels: operations, levels, probabilities [n, nops]."""
    seen = []

    def apply_all(images, ops, levels, probabilities, draws):
        seen[:] = [ops, levels, probabilities]
        return image_levels.start(images)

    def run(policy, n):
        with tf.Graph().as_default(), tf1.Session() as session:
            policy(tf.zeros([n, 8, 8, 1], tf.uint8), Draws(0, 0))
            return session.run(seen)

    monkeypatch.setattr(image_levels, 'apply_all', apply_all)
    return run


def evaluate(policy, images, seed=0, position=0):
    with tf.Graph().as_default(), tf1.Session() as session:
        return session.run(policy(tf.constant(images), Draws(seed, tf.constant(position))))


def assert_uniform(values, low, high):
    """All integers in low..high occur, about equally often (5 standard deviations)."""
    counts = np.bincount(values.ravel() - low, minlength=high - low + 1)
    expected = values.size / (high - low + 1)
    assert len(counts) == high - low + 1
    assert np.all(np.abs(counts - expected) < 5 * expected ** 0.5)


def test_fixed_level_draws(drawn):
    ops, levels, probabilities = drawn(randaugment.RandAugment(3, 7, 50), 20000)
    assert ops.shape == (20000, 3)
    assert_uniform(ops, 0, 13)
    assert abs(np.corrcoef(ops.T) - np.eye(3)).max() < 0.04
    assert np.all(levels == 7) and np.all(probabilities == 1)


@pytest.mark.parametrize('magnitude', [10, 2, 5])
def test_random_level_draws(drawn, magnitude):
    ops, levels, probabilities = drawn(randaugment.RandomLevelRandAugment(magnitude), 20000)
    assert ops.shape == (20000, 2)
    assert_uniform(ops, 0, 13)
    assert_uniform(levels, 1, magnitude - 1)
    assert np.all(probabilities == 0.5)


def test_list_of_operations():
    assert sorted(image_levels.RANDAUGMENT_NAMES) == sorted(
        'Identity AutoContrast Equalize Rotate Solarize Color Contrast Brightness Sharpness ShearX TranslateX '
        'TranslateY Posterize ShearY'.split())


@pytest.mark.parametrize('side, size', [(8, 4), (28, 14), (32, 16), (96, 16)])
def test_final_cutout_suits_the_image(side, size):
    assert randaugment.cutout_size(np.zeros([1, side, side, 3])) == size
    assert randaugment.cutout_size(np.zeros([1, side, 2 * side, 3])) == size


def test_final_cutout_is_grey_and_clipped():
    """The centre is uniform, so the square is whole if it lies at least half its side from the border."""
    with tf.Graph().as_default(), tf1.Session() as session:
        images = tf.fill([4000, 32, 32, 1], tf.constant(200, tf.uint8))
        draws = Draws(0, 0)
        state = randaugment.cut_out(image_levels.start(images), 16, draws)
        x, y = [draws.uniform(f'cut_{axis}', [4000], 0, 32, tf.int32) for axis in 'xy']
        out, x, y = session.run([image_levels.finish(state), x, y])
    assert_uniform(x, 0, 31)
    assert_uniform(y, 0, 31)
    for image, column, row in zip(out[..., 0], x, y):
        wanted = np.full([32, 32], np.float32(200 * 2 / 255 - 1))
        wanted[max(0, row - 8):row + 8, max(0, column - 8):column + 8] = 0
        np.testing.assert_allclose(image, wanted, atol=1e-7)


@pytest.mark.parametrize('policy, size', [
    (randaugment.RandAugment(1, 1, 0), 0), (randaugment.RandAugment(1, 1, 25), 8),
    (randaugment.RandAugment(1, 1, 50), 16), (randaugment.RandAugment(1, 1, 75), 24),
    (randaugment.RandomLevelRandAugment(), 0), (randaugment.RandomLevelRandAugment(cutout=True), 16)])
def test_size_of_the_cutout_of_each_policy(policy, size, monkeypatch):
    monkeypatch.setattr(image_levels, 'apply_all', lambda images, *rest: image_levels.start(images))
    out = evaluate(policy, np.full([500, 32, 32, 1], 200, np.uint8))
    assert (out == 0).sum((1, 2, 3)).max() == size * size


@pytest.mark.parametrize('policy', [randaugment.RandAugment(2, 9, 50), randaugment.RandomLevelRandAugment(cutout=True)])
def test_a_function_of_its_key(policy):
    images = np.random.RandomState(0).randint(0, 256, (32, 32, 32, 3)).astype(np.uint8)
    with tf.Graph().as_default(), tf1.Session() as session:
        x, position = tf1.placeholder(tf.uint8, images.shape), tf1.placeholder(tf.int64, [])
        views = policy(x, Draws(1, position))
        out, again, other, same = [session.run(views, {x: given, position: p}) for given, p in (
            (images, 5), (images, 5), (images, 6), (np.repeat(images[:1], 32, 0), 5))]
    assert out.dtype == np.float32 and out.shape == images.shape and np.abs(out).max() <= 1
    np.testing.assert_array_equal(out, again)
    for different in other, evaluate(policy, images, 2, 5):
        assert (out != different).any((1, 2, 3)).mean() > 0.8
    assert len(np.unique(same, axis=0)) > 16  # Every image has its own draws.
