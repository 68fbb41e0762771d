"""Schedules at their corners."""

from libml import schedules

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1


def at(function, step, *args):
    """Value at one step, an int64 tensor as the global step is."""
    with tf.Graph().as_default(), tf1.Session() as session:
        value = function(tf.constant(step, tf.int64), *args)
        assert value.dtype == tf.float32 and value.shape == []
        return session.run(value)


@pytest.mark.parametrize('step,want', [(0, 0), (256 * 1024, 0.25), (1024 * 1024, 1), (1 << 26, 1)])
def test_warmup(step, want):
    np.testing.assert_allclose(at(schedules.warmup, step, 1024), want)


@pytest.mark.parametrize('step', [0, 64, 1 << 26])
def test_no_warmup_is_a_ramp_of_one(step):
    assert at(schedules.warmup, step, 0) == 1
    assert at(schedules.warmup_pos, step, 0., 64) == 1


@pytest.mark.parametrize('step,want', [(0, 0), (1024, 0.25), (4096, 1), (8192, 1)])
def test_warmup_pos(step, want):
    np.testing.assert_allclose(at(schedules.warmup_pos, step, 0.5, 8), want)


def test_progress_and_cosine():
    np.testing.assert_allclose(at(schedules.progress, 20000, 64), 20000 / 65536, rtol=1e-6)
    assert [at(schedules.progress, 128, kimg) for kimg in (1, 0.5)] == [0.125, 0.25]
    with tf.Graph().as_default(), tf1.Session() as session:
        got = session.run(schedules.cosine(tf.constant([0., 0.5, 1.])))
    np.testing.assert_allclose(got, [1, np.cos(7 * np.pi / 32), 0.19509], rtol=1e-5)


def test_schedules_of_adamatch():
    with tf.Graph().as_default(), tf1.Session() as session:
        at_all = tf.constant([0, .05, .1, .125, .25, .375, .5, .625, .75, .9, 1])
        lr, constant, doubled = session.run([
            schedules.cosine_to(at_all, 0.25), schedules.cosine_phases(at_all, [(0.5, 1.), (1., 1.)]),
            schedules.cosine_phases(at_all, [(0.5, 1.), (1., 2.)])])
    np.testing.assert_allclose(lr[[0, 2, 4, 6, 8, 9, 10]], [1, .991325, .946195, .790569, .549871, .375088, .25],
                               rtol=1e-5)
    np.testing.assert_allclose(constant[[0, 1, 3, 4, 5, 6, 8, 10]], [0, .024472, .146447, .5, .853553, 1, 1, 1],
                               atol=1e-6)
    np.testing.assert_allclose(doubled[[4, 6, 7, 8, 10]], [.5, 1, 1.146447, 1.5, 2], atol=1e-6)


@pytest.mark.parametrize('step, want', [
    (0, 0), (3128, .200011), (6256, .4), (62556, .4), (62557, .04), (125113, .04), (125114, .004), (375339, 4e-6)])
def test_golden_staircase_of_imagenet(step, want):
    """128,116 labels in batches of 1,024: 125.113281 steps an epoch, 50 epochs up, a tenth after every 500."""
    epoch = 128116 / 1024
    np.testing.assert_allclose(.4 * at(schedules.staircase, step * 1024, 50 * epoch, 500 * epoch), want, rtol=1e-5)


@pytest.mark.parametrize('epoch, want', [(25, .2), (50, .4), (499, .4), (501, .04), (1001, .004)])
def test_golden_staircase_at_epochs(epoch, want):
    kimg = 128116 / 1024
    found = .4 * at(schedules.staircase, round(epoch * kimg * 1024), 50 * kimg, 500 * kimg)
    np.testing.assert_allclose(found, want, rtol=1e-6)


def test_staircase_without_a_ramp_and_with_a_long_one():
    """Falls before the end of the ramp are made up for at its end."""
    assert [at(schedules.staircase, kimg * 1024, 0, 2) for kimg in (0, 1, 2)] == [1, 1, np.float32(.1)]
    np.testing.assert_allclose([at(schedules.staircase, kimg * 1024, 4, 2) for kimg in (3, 4)], [.75, .01])


def test_half_cosine():
    with tf.Graph().as_default(), tf1.Session() as session:
        got = session.run(schedules.half_cosine(tf.constant([0., 0.25, 0.5, 1.])))
    np.testing.assert_allclose(got, [1, 0.5 + 0.5 ** 1.5, 0.5, 0], atol=1e-6)
