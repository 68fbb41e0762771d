"""fully_supervised.py: its losses against numpy, dropout, names and ranges of its flags."""

import re

import toy
from baseline_runs import CONVNET, check_statistics, mixed, recorded, xe
from fully_supervised import FullySupervised
from libml.utils import InputError

import numpy as np
import pytest


@pytest.mark.parametrize('params', [dict(smoothing=0.3), dict(mixup=True, beta=0.7)])
def test_losses_against_numpy(tmp_path, params):
    model = FullySupervised(str(tmp_path), toy.dataset(nunlabeled=0), **CONVNET, **params)
    ops = model.ops
    x, label = np.random.RandomState(3).uniform(-1, 1, [8, 16, 16, 3]), np.arange(8) % 5
    with model.session() as session:
        model.streams.start(session, 0)
        loss, parts, lam = session.run([ops.loss, dict(ops.losses), model.draws.within('mix_x').beta('lam', [8], 0.7)],
                                       {ops.x: x, ops.label: label})
        targets = np.eye(5)[label]
        if 'mixup' in params:
            x, targets = mixed(lam, x, targets)
        else:
            targets = np.where(targets, 0.7 + 0.3 / 5, 0.3 / 5)
        p = session.run(ops.classify_raw, {ops.x: x}).astype(np.float64)
    np.testing.assert_allclose(loss, xe(targets, p), rtol=1e-5)
    assert parts == {'losses/xe': loss} and ops.y is None


def test_drops_features_and_trains_on_labelled_images_alone(tmp_path):
    model = recorded(FullySupervised, tmp_path, mixup=True, dropout=0.5)
    with model.session() as session:
        model.streams.start(session, 0)
        embeds, kept, whole = session.run([model.passes['x'].embeds, model.draws.within('x').uniform('dropout', [8, 4]),
                                           model.passes[None].embeds])
        np.testing.assert_array_equal(embeds != 0, kept >= 0.5)
        assert 0 < (embeds != 0).sum() < 32 and (whole != 0).all()
        check_statistics(model, session, 'mix_x')
    model.train(2 * 8, 8, 8)
    assert [row['step'] for row in model.folder.metrics()] == [8, 16]


NAME = 'archconvnet_batch64{}_dropout0.0_ema0.999_filters32_lr0.002_nclass10_repeat4_scales3{}_wd0.002'


@pytest.mark.parametrize('params, name', [
    ({}, 'FSBaseline_' + NAME.format('', '_smoothing0.001')),
    (dict(mixup=True), 'FSMixup_' + NAME.format('_beta0.5', ''))])
def test_names_and_defaults(monkeypatch, params, name):
    monkeypatch.setattr(FullySupervised, 'algorithm', toy.no_graph)
    model = FullySupervised('runs', toy.dataset(size=32, nclass=10), arch='convnet', **params)
    assert model.folder.path == f'runs/toy/{name}' and model.params.train_kimg == 65536


@pytest.mark.parametrize('params, text', [
    (dict(dropout=0.5, arch='convnet'), '--dropout=0.5: --arch=convnet has none'),
    (dict(beta=0.75), '--beta=0.75: it goes with --mixup'),
    (dict(smoothing=0.1, mixup=True), '--smoothing=0.1: it goes without --mixup')])
def test_bad_hyper_parameters(tmp_path, params, text):
    with pytest.raises(InputError, match=re.escape(text)):
        FullySupervised(str(tmp_path), toy.dataset(), **params)
