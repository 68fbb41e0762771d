"""Interleaving, mixing and shake-shake against plain numpy."""

import re

from libml import layers
from libml.draws import Draws
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1
BETAS = (0.75, 0.5)


def parts(rng, n=3, b=5, nclass=4):
    """n images [b, 2, 2, 3] and n labels [b, nclass] that sum to one."""
    images = rng.normal(size=(n, b, 2, 2, 3)).astype('f')
    labels = rng.dirichlet(np.ones(nclass), (n, b)).astype('f')
    return list(images), list(labels)


def test_golden_interleave(golden):
    arrays = golden('interleave')
    assert arrays
    for name, want in arrays.items():
        nu, b = map(int, re.fullmatch(r'nu(\d+)_b(\d+)', name).groups())
        with tf.Graph().as_default(), tf1.Session() as session:
            got = session.run(layers.interleave([1000 * i + tf.range(b) for i in range(nu + 1)], b))
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize('n', [1, 2, 3, 5])
@pytest.mark.parametrize('b', [1, 3, 6, 8])
def test_interleave_is_its_own_inverse(n, b):
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf.reshape(tf.range(100 * i, 100 * i + 2 * b), [b, 2]) for i in range(n)]
        once = layers.interleave(tensors, b)
        tensors, once, twice = session.run([tensors, once, layers.interleave(once, b)])
    np.testing.assert_array_equal(tensors, twice)
    assert {tuple(row) for t in once for row in t} == {tuple(row) for t in tensors for row in t}
    np.testing.assert_array_equal([t[:, 0] % 100 for t in once], [2 * np.arange(b)] * n)


def test_interleave_refuses_other_batch_sizes():
    with tf.Graph().as_default(), pytest.raises(ValueError, match='7'):
        layers.interleave([tf.range(7), tf.range(7)], 8)
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [None])
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(layers.interleave([x, x], 8), {x: np.zeros(7)})


@pytest.mark.parametrize('n, groups', [(1, 3), (4, 1), (2, 3), (5, 4)])
def test_rows_are_interleaved_and_back(n, groups):
    rows = np.arange(n * groups * 2).reshape(n * groups, 2)
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.int64, [None, 2])
        there = layers.interleave_rows(x, groups)
        there, back = session.run([there, layers.deinterleave_rows(there, groups)], {x: rows})
    # Every groups-th row is of one part of neighbours.
    np.testing.assert_array_equal(there, [rows[i * groups + j] for j in range(groups) for i in range(n)])
    np.testing.assert_array_equal(back, rows)


def mixmode_numpy(mode, images, labels, betas, lam, order):
    """Spec 2.2, side by side; lam(name, rows, beta) and order(name, rows) give the draws."""

    def mix(name, x0, l0, x1, l1, beta):
        w = lam(name, len(x0), beta)
        w = np.where(w < 0.5, 1 - w, w)
        p = order(name, len(x0))
        x = [w[i] * x0[i] + (1 - w[i]) * x1[p[i]] for i in range(len(x0))]
        return np.array(x), np.array([w[i] * l0[i] + (1 - w[i]) * l1[p[i]] for i in range(len(x0))])

    def self_mix(name, x, l, beta):
        x, l = np.concatenate(x), np.concatenate(l)
        b = len(images[0])
        x, l = mix(name, x, l, x, l, beta)
        return [x[i:i + b] for i in range(0, len(x), b)], [l[i:i + b] for i in range(0, len(l), b)]

    x, y, lx, ly = images[:1], images[1:], labels[:1], labels[1:]
    beta_x, beta_y = betas
    mean = (beta_x + beta_y) / 2
    if mode in ('xx.yy', 'xx.yxy', 'xx.yx', 'xx.'):
        new_x, new_lx = self_mix('x', x, lx, beta_x)
    elif mode in ('xxy.yxy', 'xxy.'):
        joint = self_mix('xy', images, labels, mean)
        new_x, new_lx = joint[0][:1], joint[1][:1]
    else:
        new_x, new_lx = x, lx
    if mode in ('xx.yy', '.yy'):
        new_y, new_ly = self_mix('y', y, ly, beta_y)
    elif mode in ('xxy.yxy', '.yxy', 'xx.yxy'):
        joint = self_mix('xy', images, labels, beta_y if mode == 'xx.yxy' else mean)
        new_y, new_ly = joint[0][1:], joint[1][1:]
    elif mode == 'xx.yx':
        mixed = [mix(f'y{i + 1}', y[i], ly[i], x[0], lx[0], beta_y) for i in range(len(y))]
        new_y, new_ly = [m[0] for m in mixed], [m[1] for m in mixed]
    else:
        new_y, new_ly = y, ly
    return list(new_x) + list(new_y), list(new_lx) + list(new_ly)


