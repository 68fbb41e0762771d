"""Draws: functions of seed, position and name."""

from libml import draws
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1


def found(make):
    """The values of tensors that make() builds."""
    with tf.Graph().as_default(), tf1.Session() as session:
        return session.run(make())


@pytest.mark.parametrize('seed, name, expected', [
    (0, '', 2746179581013637209), (1, 'labeled/epoch', 2431469403557671252), (2, 'labeled/epoch', 3806653531123097124)])
def test_folded_seeds_are_the_same_everywhere(seed, name, expected):
    """Runs of other machines and of earlier versions go on with the same draws."""
    assert draws.fold(seed, name) == expected and type(draws.fold(seed, name)) is int


def test_draws_depend_on_seed_position_and_name_only():
    def make():
        start = Draws(3, 4)
        return [d.uniform(name, [50]) for d, name in (
            (start, 'a'), (Draws(4, 4), 'a'), (Draws(3, 5), 'a'), (start, 'b'), (start.within('in'), 'a'))]

    same, *others = found(make)
    _, again = found(lambda: [Draws(3, 4).uniform('other', [9]), Draws(3, 4).uniform('a', [50])])
    np.testing.assert_array_equal(same, again)
    for other in others:
        assert np.abs(other - same).max() > 0.5
    assert 0 <= same.min() and same.max() < 1


def test_names_within_names():
    def make():
        start = Draws(3, 4, 'x/')
        assert start.within('').prefix == 'x/' and start.within('y').within('z').prefix == 'x/y/z/'
        return [start.within('y').within('z').key('a'), Draws(3, 4).key('x/y/z/a'), start.key('y/z/a')]

    np.testing.assert_array_equal(found(make), [[draws.fold(3, 'x/y/z/a'), 4]] * 3)


def test_position_may_be_a_tensor():
    with tf.Graph().as_default(), tf1.Session() as session:
        position = tf1.placeholder(tf.int32, [])
        number = Draws(3, position).uniform('a', [20], 0, 1000, tf.int32)
        one, two, again = [session.run(number, {position: p}) for p in (1, 2, 1)]
        np.testing.assert_array_equal(one, session.run(Draws(3, 1).uniform('a', [20], 0, 1000, tf.int32)))
    np.testing.assert_array_equal(one, again)
    assert np.any(one != two) and one.dtype == np.int32 and 0 <= one.min() and 300 < one.max() < 1000


def test_normal():
    values = found(lambda: Draws(0, 0).normal('a', [4000]))
    assert abs(values.mean()) < 0.07 and abs(values.std() - 1) < 0.05 and values.dtype == np.float32


@pytest.mark.parametrize('n', [1, 2, 17])
def test_permutations(n):
    order, other = found(lambda: [Draws(0, 0).permutation(name, n) for name in 'ab'])
    assert sorted(order) == sorted(other) == list(range(n)) and order.dtype == np.int32
    assert n < 3 or np.any(order != other)


@pytest.mark.parametrize('beta', [0.01, 0.75, 5.])
def test_beta(beta):
    """Mean 1/2 and variance 1 / (4 (2 beta + 1)); finite where Gamma draws are very small."""
    values = found(lambda: Draws(0, 0).beta('a', [4000], beta))
    assert values.dtype == np.float32 and np.isfinite(values).all() and 0 <= values.min() and values.max() <= 1
    variance = 1 / (4 * (2 * beta + 1))
    assert abs(values.mean() - 0.5) < 4 * (variance / 4000) ** 0.5
    np.testing.assert_allclose(values.var(), variance, rtol=0.1)


def test_beta_is_the_share_of_the_first_of_two_gamma_draws():
    """That of the second has the same distribution, but would be another run."""
    def make():
        start = Draws(3, 4)
        return start.beta('a', [9], 0.5), tf.random.stateless_gamma(
            [2, 9], start.key('a'), tf.constant(0.5, tf.float64), dtype=tf.float64)

    values, (one, two) = found(make)
    np.testing.assert_allclose(values, one / (one + two), rtol=1e-6)
