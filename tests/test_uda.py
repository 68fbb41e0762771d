"""uda.py against the original's recorded steps, its annealing, and the ranges of its flags."""

import toy
from pair_runs import SMALL, check_golden_step
from pair_steps import PRINTED, S, W, softmax
from refusals import refused
from uda import UDA

import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.usefixtures('no_updates')
@pytest.mark.parametrize('name', ['uda_no_step', 'uda_linear_step'])
def test_golden_step(golden, tmp_path, name):
    check_golden_step(golden(name), UDA, tmp_path)


@pytest.mark.parametrize('tsa, share', [('no', 1.), ('linear', 0.25), ('exp', np.exp(5 * (0.25 - 1))),
                                        ('log', 1 - np.exp(-5 * 0.25))])
def test_training_signal_annealing(tmp_path, monkeypatch, tsa, share):
    monkeypatch.setattr(UDA, 'algorithm', toy.no_graph)
    model = UDA(str(tmp_path), toy.dataset(), tsa=tsa, tsa_pos=3, train_kimg=64, **SMALL)
    with model.session() as session:
        toy.set_variables(model, session, {'global_step': 64 * 8 // 4})
        threshold = session.run(model.threshold())
    np.testing.assert_allclose(threshold, share * (1 - 1 / 5) + 1 / 5, rtol=1e-6)


@pytest.mark.parametrize('temperature, xe', [(1., .460611), (.4, .407742)])
def test_golden_loss_of_a_soft_label(tmp_path, monkeypatch, temperature, xe):
    """The check values are cross entropies; the loss is less by the entropy of the label."""
    monkeypatch.setattr(UDA, 'algorithm', toy.no_graph)
    model = UDA(str(tmp_path), toy.dataset(nclass=3), temperature=temperature, **SMALL)
    with model.session() as session:
        found = session.run(model.unlabeled_losses(tf.constant(W[:1]), tf.constant(S[:1]))[0]['xeu'][1])
    label = softmax(W[:1] / temperature)
    np.testing.assert_allclose(found, xe + (label * np.log(label)).sum(), **PRINTED)


def test_defaults():
    assert {name: UDA.HPARAMS[name][0] for name in ('augment', 'temperature', 'tsa', 'tsa_pos', 'we', 'wu')} == dict(
        augment='d.d.rac', temperature=1., tsa='no', tsa_pos=8, we=0., wu=1.)


def test_unknown_annealing(tmp_path):
    with refused('--tsa=cosine: choose one of no, exp, linear, log'):
        UDA(str(tmp_path), toy.dataset(), tsa='cosine')
