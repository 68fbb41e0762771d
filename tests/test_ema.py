"""Moving averages of variables: values, names, getter, order."""

from libml import archs, nn
from libml.ema import MovingAverage

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1


def classify(x, getter=None):
    with tf1.variable_scope('classify', reuse=tf1.AUTO_REUSE, custom_getter=getter):
        return archs.build('resnet', x, False, nn.BatchNorm(), 10, 2, 4, 1).logits


def test_average_starts_at_the_variable_and_follows_it():
    with tf.Graph().as_default(), tf1.Session() as session:
        with tf1.variable_scope('classify'):
            nn.dense(tf.zeros([1, 3]), 2)
        variable = tf1.trainable_variables()[0]
        ema = MovingAverage(0.9)
        with tf1.name_scope('elsewhere'), tf1.variable_scope('other'), tf.control_dependencies([tf.no_op()]):
            shadow = ema.average(variable)
        assert shadow is ema.average(variable)
        assert shadow.op.name == 'classify/dense/kernel/ExponentialMovingAverage'
        assert not shadow.trainable and shadow.dtype.base_dtype == tf.float32
        session.run(tf1.global_variables_initializer())
        start, value = session.run([shadow, variable])
        np.testing.assert_array_equal(start, value)
        assert np.abs(start).min() > 0
        with tf.control_dependencies([variable.assign_add(tf.ones([3, 2]))]):
            update = ema.update([variable])
        session.run(update)
        np.testing.assert_allclose(session.run(shadow), 0.9 * start + 0.1 * (start + 1), rtol=1e-6)


def test_getter_reads_averages_of_trainable_variables_only():
    x = np.random.RandomState(0).normal(size=(2, 8, 8, 3)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        ema = MovingAverage(0.5)
        live, averaged = classify(tf.constant(x)), classify(tf.constant(x), ema.getter)
        trainable = tf1.trainable_variables()
        others = [v for v in tf1.global_variables() if v not in trainable]
        assert ([v.op.name for v in others if 'ExponentialMovingAverage' in v.op.name]
                == [f'{v.op.name}/ExponentialMovingAverage' for v in trainable])
        session.run(tf1.global_variables_initializer())
        start, same = session.run([live, averaged])
        np.testing.assert_array_equal(start, same)
        session.run([v.assign(v + 1) for v in trainable])
        moved, same = session.run([live, averaged])
        assert np.abs(moved - start).max() > 0.1
        np.testing.assert_array_equal(start, same)
        session.run([v.assign(v + 1) for v in others if 'moving_mean' in v.op.name])
        assert np.abs(session.run(averaged) - start).max() > 1e-3


def test_getter_may_be_the_first_to_create_the_variables():
    with tf.Graph().as_default(), tf1.Session() as session:
        ema = MovingAverage(0.5)
        averaged, live = classify(tf.ones([2, 8, 8, 3]), ema.getter), classify(tf.ones([2, 8, 8, 3]))
        session.run(tf1.global_variables_initializer())
        np.testing.assert_array_equal(*session.run([averaged, live]))
