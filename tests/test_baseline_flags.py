"""Names, defaults and ranges of the hyper-parameters of the baselines."""

import re

import toy
from fully_supervised import FullySupervised
from ict import ICT
from libml.utils import InputError
from mean_teacher import MeanTeacher
from mixup import Mixup
from pi_model import PiModel
from pseudo_label import PseudoLabel
from vat import VAT

import pytest

FIRST, LAST = 'archconvnet_batch64', 'filters32_lr0.002_nclass10_repeat4_scales3'


@pytest.mark.parametrize('model_class, params, name', [
    (Mixup, {}, f'Mixup_{FIRST}_beta0.5_ema0.999_{LAST}_wd0.02'),
    (PseudoLabel, {}, f'PseudoLabel_{FIRST}_consistency_weight1.0_ema0.999_{LAST}_smoothing0.1_threshold0.95_'
                      'warmup_pos0.4_wd0.02'),
    (PiModel, {}, f'PiModel_{FIRST}_consistency_weight10.0_ema0.999_{LAST}_smoothing0.1_warmup_pos0.4_wd0.02'),
    (MeanTeacher, dict(wd=0.2), f'MeanTeacher_{FIRST}_consistency_weight50.0_ema0.999_{LAST}_smoothing0.001_'
                                'warmup_pos0.4_wd0.2'),
    (VAT, {}, f'VAT_{FIRST}_ema0.999_entmin_weight0.06_{LAST}_smoothing0.1_vat0.3_vat_eps6.0_warmup_pos0.4_wd0.02'),
    (ICT, {}, f'ICT_{FIRST}_beta0.5_consistency_weight50.0_ema0.999_{LAST}_warmup_pos0.4_wd0.02'),
    (FullySupervised, {}, f'FSBaseline_{FIRST}_dropout0.0_ema0.999_{LAST}_smoothing0.001_wd0.002'),
    (FullySupervised, dict(mixup=True), f'FSMixup_{FIRST}_beta0.5_dropout0.0_ema0.999_{LAST}_wd0.002')])
def test_names_and_defaults(monkeypatch, model_class, params, name):
    monkeypatch.setattr(model_class, 'algorithm', toy.no_graph)
    model = model_class('runs', toy.dataset(size=32, nclass=10), arch='convnet', **params)
    assert model.folder.path == f'runs/toy/{name}'
    assert model.params.train_kimg == 65536


@pytest.mark.parametrize('model_class, params, text', [
    (Mixup, dict(beta=-0.5), '--beta=-0.5: give at least 0'),
    (PseudoLabel, dict(threshold=1.5), '--threshold=1.5: give a number from 0 to 1'),
    (PiModel, dict(warmup_pos=float('nan')), '--warmup_pos=nan: give a number from 0 to 1'),
    (ICT, dict(consistency_weight=float('inf')), '--consistency_weight=inf: give at least 0'),
    (VAT, dict(vat_eps=-6.), '--vat_eps=-6.0: give at least 0'),
    (FullySupervised, dict(dropout=1.), '--dropout=1.0: give a probability smaller than 1'),
    (FullySupervised, dict(dropout=0.5, arch='convnet'), '--dropout=0.5: --arch=convnet has none'),
    (FullySupervised, dict(smoothing=-1.), '--smoothing=-1.0: give a number from 0 to 1'),
    (FullySupervised, dict(beta=0.75), '--beta=0.75: it goes with --mixup'),
    (FullySupervised, dict(smoothing=0.1, mixup=True), '--smoothing=0.1: it goes without --mixup')])
def test_bad_hyper_parameters(tmp_path, model_class, params, text):
    with pytest.raises(InputError, match=re.escape(text)):
        model_class(str(tmp_path), toy.dataset(), **params)


@pytest.mark.parametrize('model_class', [PseudoLabel, PiModel, MeanTeacher, VAT])
def test_inert_smoothing_says_so(model_class):
    assert 'Does nothing' in model_class.HPARAMS['smoothing'][1]
