"""A small network on several workers: values, gradients and statistics of one process."""

import signal

import in_threads
from libml import layers
from libml.draws import Draws
from libml.networks import nn
from libml.workers import collectives
from libml.workers.replicas import Single
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

IMAGES = np.random.RandomState(0).normal(size=[12, 4, 4, 3]).astype(np.float32)
WEIGHTS = np.random.RandomState(1).normal(size=[12, 5]).astype(np.float32)


def build(replicas, sizes=None):
    """Logits, the gradients by images and variables, and the running statistics' next values."""
    x = tf.constant(IMAGES)
    part = replicas.part(x if sizes is None else replicas.by_parts(x, sizes, groups=3))
    batch_norm = nn.BatchNorm(gather=part.gather)
    with tf.compat.v1.variable_scope('classify'):
        rows = batch_norm(nn.conv2d(part.rows(x), 4, 3), True)
        kept = part.draws(Draws(1, 2)).uniform('dropout', tf.shape(rows)) < 0.5
        embeds = nn.global_mean(tf.where(kept, tf.nn.softplus(rows), 0.))
        out = part.gathered(EasyDict(logits=nn.dense(embeds, 5), embeds=embeds), batch_norm)
    variables = tf.compat.v1.trainable_variables()
    loss = tf.reduce_mean(WEIGHTS * out.logits ** 2) + tf.reduce_sum(out.embeds[3]) + tf.nn.l2_loss(variables[0])
    by_image, *gradients = tf.gradients(loss, [x, *variables])
    return [out.logits, out.embeds, by_image, *replicas.mean([*gradients, None])[:-1],
            *(statistic for _, statistic in batch_norm.batch_stats)]


def of_own_statistics(replicas):
    """As `build` in halves, each a pass with batch norm of its own."""
    x, outs, statistics = tf.constant(IMAGES), [], []
    draws = Draws(1, 2).uniform('dropout', IMAGES.shape[:3] + (4,))
    for half in (slice(0, 6), slice(6, 12)):
        batch_norm = nn.BatchNorm()
        with tf.compat.v1.variable_scope('classify', reuse=tf.compat.v1.AUTO_REUSE):
            rows = batch_norm(nn.conv2d(x[half], 4, 3), True)
            embeds = nn.global_mean(tf.where(draws[half] < 0.5, tf.nn.softplus(rows), 0.))
            outs.append((nn.dense(embeds, 5), embeds))
        statistics.append([statistic for _, statistic in batch_norm.batch_stats])
    logits, embeds = [tf.concat(parts, 0) for parts in zip(*outs)]
    variables = tf.compat.v1.trainable_variables()
    loss = tf.reduce_mean(WEIGHTS * logits ** 2) + tf.reduce_sum(embeds[3]) + tf.nn.l2_loss(variables[0])
    return [logits, embeds, *tf.gradients(loss, [x, *variables]), *(sum(pair) / 2 for pair in zip(*statistics))]


def on_one(build):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = build(Single())
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(found)


@pytest.mark.parametrize('n, sizes', [(2, None), (3, None), (2, [2, 6, 4])])
def test_a_step_is_that_of_one_process(n, sizes):
    one = on_one(build)
    found = in_threads.computed(n, lambda worker: build(worker, sizes))
    for values in found:
        for i, (value, expected) in enumerate(zip(values, one)):
            np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6, err_msg=i)
    for values in zip(*found):
        assert all(np.array_equal(value, values[0]) for value in values)


def test_batch_norm_of_own_rows():
    """Two exchanges a step: one of logits and running statistics, one of the gradients."""
    def build_own(worker):
        worker.joint = False
        logits, embeds, by_image, *others = build(worker)
        assert len(collectives.needed(tf.group(logits, embeds, others))) == 2
        return [logits, embeds, by_image, *others]

    one = on_one(of_own_statistics)
    for values in in_threads.computed(2, build_own):
        for i, (value, expected) in enumerate(zip(values, one)):
            np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6, err_msg=i)


def test_rows_of_interleaved_batches():
    """Each worker has the same share of every batch, of what the rows were before they were interleaved."""
    chief, other = in_threads.workers(2)
    with tf.Graph().as_default():
        rows = layers.interleave_rows(tf.range(12), 3)
        with tf.compat.v1.Session() as session:
            shown = session.run(rows)
        for worker, owned in ((chief, [0, 2, 3, 4, 8, 9]), (other, [1, 5, 6, 7, 10, 11])):
            part = worker.part(worker.by_parts(rows, [2, 6, 4], groups=3))
            assert sorted(shown[part.own]) == owned
        with refused('3 images in a pass of the network cannot be split over 2 workers'):
            chief.by_parts(rows, [3, 9])
    assert list(other.own(6)) == [3, 4, 5] and Single().own(6) is None and Single().by_parts(1, [2]) == 1


def test_what_it_cannot_split():
    worker, _ = in_threads.workers(2)
    with tf.Graph().as_default():
        with refused('15 images in a pass of the network cannot be split over 2 workers: give a --batch that is a '
                     'multiple of 2'):
            worker.part(tf.zeros([15, 4, 4, 3]))
        x = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3])
        part = worker.part(x)
        assert part.rows(x) is x and part.gather is None and part.gathered(1, None) == 1


def test_a_signal_of_one_worker_ends_all():
    def build(worker):
        worker.mean([tf.zeros([2])])
        return worker.asked_by_all

    def feed(worker):
        return worker.asks(None if worker.chief else signal.SIGTERM)

    for asked in in_threads.computed(2, build, feed):
        assert in_threads.workers(2)[0].agreed(None, asked) == signal.SIGTERM
    assert not np.any(in_threads.computed(2, build))
    worker, _ = in_threads.workers(2)
    assert worker.agreed(None, [0, 1, 0]) == signal.SIGTERM and worker.agreed(signal.SIGINT, [0, 0, 0]) is None
    assert Single().agreed(signal.SIGINT, ()) == signal.SIGINT and Single().agreed(None, ()) is None
