"""NT-Xent against numpy loops."""

from libml.methods import ntxent
from ntxent_by_hand import by_hand

import numpy as np
import pytest
import tensorflow as tf

PAIR = np.random.RandomState(0)
PAIR = PAIR.randn(3, 4), PAIR.randn(3, 4)


def found(function, *arrays, **kwargs):
    """Value of a function of float32 arrays."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(function(*[tf.constant(v, tf.float32) for v in arrays], **kwargs))


@pytest.mark.parametrize('name, n, aligned, collapsed', [
    ('cross', 4, 1.36191e-4, 1.386294), ('full', 4, 2.72362e-4, 1.945910),
    ('cross', 525, .0235110, 6.263398), ('full', 525, .0464819, 6.955592)])
def test_known_values(name, n, aligned, collapsed):
    loss = ntxent.LOSSES[name]
    # Lengths do not matter.
    orthonormal = np.eye(n) * np.arange(1, n + 1)[:, None]
    values = found(loss, orthonormal, np.eye(n), temperature=0.1)
    np.testing.assert_allclose(values, np.full(n, aligned), rtol=1e-3)
    np.testing.assert_allclose(found(loss, np.ones([n, 8]), np.ones([n, 8]), temperature=0.1), np.full(n, collapsed),
                               rtol=1e-5)


@pytest.mark.parametrize('name, mean', [('cross', .869742), ('full', 1.546159)])
def test_random_pairs(name, mean):
    values = found(ntxent.LOSSES[name], *PAIR, temperature=0.1)
    np.testing.assert_allclose(values.mean(), mean, rtol=1e-5)
    np.testing.assert_allclose(values, by_hand(*PAIR, 0.1, name), rtol=1e-4)


@pytest.mark.parametrize('name', ntxent.LOSSES)
def test_gradients_against_finite_differences(name):
    def gradients(a, b):
        return tf.gradients(tf.reduce_mean(ntxent.LOSSES[name](a, b, 0.3)), [a, b])

    for k, gradient in enumerate(found(gradients, *PAIR)):
        for place in np.ndindex(gradient.shape):
            ends = []
            for change in (1e-6, -1e-6):
                moved = [v.copy() for v in PAIR]
                moved[k][place] += change
                ends.append(by_hand(*moved, 0.3, name).mean())
            np.testing.assert_allclose(gradient[place], (ends[0] - ends[1]) / 2e-6, rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize('name', ntxent.LOSSES)
def test_order_of_pairs_and_of_views_does_not_matter(name):
    random = np.random.RandomState(1)
    a, b = random.randn(2, 9, 5)
    order = random.permutation(9)
    values = found(ntxent.LOSSES[name], a, b, temperature=0.5)
    again, swapped, torn = [found(ntxent.LOSSES[name], *pair, temperature=0.5)
                            for pair in ((a[order], b[order]), (b, a), (a[order], b))]
    np.testing.assert_allclose(again, values[order], rtol=1e-4)
    np.testing.assert_allclose(swapped, values, rtol=1e-4)
    assert np.abs(torn - values).max() > 0.01


def test_accuracy():
    a = np.random.RandomState(2).randn(6, 8)
    assert found(ntxent.accuracy, a, 3 * a) == 1
    assert found(ntxent.accuracy, a, -a) == 0
    # The first a is nearer to the partner of the second; the other three views find theirs.
    assert found(ntxent.accuracy, np.array([[.5, .6], [.1, .9]]), np.eye(2)) == 0.75
