"""Averages of variables: values, names, getter, order; snapshots and batch-norm statistics of averaged weights."""

from libml import ema
from libml.ema import MovingAverage
from libml.networks import archs, nn

import numpy as np
import pytest
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
        assert not shadow.trainable and shadow.dtype.base_dtype == tf.float32 and shadow.op.type == 'VarHandleOp'
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


@pytest.mark.parametrize('start, period', [(0, 1), (0, 3), (4, 2), (5, 4)])
def test_mean_of_the_snapshots(start, period):
    values = np.random.RandomState(0).normal(size=[14, 2, 3]).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        index, value = tf.compat.v1.placeholder(tf.int64, []), tf.compat.v1.placeholder(tf.float32, [2, 3])
        weight = nn.variable('w', [2, 3], nn.zeros)
        mean = ema.SnapshotMean(index, start, period)
        with tf.control_dependencies([weight.assign(value)]):
            step = tf.group(mean.update([weight]))
        assert not mean.average(weight).trainable
        session.run(tf.compat.v1.global_variables_initializer())
        for t in range(14):
            session.run(step, {index: t, value: values[t]})
            taken = [values[i] for i in range(start, t + 1) if (i - start) % period == 0]
            expected = np.mean(taken, 0) if taken else values[t]
            np.testing.assert_allclose(session.run(mean.average(weight)), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('average, averaged', [
    (lambda: ema.SnapshotMean(tf.constant(0, tf.int64), 0, 1), True), (lambda: MovingAverage(0.9), False),
    (lambda: MovingAverage(0.9, statistics=True), True), (ema.LiveWeights, False)])
def test_running_statistics_are_averages_where_they_are_asked_for(average, averaged):
    with tf.Graph().as_default(), tf1.variable_scope('classify', custom_getter=average().getter):
        moving = tf1.get_variable('moving_mean', [2], trainable=False, use_resource=True)
        assert moving.op.name == 'classify/moving_mean' + '/ExponentialMovingAverage' * averaged


def test_no_average_reads_the_variables():
    with tf.Graph().as_default():
        live = ema.LiveWeights()
        with tf.compat.v1.variable_scope('classify', custom_getter=live.getter):
            weight = nn.variable('w', [2], nn.zeros)
        assert live.update([weight]) == [] and tf.compat.v1.global_variables() == [weight]


def batch_norm_network(x, getter):
    """A BatchNorm of x * w, in training mode."""
    batch_norm = nn.BatchNorm()
    with tf.compat.v1.variable_scope('classify', reuse=tf.compat.v1.AUTO_REUSE, custom_getter=getter):
        batch_norm(x * nn.variable('w', [3], nn.ones), training=True)
    return batch_norm


def test_statistics_are_the_mean_over_batches_with_the_averaged_weights():
    batches = np.random.RandomState(1).normal(3, 2, [4, 5, 2, 2, 3]).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        index, x = tf.compat.v1.placeholder(tf.int64, []), tf.compat.v1.placeholder(tf.float32, [5, 2, 2, 3])
        average = ema.MovingAverage(0.9, statistics=True)
        batch_norm_network(x, None)
        step = ema.reestimation(batch_norm_network(x, average.getter).batch_stats, index)
        variables = {v.op.name: v for v in tf.compat.v1.global_variables()}
        shadow = {name: variables[f'classify/{name}/ExponentialMovingAverage'] for name in (
            'w', 'batch_normalization/moving_mean', 'batch_normalization/moving_variance')}
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(shadow['w'].assign([1., 2., -3.]))
        found = []
        for n in (4, 4, 2):  # The same passes give the same bits; fewer leave nothing of those before.
            for i in range(n):
                session.run(step, {index: i, x: batches[i]})
            found.append(session.run(list(shadow.values())[1:]))
        live = session.run([variables[f'classify/batch_normalization/moving_{kind}'] for kind in ('mean', 'variance')])
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(live, [[0, 0, 0], [1, 1, 1]])
    y = (batches * [1, 2, -3]).reshape(4, 20, 3)
    for n, (mean, variance) in ((4, found[0]), (2, found[2])):
        np.testing.assert_allclose(mean, y[:n].mean((0, 1)), rtol=1e-5)
        np.testing.assert_allclose(variance, y[:n].var(1, ddof=1).mean(0), rtol=1e-5)
