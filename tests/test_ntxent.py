"""NT-Xent against numpy loops, and the optimizers that come with SimCLR."""

from libml import ntxent, optimizers

import numpy as np
import pytest
import tensorflow as tf

PAIR = np.random.RandomState(0)
PAIR = PAIR.randn(3, 4), PAIR.randn(3, 4)


def found(function, *arrays, **kwargs):
    """Value of a function of float32 arrays."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(function(*[tf.constant(v, tf.float32) for v in arrays], **kwargs))


def by_hand(a, b, temperature, name):
    """Loss of each image in float64, term by term."""
    views = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b)]
    losses = np.zeros(len(a))
    for own, other in (views, views[::-1]):
        for i, anchor in enumerate(own):
            others = [other[j] for j in range(len(a))]
            if name == 'full':
                others += [own[j] for j in range(len(a)) if j != i]
            terms = np.exp([anchor @ v / temperature for v in others])
            losses[i] -= 0.5 * np.log(terms[i] / terms.sum())
    return losses


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


def test_lars_against_numpy():
    """Two steps; kernels with decay and scaling, the bias without both, a kernel of zeros without scaling."""
    start = {'a/kernel': np.array([[3., 4.]]), 'a/bias': np.array([1., 2.]), 'b/kernel': np.zeros([1, 2])}
    grads = {'a/kernel': np.array([[1., -2.]]), 'a/bias': np.array([0.5, 0.25]), 'b/kernel': np.array([[1., 1.]])}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.get_variable(name, initializer=value.astype('f'), use_resource=True)
                     for name, value in start.items()]
        step = optimizers.LARS(0.5, 0.9, 0.01).apply_gradients(
            [(tf.constant(grads[v.op.name], tf.float32), v) for v in variables])
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(step)
        session.run(step)
        values = dict(zip(start, session.run(variables)))
    for name, w in start.items():
        moved = 0
        for _ in range(2):
            g, rate = grads[name], 0.5
            if name.endswith('kernel'):
                g = g + 0.01 * w
                if np.any(w):
                    rate *= 0.001 * np.linalg.norm(w) / np.linalg.norm(g)
            moved = 0.9 * moved + rate * g
            w = w - moved
        np.testing.assert_allclose(values[name], w, rtol=1e-6, err_msg=name)


def test_two_optimizers_as_one():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.get_variable(name, initializer=1., use_resource=True) for name in ('in/a', 'inside')]
        inside, outside = [tf.compat.v1.train.GradientDescentOptimizer(lr) for lr in (0.5, 0.25)]
        step = optimizers.ByScope('in/', inside, outside).apply_gradients((tf.constant(1.), v) for v in variables)
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(step)
        assert session.run(variables) == [0.5, 0.75]
