"""--recipe=fixmatch: the baselines of FixMatch's table as its code trains them."""

import runpy
import sys

import killed
import runner
import toy
from ablation.ab_mixmatch import AblationMixMatch
from ablation.cta_mixmatch import CTAMixMatch
from baseline_runs import RESNET, Recorded
from fully_supervised import FullySupervised
from ict import ICT
from libml import data_pair
from libml.open_run import open_run
from mean_teacher import MeanTeacher
from mixmatch import MixMatch
from mixup import Mixup
from pi_model import PiModel
from pseudo_label import PseudoLabel
from refusals import refused
from remixmatch import ReMixMatch
from short_runs import arrays_after
from vat import VAT

import numpy as np
import pytest
import tensorflow as tf

# Those that FixMatch's code trains with momentum: their parameters here, and for each unlabelled loss the passes whose
# logits it sends a gradient to.
MOMENTUM = {
    MixMatch: (dict(warmup_kimg=1), dict(l2u={'mixed0', 'mixed1', 'mixed2'})),
    ReMixMatch: (dict(cta=False, K=2, warmup_kimg=1), dict(
        xeu={'mixed0', 'mixed1', 'mixed2', 'mixed3'}, kl={'guess1'}, rot={'rotated'})),
    PiModel: ({}, dict(pm={'student'})),
    MeanTeacher: ({}, dict(mt={'student'})),
    PseudoLabel: (dict(threshold=0.2), dict(pl={'unlabeled'})),
}
ADAM = {ICT: 'd.d.d', Mixup: 'd.d', VAT: 'd.d'}
# So that half of the training, at step 512, is where things are looked at, and weight decay is large enough to be seen.
PARAMS = dict(RESNET, recipe='fixmatch', train_kimg=1, wd=0.5, ema=0.9)
HALF = 512


@pytest.fixture(scope='module', params=MOMENTUM, ids=lambda model_class: model_class.__name__)
def model(request, tmp_path_factory):
    """One graph of each method, which remembers its passes, for all tests that need no other."""
    params, students = MOMENTUM[request.param]
    recorded = type(request.param.__name__, (Recorded, request.param), dict(students=students))
    return recorded(str(tmp_path_factory.mktemp('runs')), toy.dataset(size=8), **PARAMS, **params)


