"""What AdaMatch is shown and what it reports: views, probes of CTAugment, test sets of a pair of domains."""

import runner
import toy
from adamatch import AdaMatch
from adamatch_runs import dataset
from libml import data_domain, train
from libml.augment.ctaugment import CTAugment
from libml.draws import Draws
from libml.images.pixels import to_float

import numpy as np
import pytest
import tensorflow as tf

SMALL = dict(arch='convnet', batch=4, uratio=1, filters=4, scales=1, train_kimg=1)
# Each pixel of 16x16 tells its place.
PLACES = np.arange(256, dtype=np.uint8).reshape([1, 16, 16, 1]).repeat(64, 0)


@pytest.fixture
def undistorted(monkeypatch):
    """CTAugment draws policies and does not apply them: its operations are most of a graph and have tests elsewhere."""
    monkeypatch.setattr(CTAugment, 'apply', lambda self, images, policy, draws: images)


def shifts(views):
    """int [n, 2]: how far views [n, 16, 16, 1] of PLACES are moved, from the pixel in their middle."""
    middle = np.round((views[:, 8, 8, 0] + 1) * 127.5).astype(int)
    return np.stack([middle // 16, middle % 16], 1) - 8


def test_weak_and_strong_views_are_shifted_independently(tmp_path):
    model = AdaMatch(str(tmp_path), dataset(colors=1), augment='(s,s)', **SMALL)
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        draws = Draws(1, tf.constant(0, tf.int64))
        views = session.run(model.views().of_unlabeled(tf.constant(PLACES), draws)['image'])
    weak, strong = shifts(views[:, 0]), shifts(views[:, 1])
    for found in (weak, strong):
        assert set(found.ravel()) == {-2, -1, 0, 1, 2}
    # Of 25 places each; were they the same draws, all would be equal.
    assert (weak == strong).all(1).mean() < 0.2


def test_probes_start_from_the_weak_view(undistorted, tmp_path):
    model = AdaMatch(str(tmp_path), dataset(colors=1), augment='CTA(s,x)', **SMALL)
    model.learner.probe = lambda images, draws: {'probe': to_float(images)}
    with model.graph.as_default(), tf.compat.v1.Session() as session:
        # Of the two views, the strong one needs rates: only the weak one is run.
        batch = model.views().of_labeled(tf.constant(PLACES), Draws(1, tf.constant(0, tf.int64)))
        weak, x = session.run([model.program.weak(tf.constant(PLACES), Draws(1, tf.constant(0, tf.int64))),
                               batch['probe']])
    assert np.abs(shifts(x)).max() == 2
    np.testing.assert_array_equal(x, weak)


def test_rates_follow_the_averaged_weights_on_the_probes_of_every_second_batch(undistorted, tmp_path):
    model = AdaMatch(str(tmp_path), dataset(7, size=8, colors=1), augment='CTA(s,x,depth=1,probe=2)', **SMALL)
    random = np.random.RandomState(0)
    averages = {v.op.name: random.normal(0, 0.5, v.shape) for v in model.variables
                if v.op.name.endswith('kernel/ExponentialMovingAverage')}
    ops, rates = model.ops, []
    with model.session() as session:
        toy.set_variables(model, session, averages)
        model.streams.start(session, 0)
        for t in range(3):
            averaged, live, labels, probes, _ = session.run(
                [ops.classify_op, ops.classify_raw, ops.labels, ops.probes, ops.train_op])
            rates.append(session.run(model.learner.rates.ring)[t])
            if t == 0:
                rows, first = np.arange(8), (averaged, live, np.concatenate(labels))
    averaged, live, labels = first
    moved = np.unique(rates[0][rates[0] != 1])
    moved = moved[moved > 0]
    # A bin that one probe fell into is 0.99 + 0.01 p.
    near = [np.min(np.abs(moved[:, None] - 0.99 - 0.01 * p[rows, labels]), 0).min() for p in (averaged, live)]
    assert near[0] < 1e-6 < near[1]
    np.testing.assert_array_equal(rates[1], rates[0])
    assert np.any(rates[2] != rates[1])


def test_report_of_a_pair_of_domains(tmp_path, monkeypatch):
    """The target's accuracy stands under both its names; no test set is classified twice with the same weights."""
    pytest.importorskip('sklearn')
    pair = data_domain.load('digits', 'digits_m', str(tmp_path / 'data'))
    sizes = []

    def made_up(session, op, x, images):
        sizes.append(len(images))
        return np.random.RandomState(len(sizes)).rand(len(images), 10)

    monkeypatch.setattr(train.evaluate, 'predict', made_up)
    model = AdaMatch(str(tmp_path), pair, augment='(s,s)', **SMALL)
    model.train(8, 1024)
    row, = model.folder.metrics()
    for kind in ('', 'raw/'):
        plain = row[f'accuracy/{kind}'.rstrip('/')]
        assert plain == row[f'accuracy/{kind}digits_to_digits_m'] != row[f'accuracy/{kind}digits_to_digits']
    assert sizes == [1400, 397, 397] * 2


@pytest.mark.parametrize('args, text', [
    (['--source=digits', '--target=nothing'], '--target=nothing: '),
    (['--source=digits', '--target=digits_m', '--dataset=digits.1@40-100'],
     '--dataset=digits.1@40-100 --source=digits')])
def test_bad_command_is_one_line_and_exit_1(tmp_path, args, text):
    code, out, err = runner.run('adamatch.py', *args, f'--data_dir={tmp_path}', f'--train_dir={tmp_path / "runs"}')
    assert code == 1 and 'Config' not in out and text in err
    assert len(err.splitlines()) == 1 and err.startswith('error: ')
    assert not (tmp_path / 'runs').exists()