@pytest.mark.parametrize('mode', layers.MixMode.MODES)
def test_mixmode_against_numpy(mode):
    images, labels = parts(np.random.RandomState(0))
    with tf.Graph().as_default(), tf1.Session() as session:
        draws = Draws(1, 2, 'mix/')
        got_x, got_l = session.run(layers.MixMode(mode)([tf.constant(x) for x in images],
                                                        [tf.constant(l) for l in labels], BETAS, draws))
        want_x, want_l = mixmode_numpy(
            mode, images, labels, BETAS,
            lambda name, rows, beta: session.run(Draws(1, 2, f'mix/{name}/').beta('lam', [rows], beta)),
            lambda name, rows: session.run(Draws(1, 2, f'mix/{name}/').permutation('permutation', rows)))
    np.testing.assert_allclose(got_x, want_x, atol=1e-6)
    np.testing.assert_allclose(got_l, want_l, atol=1e-6)
    np.testing.assert_allclose(np.sum(got_l, -1), 1, atol=1e-6)
    assert np.min(got_l) >= 0
    side = mode.split('.')
    assert np.array_equal(got_x[0], images[0]) == (not side[0])
    assert np.array_equal(got_x[1:], images[1:]) == (not side[1])


@pytest.mark.parametrize('mode,changed', [('xx.yy', 'y'), ('xx.yxy', 'y'), ('xxy.yxy', 'xy'), ('xx.yx', 'y')])
def test_beta_zero_disables_its_mix(mode, changed):
    images, labels = parts(np.random.RandomState(0))
    with tf.Graph().as_default(), tf1.Session() as session:
        mixmode = layers.MixMode(mode)
        got = session.run(mixmode([tf.constant(x) for x in images], [tf.constant(l) for l in labels], (0., 1.),
                                  Draws(0, 0))[0])
        off = session.run(mixmode([tf.constant(x) for x in images], [tf.constant(l) for l in labels], (0, -1.),
                                  Draws(0, 0)))
    assert np.array_equal(got[0], images[0]) == ('x' not in changed)
    assert not np.array_equal(got[1:], images[1:])
    np.testing.assert_array_equal(off[0], images)
    np.testing.assert_array_equal(off[1], labels)


def test_mixmode_keeps_static_shapes_and_takes_unknown_ones():
    images, labels = parts(np.random.RandomState(0))
    with tf.Graph().as_default(), tf1.Session() as session:
        mixmode = layers.MixMode('xxy.yxy')
        fixed = mixmode([tf.constant(x) for x in images], [tf.constant(l) for l in labels], BETAS, Draws(0, 0))
        assert {tuple(x.shape) for x in fixed[0]} == {(5, 2, 2, 3)} and {tuple(l.shape) for l in fixed[1]} == {(5, 4)}
        feeds = [tf1.placeholder(tf.float32, [None, *a.shape[1:]]) for a in images + labels]
        free = mixmode(feeds[:3], feeds[3:], BETAS, Draws(0, 0))
        fixed, free = session.run([fixed, free], dict(zip(feeds, images + labels)))
    np.testing.assert_array_equal(fixed[0], free[0])


def test_mixmode_errors():
    with pytest.raises(InputError, match=r"'xy.yx'.*xx\.yy xxy\.yxy xx\.yxy xx\.yx xx\. \.yy xxy\. \.yxy \."):
        layers.MixMode('xy.yx')
    for images, labels, betas in ((1, 1, 2), (2, 3, 2), (2, 2, 3)):
        with pytest.raises(ValueError, match=f'^{images} images, {labels} labels, {betas} betas: '):
            layers.MixMode('xx.')([0] * images, [0] * labels, [0.5] * betas, None)


@pytest.mark.parametrize('known', [True, False])
def test_rows_are_mixed_with_those_from_the_end(known):
    """Images and labels by one weight; nothing is done where beta is 0."""
    (x,), (l,) = parts(np.random.RandomState(0), n=1)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf1.placeholder(tf.float32, [len(a) if known else None, *a.shape[1:]]) for a in (x, l)]
        assert layers.mix_reversed(tensors, 0., None) is tensors
        mixed = layers.mix_reversed(tensors, 0.75, Draws(1, 2))
        lam = Draws(1, 2).beta('lam', [5], 0.75)
        mixed_x, mixed_l, lam = session.run([*mixed, lam], dict(zip(tensors, (x, l))))
    w = np.maximum(lam, 1 - lam)[:, None]
    np.testing.assert_allclose(mixed_l, w * l + (1 - w) * l[::-1], atol=1e-6)
    w = w[:, :, None, None]
    np.testing.assert_allclose(mixed_x, w * x + (1 - w) * x[::-1], atol=1e-6)


def test_shakeshake_uses_independent_coefficients():
    rng = np.random.RandomState(0)
    a, b, dy = rng.normal(size=(3, 6, 2, 2, 3)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        draws = Draws(3, 4)
        a_t, b_t = tf.constant(a), tf.constant(b)
        y = layers.shakeshake(a_t, b_t, True, draws)
        grads = tf.gradients(y, [a_t, b_t], dy)
        mu, nu = [draws.uniform(name, [6, 1, 1, 1]) for name in ('forward', 'backward')]
        evaluated = layers.shakeshake(a_t, b_t, False, None)
        y, grads, mu, nu, evaluated = session.run([y, grads, mu, nu, evaluated])
    assert np.abs(mu - nu).max() > 0.1 and len(set(mu.flat)) == 6
    np.testing.assert_allclose(y, (1 - mu) * a + mu * b, atol=1e-6)
    np.testing.assert_allclose(grads, [(1 - nu) * dy, nu * dy], atol=1e-6)
    np.testing.assert_allclose(evaluated, (a + b) / 2, atol=1e-6)
