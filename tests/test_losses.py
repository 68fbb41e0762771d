"""Losses against formulas written out in numpy, gradients against finite differences of these formulas."""

from libml import losses

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1
RNG = np.random.RandomState(0)
A, B = RNG.normal(size=(2, 5, 4)) * 2
P = RNG.dirichlet(np.ones(4), 5)
LABELS = np.array([0, 3, 1, 1, 2])
MASK = np.array([1, 0, 1, 1, 0])


def softmax(z):
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


def xe(z, p):
    return -(p * np.log(softmax(z))).sum(-1)


def masked_xe(z, labels, mask):
    return np.array([-m * np.log(row[k]) for row, k, m in zip(softmax(z), labels, mask)])


def brier(z, p):
    return ((p - softmax(z)) ** 2).mean(-1)


def mse_from_logits(a, b):
    return ((softmax(a) - softmax(b)) ** 2).mean(-1)


def entropy_from_logits(z):
    return -(softmax(z) * np.log(softmax(z))).sum(-1)


def kl_divergence_from_logits(a, b):
    return (softmax(a) * np.log(softmax(a) / softmax(b))).sum(-1)


# (numpy twin, arguments, number of leading arguments that are differentiated).
CASES = [(xe, (A, P), 1), (masked_xe, (A, LABELS, MASK), 1), (brier, (A, P), 2), (mse_from_logits, (A, B), 2),
         (entropy_from_logits, (A,), 1), (kl_divergence_from_logits, (A, B), 2)]


def finite_differences(function, args, index, weights):
    """Gradient of sum(weights * function(*args)) in args[index], by central differences in float64."""
    gradient = np.zeros_like(args[index])
    for position in np.ndindex(gradient.shape):
        step = np.zeros_like(gradient)
        step[position] = 1e-5
        high, low = [np.sum(weights * function(*args[:index], args[index] + sign * step, *args[index + 1:]))
                     for sign in (1, -1)]
        gradient[position] = (high - low) / 2e-5
    return gradient


@pytest.mark.parametrize('function,args,differentiated', CASES)
def test_value_and_gradient(function, args, differentiated):
    weights = np.arange(1., 6.)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf.constant(a, tf.int64 if a.dtype.kind == 'i' else tf.float32) for a in args]
        loss = getattr(losses, function.__name__)(*tensors)
        grads = tf.gradients(loss, tensors[:differentiated], tf.constant(weights, tf.float32))
        loss, grads = session.run([loss, grads])
    assert loss.shape == (5,)
    np.testing.assert_allclose(loss, function(*args), rtol=1e-4, atol=1e-6)
    for i, gradient in enumerate(grads):
        want = finite_differences(function, args, i, weights)
        np.testing.assert_allclose(gradient, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('function,args,differentiated', CASES)
def test_logits_of_any_dtype_give_float32(function, args, differentiated):
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = [tf.constant(a) for a in args]
        halves = [tf.cast(t, tf.bfloat16) if t.dtype == tf.float64 else t for t in tensors]
        loss = getattr(losses, function.__name__)(*halves)
        assert loss.dtype == tf.float32
        np.testing.assert_allclose(session.run(loss), function(*args), rtol=0.1, atol=0.05)


def test_extreme_logits_stay_finite():
    with tf.Graph().as_default(), tf1.Session() as session:
        a, b = tf.constant([[1000., 0.]]), tf.constant([[0., 1000.]])
        got = session.run([losses.xe(a, [[1., 0.]]), losses.entropy_from_logits(a),
                           losses.kl_divergence_from_logits(a, b), losses.brier(a, [[1., 0.]])])
    np.testing.assert_allclose(np.ravel(got), [0, 0, 1000, 0])


def test_brier_is_zero_at_the_target_and_halves_when_classes_double():
    with tf.Graph().as_default(), tf1.Session() as session:
        z = tf.constant(A, tf.float32)
        np.testing.assert_allclose(session.run(losses.brier(z, tf.nn.softmax(z))), 0)
        few, many = [session.run(losses.brier(tf.constant([[0., 0.] + [-1e9] * n]), [[1., 0.] + [0.] * n]))
                     for n in (0, 2)]
        np.testing.assert_allclose(few, 2 * many)