@pytest.fixture
def session(model):
    """A session of `model` at half of the training, with iterators that run."""
    with model.session() as session:
        model.streams.start(session, HALF // model.params.batch)
        toy.set_variables(model, session, {'global_step': HALF})
        yield session


def fixed_feed(model, session):
    """The next batch, to be fed to several steps."""
    inputs = [model.ops.xt, model.ops.y, model.ops.label]
    return dict(zip(inputs, session.run(inputs)))


def test_two_steps_against_numpy(model, session):
    """Nesterov's momentum at a rate that falls, weight decay on kernels alone, then the average of the new weights."""
    feed, ops, variables = fixed_feed(model, session), model.ops, tf.compat.v1.trainable_variables()
    decayed = [v.op.name for v in variables if v.op.name.endswith('kernel')]
    assert 0 < len(decayed) < len(variables) / 2
    without = tf.gradients(ops.loss - 0.5 * ops.losses['losses/wd'], variables)
    averages = [model.ema.average(v) for v in variables]
    momentum = [0.] * len(variables)
    for step in (HALF, HALF + 8):
        rate = 0.03 * np.cos(7 / 16 * np.pi * step / 1024)
        before, gradients, old, wd, found = session.run(
            [variables, without, averages, ops.losses['losses/wd'], ops.monitors['monitors/lr']], feed)
        np.testing.assert_allclose(found, rate, rtol=1e-6)
        session.run(ops.train_op, feed)
        after, new = session.run([variables, averages])
        kernels = [w for v, w in zip(variables, before) if v.op.name in decayed]
        np.testing.assert_allclose(wd, sum(np.square(w, dtype=np.float64).sum() for w in kernels) / 2, rtol=1e-5)
        for i, v in enumerate(variables):
            g = gradients[i] + (0.5 * before[i] if v.op.name in decayed else 0)
            momentum[i] = 0.9 * momentum[i] + g
            expected = before[i] - rate * (g + 0.9 * momentum[i])
            np.testing.assert_allclose(after[i], expected, rtol=1e-3, atol=2e-6, err_msg=v.op.name)
            np.testing.assert_allclose(new[i], 0.9 * old[i] + 0.1 * after[i], rtol=1e-5, atol=1e-7)
    assert session.run(model.step) == HALF + 16


def test_loss_is_the_weighted_sum(model, session):
    """A ramp is half if it is as long as the training, and over if it ends at two fifths."""
    p = model.params
    loss, parts = session.run([model.ops.loss, model.ops.losses], fixed_feed(model, session))
    weights = dict(xe=1, wd=0.5, mask=0, rot=p.get('w_rot'), kl=0.5 * p.get('w_kl', 0), pm=10, mt=50, pl=1,
                   l2u=0.5 * p.get('w_match', 0), xeu=0.5 * p.get('w_match', 0))
    assert {f'losses/{name}' for name in (*model.students, 'xe', 'wd')} == set(parts) - {'losses/mask'}
    expected = sum(weights[tag.removeprefix('losses/')] * value for tag, value in parts.items())
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_where_gradients_go(model, session):
    """Unlabelled losses reach the passes that are to learn alone, weight decay kernels alone, nothing averages."""
    feed, ops, variables = fixed_feed(model, session), model.ops, tf.compat.v1.trainable_variables()
    passes = [name for name in model.passes if name]
    for name, expected in model.students.items():
        outputs = [model.passes[at].embeds if name == 'rot' else model.passes[at].logits for at in passes]
        gradients = dict(zip(passes, tf.gradients(ops.losses[f'losses/{name}'], outputs)))
        assert {at for at, g in gradients.items() if g is not None} == expected, name
        found = session.run([gradients[at] for at in expected], feed)
        assert all(np.abs(g).max() > 0 for g in found), name
    reached = [v for v, g in zip(variables, tf.gradients(ops.losses['losses/wd'], variables)) if g is not None]
    assert reached == model.kernels()
    assert set(tf.gradients(ops.loss, [model.ema.average(v) for v in variables])) == {None}


def test_schedule(model, session):
    """From lr to 0.195 of it at the end of the training, and beyond."""
    for kimg, factor in ((0, 1), (0.25, 0.941544), (0.5, 0.773010), (1, 0.195090), (2, 0.195090)):
        toy.set_variables(model, session, {'global_step': int(1024 * kimg)})
        np.testing.assert_allclose(session.run(model.learning_rate()), 0.03 * factor, rtol=1e-5)
    assert model.depends_on_length


@pytest.mark.parametrize('model', [PiModel, ReMixMatch], indirect=True)
def test_resumed_run_is_equal_to_the_bit(model, tmp_path):
    straight = arrays_after(model, tmp_path / 'a', [48], 24, 24)
    resumed = arrays_after(model, tmp_path / 'b', [24, 48], 24, 24)
    assert straight.keys() == resumed.keys() and straight['global_step'] == 48
    slots = [name for name in straight if name.endswith('/Momentum')]
    assert len(slots) == sum(v.trainable for v in model.variables) and not any('Adam' in name for name in straight)
    for name, value in straight.items():
        assert value.tobytes() == resumed[name].tobytes(), name


def path(monkeypatch, model_class, **params):
    """Folder of a run of a model without a graph on a dataset called toy.3@40-1."""
    monkeypatch.setattr(model_class, 'algorithm', toy.no_graph)
    dataset = toy.dataset(size=32, nclass=10)
    dataset.name = 'toy.3@40-1'
    return model_class('runs', dataset, **params).folder.path


TAIL = 'filters32_lr0.03_nclass10_repeat4_scales3'
ADAMS = TAIL.replace('0.03', '0.002')
REMIXMATCH = (f'ReMixMatch_K1_archresnet_batch64_beta0.75_{TAIL.replace("nclass10", "nclass10_redux{}")}_use_dmTrue_'
              'use_xeTrue_w_kl0.5_w_match1.5_w_rot0.5_warmup_kimg1024_wd0.0005')


@pytest.mark.parametrize('model_class, params, name', [
    (MixMatch, {}, f'toy.d.d.d.3@40-1/MixMatch_archresnet_batch64_beta0.5_ema0.999_{TAIL}_w_match100.0_wd0.0005'),
    (PiModel, {}, f'toy.d.d.d.3@40-1/PiModel_archresnet_batch64_consistency_weight10.0_ema0.999_{TAIL}_smoothing0.1_'
                  'warmup_pos0.4_wd0.0005'),
    (MeanTeacher, {}, f'toy.d.d.d.3@40-1/MeanTeacher_archresnet_batch64_consistency_weight50.0_ema0.999_{TAIL}_'
                      'smoothing0.001_warmup_pos0.4_wd0.0005'),
    (PseudoLabel, {}, f'toy.d.d.3@40-1/PseudoLabel_archresnet_batch64_consistency_weight1.0_ema0.999_{TAIL}_'
                      'smoothing0.1_threshold0.95_warmup_pos0.4_wd0.0005'),
    (ReMixMatch, {}, 'toy.d.d.d.3@40-1/CTAugment_depth2_th0.80_decay0.990/CTA' + REMIXMATCH.format('1st')),
    (ReMixMatch, dict(cta=False), 'toy.d.d.d.3@40-1/' + REMIXMATCH.format('swap')),
    (CTAMixMatch, {}, 'toy.d.d.d.3@40-1/CTAugment_depth2_th0.80_decay0.990/CTAMixMatch_archresnet_batch64_beta0.75_'
                      f'ema0.999_{TAIL}_w_match100.0_wd0.0005'),
    (ICT, {}, f'toy.d.d.d.3@40-1/ICT_archresnet_batch64_beta0.5_consistency_weight50.0_ema0.999_{ADAMS}_warmup_pos0.4_'
              'wd0.02'),
    (VAT, {}, f'toy.d.d.3@40-1/VAT_archresnet_batch64_ema0.999_entmin_weight0.06_{ADAMS}_smoothing0.1_vat0.3_'
              'vat_eps6.0_warmup_pos0.4_wd0.02'),
    (Mixup, {}, f'toy.d.d.3@40-1/Mixup_archresnet_batch64_beta0.5_ema0.999_{ADAMS}_wd0.02'),
    (MixMatch, dict(lr=0.002, wd=0.02, augment='d.d.rac'), 'toy.d.d.rac.3@40-1/MixMatch_archresnet_batch64_beta0.5_'
     f'ema0.999_{ADAMS}_w_match100.0_wd0.02')])
def test_names_are_those_of_fixmatchs_code(monkeypatch, model_class, params, name):
    assert path(monkeypatch, model_class, recipe='fixmatch', **params) == f'runs/{name}'
    assert path(monkeypatch, model_class, **params) != f'runs/{name}' or 'augment' in params


@pytest.mark.parametrize('model_class', [*MOMENTUM, *ADAM, AblationMixMatch, CTAMixMatch])
def test_unlabelled_images_include_the_labelled_ones(model_class):
    found = {recipe: model_class.registry(dict(recipe=recipe)) for recipe in ('mixmatch', 'fixmatch')}
    assert found == dict(mixmatch=data_pair.DATASETS, fixmatch=data_pair.PAIR_DATASETS)
    assert model_class.HPARAMS['recipe'].default == 'mixmatch' and not model_class.HPARAMS['recipe'].named


@pytest.mark.parametrize('model_class, augment', ADAM.items())
def test_three_keep_adam(tmp_path, model_class, augment):
    model = model_class(str(tmp_path), toy.dataset(size=8), **{**PARAMS, 'arch': 'convnet', 'wd': 0.02})
    assert model.params.augment == augment and model.params.lr == 0.002
    names = {v.op.name.rpartition('/')[2] for v in model.variables}
    assert {'Adam', 'Adam_1'} <= names and 'Momentum' not in names and 'losses/wd' not in model.ops.losses


@pytest.mark.parametrize('model_class, augment, names', [
    *((model_class, 'x.m.r1_1_50', 'xm' if model_class is ICT else ['x', 'm', 'r1_1_50'])
      for model_class in (MixMatch, PiModel, MeanTeacher, ICT)),
    *((model_class, 'x.r1_1_50', ['x', 'r1_1_50']) for model_class in (PseudoLabel, VAT, Mixup))])
@pytest.mark.parametrize('recipe', ['mixmatch', 'fixmatch'])
def test_views_are_those_of_the_tokens(monkeypatch, model_class, augment, names, recipe):
    """With either recipe; two views of one picture have draws of their own."""
    monkeypatch.setattr(model_class, 'algorithm', toy.no_graph)
    views = model_class('runs', toy.dataset(), augment=augment, recipe=recipe).views()
    unlabeled = views.unlabeled if isinstance(views.unlabeled, tuple) else [views.unlabeled]
    assert [view.name for view in (views.labeled, *unlabeled)] == list(names) and views.count == 1
    assert len({view.place for view in unlabeled}) == len(unlabeled)


def test_further_views_of_mixmatch_are_strong(monkeypatch):
    monkeypatch.setattr(MixMatch, 'algorithm', toy.no_graph)
    views = MixMatch('runs', toy.dataset(), augment='x.m.ra', nu=3).views()
    assert [(view.name, view.place) for view in views.unlabeled] == [('m', 'view0'), ('ra', 'view1'), ('ra', 'view2')]


@pytest.mark.parametrize('model_class, params, texts', [
    (PiModel, dict(recipe='usb'), ['--recipe=usb: choose one of mixmatch, fixmatch']),
    (PseudoLabel, dict(recipe='fixmatch', augment='d.d.d'), ["--augment='d.d.d' has 3 fields", 'not 2']),
    (MixMatch, dict(augment='d.d'), ["--augment='d.d' has 2 fields", 'not 3']),
    (FullySupervised, dict(recipe='fixmatch'), ['FullySupervised has no hyper-parameter recipe'])])
def test_wrong_values(tmp_path, model_class, params, texts):
    with refused(*texts):
        model_class(str(tmp_path), toy.dataset(), **params)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


def command(script, *args):
    """What a process does that is started as `python <script> <args>`."""
    sys.argv = [script, *args]
    runpy.run_path(script, run_name='__main__')


@pytest.mark.parametrize('name, given, expected', [
    ('pseudo_label', [], dict(recipe='fixmatch', lr=0.03, wd=0.0005, augment='d.d')),
    # A rate that is given counts, although it is the other recipe's default.
    ('pi_model', ['--lr=0.002'], dict(recipe='fixmatch', lr=0.002, wd=0.0005, augment='d.d.d'))])
def test_command_line(tmp_path, data_dir, name, given, expected):
    args = ['--recipe=fixmatch', '--dataset=digits.1@40-100', '--batch=256', '--arch=convnet', '--filters=2',
            '--train_kimg=1', '--report_kimg=1', '--report_images=0', f'--data_dir={data_dir}',
            f'--train_dir={tmp_path}']
    process = killed.CONTEXT.Process(target=command, args=(str(runner.ROOT / f'{name}.py'), *args, *given))
    process.start()
    process.join(120)
    assert process.exitcode == 0
    folder, = tmp_path.glob(f'digits.{expected["augment"]}.1@40-100/*_*')
    model, _ = open_run(str(folder))
    assert model.experiment_name() == folder.name and len(model.dataset.unlabeled) == 1300  # 40 of them are labelled.
    args, (row,) = model.folder.read_args(), model.folder.metrics()
    assert {key: args[key] for key in expected} == expected
    # Three of four steps of the training were over when the last one read its rate.
    np.testing.assert_allclose(row['monitors/lr'], expected['lr'] * np.cos(7 / 16 * np.pi * 0.75), rtol=1e-5)
