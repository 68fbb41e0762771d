"""Micro-batches: the gradients and weights of whole batches where nothing else looks at a batch. See test_models.py."""

import toy
from adamatch import AdaMatch
from domain_runs import build
from fixmatch import FixMatch
from freematch import FreeMatch
from mcd import MCD
from mixmatch import MixMatch
from pseudo_label import PseudoLabel
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf

# Neither batch norm nor random draws: a step is a function of its images and of the weights.
PLAIN = dict(arch='convnet', filters=4, scales=1, batch=8, recipe='fixmatch', augment='x.x', lr=0.3, train_kimg=1)
SMALL = dict(toy.SMALL, arch='convnet', uratio=2, augment='x.x.r1_1_0')


def steps(folder, accumulate):
    """dicts name -> value of all variables before and after three steps, and the mean losses of each step."""
    model = PseudoLabel(str(folder), toy.dataset(), **PLAIN, accumulate=accumulate)
    losses, variables = [], {v.op.name: v for v in model.variables}
    with model.session() as session, model.graph.as_default():
        session.run(tf.compat.v1.local_variables_initializer())
        model.streams.start(session, 0)
        before = session.run(variables)
        for _ in range(3):
            ops = [model.part_op] * (accumulate - 1) + [model.ops.train_op]
            losses.append(np.mean([session.run((model.ops.loss, op))[0] for op in ops]))
        return before, session.run(variables), losses


@pytest.fixture(scope='module')
def of_whole_batches(tmp_path_factory):
    return steps(tmp_path_factory.mktemp('whole'), 1)


@pytest.mark.parametrize('accumulate', [2, 8])
def test_weights_are_those_of_whole_batches(of_whole_batches, tmp_path, accumulate):
    first, whole, losses = of_whole_batches
    _, parts, part_losses = steps(tmp_path, accumulate)
    assert whole.keys() == parts.keys() and whole['global_step'] == parts['global_step'] == 24
    np.testing.assert_allclose(part_losses, losses, rtol=1e-5)
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-4, atol=2e-6, err_msg=name)
    moved = [name for name in whole if np.abs(whole[name] - first[name]).max() > 1e-3]
    assert len(moved) > 10  # weights, momentum, averages


def test_what_follows_predictions_sees_each_micro_batch(tmp_path):
    """FreeMatch's threshold after one step of two: two moves of its average from 1 / C."""
    model = FreeMatch(str(tmp_path), toy.dataset(), **SMALL, ema_p=0.5, accumulate=2)
    assert 'accumulate2' in model.experiment_name()
    with model.session() as session, model.graph.as_default():
        session.run(tf.compat.v1.local_variables_initializer())
        model.streams.start(session, 0)
        names = [tracker.variable for tracker in model.trackers]
        states = [session.run(names)]
        for op in (model.part_op, model.ops.train_op):
            session.run(op)
            states.append(session.run(names))
    for before, after in zip(states, states[1:]):
        assert all(np.abs(one - two).max() > 0 for one, two in zip(before, after))


def test_its_name_and_what_it_refuses(tmp_path):
    plain = PseudoLabel(str(tmp_path), toy.dataset(), **PLAIN)
    assert 'accumulate' not in plain.experiment_name() and plain.part_op is None
    with refused('--accumulate=3: give a divisor of --batch=8'):
        PseudoLabel(str(tmp_path), toy.dataset(), **PLAIN, accumulate=3)
    with refused('--accumulate=2: MCD takes whole batches only'):
        build(MCD, tmp_path, accumulate=2)


def test_batch_norm_follows_each_micro_batch(tmp_path):
    """The running mean of the first layer after one step: that of both halves, one after the other."""
    model = MixMatch(str(tmp_path), toy.dataset(), **toy.SMALL, accumulate=2)
    (moving, statistic), *_ = model.batch_norms['mixed0'].batch_stats
    with model.session() as session, model.graph.as_default():
        session.run(tf.compat.v1.local_variables_initializer())
        model.streams.start(session, 0)
        expected = session.run(moving).copy()
        for op in (model.part_op, model.ops.train_op):
            value, _ = session.run([statistic, op])
            expected = 0.9 * expected + 0.1 * value
        np.testing.assert_allclose(session.run(moving), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('averaged', [False, True])
def test_running_statistics_have_averages_where_the_algorithm_says_so(tmp_path, averaged):
    """AdaMatch's move by 1 - ema of the way from where they start; MixMatch has none."""
    model = build(AdaMatch, tmp_path, ema=0.9) if averaged else MixMatch(str(tmp_path), toy.dataset(), **toy.SMALL)
    variables = {v.op.name: v for v in model.variables}
    names = [name for name in variables if name.endswith('/moving_mean')]
    averages = [f'{name}/ExponentialMovingAverage' for name in names]
    assert len(names) > 2 and [name in variables for name in averages] == [averaged] * len(names)
    if averaged:
        with model.session() as session:
            model.streams.start(session, 0)
            before = session.run([variables[name] for name in averages])
            session.run(model.ops.train_op)
            after, live = session.run([[variables[name] for name in found] for found in (averages, names)])
        for old, new, value in zip(before, after, live):
            np.testing.assert_allclose(new, 0.9 * old + 0.1 * value, rtol=1e-5, atol=1e-7)
        assert np.abs(after[0] - before[0]).max() > 1e-4


def test_a_staircase_of_the_learning_rate_sees_the_first_image_of_a_step(tmp_path):
    """In a rise, both micro-batches of the second step have the rate of its beginning."""
    model = FixMatch(str(tmp_path), toy.dataset(), **SMALL, schedule='staircase', lr_warmup_kimg=1.,
                     lr=1024., accumulate=2)
    with model.session() as session, model.graph.as_default():
        session.run(tf.compat.v1.local_variables_initializer())
        model.streams.start(session, 0)
        rates = [session.run((model.ops.monitors['monitors/lr'], op))[0]
                 for op in 2 * [model.part_op, model.ops.train_op]]
    assert rates == [0., 0., 8., 8.]
