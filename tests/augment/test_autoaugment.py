"""AutoAugment: its tables, what it draws from them, and a whole policy."""

from libml.augment import autoaugment
from libml.augment import levels as image_levels
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1


def step(ops, probabilities, levels, i):
    """Pair i, counted from 1."""
    return [(image_levels.NAMES[op], round(float(p), 1), int(level))
            for op, p, level in zip(ops[i - 1], probabilities[i - 1], levels[i - 1])]


def test_tables():
    """Sums over the tables, and a few of their pairs, typed again from the recorded listing."""
    cifar, svhn = autoaugment.table('cifar10'), autoaugment.table('svhn')
    totals = [(len(t[0]), round(float(t[1].sum()), 1), t[2].sum()) for t in (cifar, svhn)]
    assert totals == [(95, 90.2, 890), (40, 51.8, 368)]
    assert step(*cifar, 1) == [('Invert', 0.1, 7), ('Contrast', 0.2, 6)]
    assert step(*cifar, 62) == [('Cutout', 0.2, 4), ('Equalize', 0.1, 1)]
    assert step(*cifar, 95) == [('Equalize', 0.6, 9), ('Equalize', 0.4, 4)]
    assert step(*svhn, 1) == [('ShearX', 0.9, 4), ('Invert', 0.2, 3)]
    assert step(*svhn, 34) == [('TranslateX', 0.8, 3), ('ShearY', 0.7, 7)]
    assert step(*svhn, 40) == [('ShearX', 0.4, 2), ('Rotate', 0.7, 5)]
    for a, b in ('cifar10', 'cifar100'), ('svhn', 'svhn_noextra'):
        for left, right in zip(autoaugment.table(a), autoaugment.table(b)):
            np.testing.assert_array_equal(left, right)
    for ops, probabilities, levels in cifar, svhn:
        assert ops.min() >= 0 and probabilities.min() >= 0 and probabilities.max() <= 0.9 and levels.max() <= 9


@pytest.mark.parametrize('dataset', sorted(autoaugment.POLICIES))
def test_draws_whole_pairs_uniformly(dataset, monkeypatch):
    n, seen = 40000, []

    def apply_all(images, *columns):
        seen[:] = columns[:3]
        return image_levels.start(images)

    monkeypatch.setattr(image_levels, 'apply_all', apply_all)
    with tf.Graph().as_default(), tf1.Session() as session:
        autoaugment.AutoAugment(dataset)(tf.zeros([n, 8, 8, 3], tf.uint8), Draws(0, 0))
        ops, levels, probabilities = session.run(seen)
    rows = np.concatenate([ops, levels, np.round(probabilities * 10)], 1)
    table = autoaugment.table(dataset)
    table = np.concatenate([table[0], table[2], np.round(table[1] * 10)], 1)
    found, counts = np.unique(rows, axis=0, return_counts=True)
    wanted, repeats = np.unique(table, axis=0, return_counts=True)
    np.testing.assert_array_equal(found, wanted)
    expected = n / len(table) * repeats
    assert np.all(np.abs(counts - expected) < 5 * expected ** 0.5)


@pytest.mark.parametrize('cutout', [False, True])
def test_whole_policy(cutout):
    images = np.random.RandomState(0).randint(0, 256, (64, 32, 32, 3)).astype(np.uint8)
    with tf.Graph().as_default(), tf1.Session() as session:
        position = tf1.placeholder(tf.int64, [])
        views = autoaugment.AutoAugment('cifar10', cutout)(tf.constant(images), Draws(0, position))
        out, again, other = [session.run(views, {position: p}) for p in (3, 3, 4)]
    assert out.dtype == np.float32 and out.shape == images.shape and np.abs(out).max() <= 1
    np.testing.assert_array_equal(out, again)
    assert (out != other).any((1, 2, 3)).mean() > 0.8
    grey = (out == 0).all(-1).sum((1, 2))
    assert np.all(grey >= 64) if cutout else np.any(grey == 0)
