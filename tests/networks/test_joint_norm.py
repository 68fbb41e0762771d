"""Batch norm of parts of a batch against float64, one worker that has all rows."""

from libml.networks import joint_norm, nn

import numpy as np
import pytest
import tensorflow as tf

EPSILON = 1e-3


def by_hand(x, gamma, dy):
    """y, dx, dgamma and dbeta of a beta of 0, in float64."""
    x, dy, axes = x.astype(np.float64), dy.astype(np.float64), (0, 1, 2)
    inverse = 1 / np.sqrt(x.var(axes) + EPSILON)
    normal = (x - x.mean(axes)) * inverse
    dgamma, dbeta, n = (dy * normal).sum(axes), dy.sum(axes), x.size // x.shape[-1]
    return gamma * normal, gamma * inverse * (dy - dbeta / n - normal * dgamma / n), dgamma, dbeta


@pytest.mark.parametrize('shape, mean, dtype', [((24, 8, 8, 16), 0, tf.float32), ((24, 1, 1, 4), 0, tf.float32),
                                                ((24, 8, 8, 16), 10, tf.float32), ((24, 8, 8, 16), 0, tf.bfloat16)])
def test_against_float64(shape, mean, dtype):
    random = np.random.RandomState(1)
    x, dy = random.normal(mean, 1, shape).astype(np.float32), random.normal(size=shape).astype(np.float32)
    gamma = random.uniform(0.5, 2, shape[-1]).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images, scale, shift = tf.constant(x, dtype), tf.constant(gamma), tf.zeros_like(gamma)
        y, average, variance, n = joint_norm.normalized(images, scale, shift, EPSILON, lambda own: own[None])
        found = session.run([tf.cast(tensor, tf.float32) for tensor in (
            y, *tf.gradients(y, [images, scale, shift], tf.constant(dy, dtype)))])
        statistics = session.run([average, variance, n])
    tolerances = [1e-5, 1e-5, 1e-4, 2e-6] if dtype == tf.float32 else [2e-2] * 4
    for value, expected, tolerance in zip(found, by_hand(x, gamma, dy), tolerances):
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())
    if dtype == tf.float32:
        np.testing.assert_allclose(statistics[:2], [x.mean((0, 1, 2)), x.var((0, 1, 2))], rtol=1e-4, atol=1e-5)
        assert statistics[2] == x.size // shape[-1]


@pytest.mark.parametrize('unbiased', [True, False])
def test_running_statistics_are_those_of_the_fused_kernel(unbiased):
    x = np.random.RandomState(0).normal(2, 3, [6, 2, 2, 5]).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = []
        for gather in (None, lambda own: own[None]):
            batch_norm = nn.BatchNorm(unbiased=unbiased, gather=gather)
            with tf.compat.v1.variable_scope('network', reuse=tf.compat.v1.AUTO_REUSE):
                batch_norm(tf.constant(x), True)
            found.append([statistic for _, statistic in batch_norm.batch_stats])
        session.run(tf.compat.v1.global_variables_initializer())
        fused, joint = session.run(found)
    np.testing.assert_allclose(joint, fused, rtol=1e-5)
