"""The baselines on AdamModel: recorded steps of the original, gradients, batch norm, names and ranges of flags."""

import ast

import toy
from baseline_runs import CONVNET, check_statistics, recorded
from ict import ICT
from libml.draws import Draws
from libml.utils import InputError
from mean_teacher import MeanTeacher
from mixup import Mixup
from pi_model import PiModel
from pseudo_label import PseudoLabel
from vat import VAT

import numpy as np
import pytest
import tensorflow as tf


def recorded_vat(r):
    """VAT with a given perturbation."""

    class RecordedVAT(VAT):
        def perturbation(self, y, logits):
            return tf.constant(r)

    return RecordedVAT


@pytest.mark.usefixtures('no_updates')
@pytest.mark.parametrize('name, model_class, draws', [
    ('pi_model', PiModel, {}), ('mean_teacher', MeanTeacher, {}), ('vat', VAT, {}), ('ict', ICT, {'mix_y/': 'lam0'}),
    ('mixup', Mixup, {'mix_x/': 'lam0', 'mix_y/': 'lam1'})])
def test_golden_step(golden, tmp_path, monkeypatch, name, model_class, draws):
    arrays = golden(f'{name}_step')
    monkeypatch.setattr(Draws, 'beta', lambda self, name, shape, beta: tf.constant(arrays[draws[self.prefix]].ravel()))
    if name == 'vat':
        model_class = recorded_vat(arrays['r'])
    model = model_class(str(tmp_path), toy.dataset(size=32, nclass=10), train_kimg=int(arrays['train_kimg']),
                        **ast.literal_eval(str(arrays['kwargs'])))
    with model.session() as session:
        model.streams.start(session, 0)  # Fed or not, TensorFlow may ask the streams for their batches.
        toy.set_variables(model, session, {**toy.named(arrays, 'var:'), 'global_step': arrays['step']})
        ops, variables = model.ops, tf.compat.v1.trainable_variables()
        # The original's ICT has a second view, which it does not use.
        y = arrays['y'][:, 0] if name == 'ict' else arrays['y']
        loss, parts, gradients = session.run([ops.loss, dict(ops.losses), tf.gradients(ops.loss, variables)],
                                             {ops.x: arrays['x'], ops.y: y, ops.label: arrays['label']})
    np.testing.assert_allclose(loss, arrays['loss'], rtol=1e-5)
    toy.check_scalars(parts, toy.named(arrays, 'summary:'))
    largest = max(np.abs(g).max() for g in toy.named(arrays, 'grad:').values())
    for v, g in zip(variables, gradients):
        name = v.op.name.replace('/', '|')
        # See pair_runs.check_golden_step: processors round differently at leaky ReLU's kink.
        np.testing.assert_allclose(g, arrays[f'grad:{name}'], atol=2e-3 * largest, err_msg=name)


# For every unlabelled loss, the passes whose logits it sends a gradient to.
STUDENTS = [(Mixup, {}, {'xeu': {'mixed'}}), (PseudoLabel, dict(threshold=0.2), {'pl': {'unlabeled'}}),
            (PiModel, {}, {'pm': {'student'}}), (MeanTeacher, {}, {'mt': {'student'}}), (ICT, {}, {'mt': {'student'}}),
            (VAT, {}, {'vat': {'adversarial'}, 'entmin': {'unlabeled'}})]


@pytest.mark.parametrize('model_class, params, students', STUDENTS)
def test_gradients_and_batch_norm_statistics(tmp_path, model_class, params, students):
    """Unlabelled losses train the student only; the running statistics follow the labelled images of the step."""
    model = recorded(model_class, tmp_path, **params)
    with model.session() as session:
        model.streams.start(session, 0)
        ops, variables = model.ops, tf.compat.v1.trainable_variables()
        passes = [name for name in model.passes if name]
        for loss, expected in students.items():
            gradients = tf.gradients(ops.losses[f'losses/{loss}'], [model.passes[name].logits for name in passes])
            assert {name for name, g in zip(passes, gradients) if g is not None} == expected
            found = session.run([g for g in gradients if g is not None]
                                + tf.gradients(ops.losses[f'losses/{loss}'], variables[0]))
            assert all(np.abs(g).max() > 1e-7 for g in found)
        assert set(tf.gradients(ops.loss, [model.ema.average(v) for v in variables])) == {None}
        check_statistics(model, session, mixed_with='mix_x' if model_class is Mixup else None)


def test_without_unlabelled_images_only_fully_supervised_trains(tmp_path):
    with pytest.raises(InputError, match='no unlabeled images, and PiModel'):
        PiModel(str(tmp_path), toy.dataset(nunlabeled=0), **CONVNET)


FIRST, LAST = 'archconvnet_batch64', 'filters32_lr0.002_nclass10_repeat4_scales3'


@pytest.mark.parametrize('model_class, params, name', [
    (Mixup, {}, f'Mixup_{FIRST}_beta0.5_ema0.999_{LAST}_wd0.02'),
    (PseudoLabel, {}, f'PseudoLabel_{FIRST}_consistency_weight1.0_ema0.999_{LAST}_smoothing0.1_threshold0.95_'
                      'warmup_pos0.4_wd0.02'),
    (PiModel, {}, f'PiModel_{FIRST}_consistency_weight10.0_ema0.999_{LAST}_smoothing0.1_warmup_pos0.4_wd0.02'),
    (MeanTeacher, dict(wd=0.2), f'MeanTeacher_{FIRST}_consistency_weight50.0_ema0.999_{LAST}_smoothing0.001_'
                                'warmup_pos0.4_wd0.2'),
    (VAT, {}, f'VAT_{FIRST}_ema0.999_entmin_weight0.06_{LAST}_smoothing0.1_vat0.3_vat_eps6.0_warmup_pos0.4_wd0.02'),
    (ICT, {}, f'ICT_{FIRST}_beta0.5_consistency_weight50.0_ema0.999_{LAST}_warmup_pos0.4_wd0.02')])
def test_names_and_defaults(monkeypatch, model_class, params, name):
    monkeypatch.setattr(model_class, 'algorithm', toy.no_graph)
    model = model_class('runs', toy.dataset(size=32, nclass=10), arch='convnet', **params)
    assert model.folder.path == f'runs/toy/{name}'
    assert model.params.train_kimg == 65536


@pytest.mark.parametrize('model_class', [PseudoLabel, PiModel, MeanTeacher, VAT])
def test_inert_smoothing_says_so(model_class):
    assert 'Does nothing' in model_class.HPARAMS['smoothing'][1]
