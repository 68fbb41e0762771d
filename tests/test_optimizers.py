"""LARS against numpy, and two optimizers as one."""

from libml import optimizers

import numpy as np
import tensorflow as tf


def test_lars_against_numpy():
    """Two steps; kernels with decay and scaling, the bias without both, a kernel of zeros without scaling."""
    start = {'a/kernel': np.array([[.3, .4]]), 'a/bias': np.array([1., 2.]), 'b/kernel': np.zeros([1, 2])}
    grads = {'a/kernel': np.array([[.1, -.2]]), 'a/bias': np.array([0.5, 0.25]), 'b/kernel': np.array([[1., 1.]])}
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


def test_lars_is_momentum_without_decay_unless_told():
    plain = optimizers.LARS(0.5)
    assert (plain.momentum, plain.decay, plain.get_name()) == (0.9, 0., 'LARS')
