"""Draws of numpy, image by image."""

from libml.corruptions.draws import ImageDraws

import numpy as np
import pytest

METHODS = dict(normal=(2, 3, [4, 5]), uniform=(-1, 3, [4, 5]), integers=(0, 1000, [4, 5]),
               poisson=(np.full([6, 4, 5], 50.),))


def drawn(method, seed=1, name='a', positions=range(6)):
    """Two draws after each other, [n, 2, 4, 5]."""
    draws = ImageDraws(seed, name, positions)
    args = METHODS[method]
    if method == 'poisson':
        args = args[0][:len(positions)],
    return np.stack([getattr(draws, method)(*args) for _ in range(2)], 1)


@pytest.mark.parametrize('method', METHODS)
def test_an_image_has_draws_of_its_own(method):
    """They are a function of (seed, name, position), whatever else is drawn; one follows the other."""
    whole = drawn(method)
    assert whole.shape == (6, 2, 4, 5) and whole.dtype == (np.int64 if method == 'integers' else np.float64)
    np.testing.assert_array_equal(drawn(method, positions=[4, 2]), whole[[4, 2]])
    assert len(np.unique(whole.reshape(12, -1), axis=0)) == 12
    for other in (drawn(method, seed=2), drawn(method, name='b'), drawn(method, positions=range(6, 12))):
        assert (other != whole).any((2, 3)).all()


def test_distributions():
    draws = ImageDraws(0, 'many', range(4))
    normal = draws.normal(2, 3, [5000])
    assert normal.mean() == pytest.approx(2, abs=0.1) and normal.std() == pytest.approx(3, rel=0.03)
    uniform = draws.uniform(-1, 3, [5000])
    assert -1 <= uniform.min() < -0.99 and 2.99 < uniform.max() < 3 and uniform.mean() == pytest.approx(1, abs=0.04)
    integers = draws.integers(-1, 2, [5000])
    np.testing.assert_allclose(np.bincount(integers.ravel() + 1), [20000 / 3] * 3, rtol=0.05)
    means = np.array([0., 0.5, 9., 80.])
    counts = draws.poisson(means[:, None].repeat(5000, 1))
    np.testing.assert_array_equal(counts, np.rint(counts))
    np.testing.assert_allclose(counts.mean(1), means, rtol=0.05)
    np.testing.assert_allclose(counts.var(1), means, rtol=0.1)


def test_one_number_for_each_image():
    assert ImageDraws(0, '', range(3)).uniform(0, 1, []).shape == (3,)
