"""Each ablation of AdaMatch changes the one thing that it names, and nothing else."""

import importlib
import pathlib

import ablation
import toy
from adamatch import AdaMatch
from adamatch_runs import SMALL, Recorded, dataset, fixed_feed, softmax
from libml.training import checkpoint
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf

# Script -> its class, and the hyper-parameters that are new.
ABLATIONS = {
    'no_logit_reg': ('AdaMatchNoLogitReg', set()),
    'no_distalign': ('AdaMatchNoDistAlign', set()),
    'fixed_confidence': ('AdaMatchFixedConfidence', set()),
    'source_align': ('AdaMatchSourceAlign', set()),
    'distalign_remixmatch': ('AdaMatchDistAlignRMM', set()),
    'pretrain': ('AdaMatchPretrain', {'pretrained'}),
    'pretrain_no_distalign': ('AdaMatchPretrainNoDistAlign', {'pretrained'}),
    'pretrain_fixed_wu': ('AdaMatchPretrainFixedWu', {'pretrained'}),
}


def script(name):
    return getattr(importlib.import_module(f'ablation.adamatch_{name}'), ABLATIONS[name][0])


def build(model_class, folder, **params):
    return model_class(str(folder), dataset(size=8), **{**SMALL, 'train_kimg': 1, **params})


P_DATA = softmax(np.random.RandomState(3).normal(0, 1, 5)).astype(np.float32)


def step_of(model):
    """Scalars and recorded logits on fixed feeds at an eighth of the training; and the labels."""
    ops, feed = model.ops, fixed_feed(model)
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {
            'global_step': 128, 'p_data': P_DATA,
            'classify/dense/kernel': np.random.RandomState(3).normal(0, 2, [4, 5])})
        return (*session.run([{**ops.losses, **ops.monitors}, getattr(model, 'recorded', {})], feed), feed[ops.label])


def kl(p_labeled, p_weak):
    """monitors/klmodel after one step: by the labelled distribution's batch mean and the weak predictions."""
    p_labeled = 0.999 * P_DATA + 0.001 * p_labeled
    p_unlabeled = (127 / 5 + p_weak.mean(0)) / 128
    return (p_labeled * (np.log(p_labeled + 2 ** -17) - np.log(p_unlabeled + 2 ** -17))).sum()


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    """What AdaMatch gives for step_of."""
    return step_of(build(Recorded, tmp_path_factory.mktemp('base')))


def test_every_script_is_tested():
    scripts = pathlib.Path(ablation.__path__[0]).glob('adamatch_*.py')
    assert {path.stem.removeprefix('adamatch_') for path in scripts} == set(ABLATIONS)


@pytest.mark.parametrize('name', ABLATIONS)
def test_hyper_parameters(name):
    table = script(name).HPARAMS
    assert {key for key in table if key not in AdaMatch.HPARAMS} == ABLATIONS[name][1]
    changed = {'no_logit_reg': {'use_logit_interpolation'}}.get(name, set())
    assert {key for key, spec in AdaMatch.HPARAMS.items() if table[key][0] != spec[0]} == changed


def test_no_interpolation_is_that_of_the_flag(tmp_path):
    """The same code: equal to the bit, under the published name, in which the flag stands only when it is given."""
    found = []
    for model_class, params in ((AdaMatch, dict(use_logit_interpolation=False)), (script('no_logit_reg'), {})):
        model = build(model_class, tmp_path, **params)
        found.append(step_of(model)[0])
    assert found[0] == found[1]
    assert model.experiment_name() == (
        'AdaMatchNoLogitReg_archresnet_batch4_confidence0.9_filters4_lr0.03_lr_decay0.25_nclass5_repeat1_scales1_uratio2_'
        'use_crTrue_wd0.001_wu1.0')


# What differs from AdaMatch on the same feeds.
CHANGES = {
    'no_logit_reg': {'losses/xe', 'losses/hregbn', 'losses/xeu', 'monitors/confidence_ratio', 'monitors/mask',
                     'monitors/klmodel'},
    'no_distalign': {'losses/xeu', 'monitors/mask'},
    'fixed_confidence': {'losses/xeu', 'monitors/confidence_ratio', 'monitors/mask'},
    'source_align': {'losses/xeu', 'monitors/mask', 'monitors/klmodel'},
    'pretrain_fixed_wu': {'monitors/wu'},
}


@pytest.mark.parametrize('name', CHANGES)
def test_changes(name, base, tmp_path):
    found, _, label = step_of(build(script(name), tmp_path))
    scalars, logits, _ = base
    for tag in set(scalars) - CHANGES[name]:
        np.testing.assert_allclose(found[tag], scalars[tag], rtol=1e-4, err_msg=tag)
    joint, unlabeled = logits['joint']
    p_weak = softmax(unlabeled[:, 0])
    if name == 'no_logit_reg':
        assert 'losses/hregbn' not in found
        p = [softmax(joint[:, view])[np.arange(4), label] for view in range(2)]
        expected = {'losses/xe': -np.log(p).mean(), 'monitors/klmodel': kl(softmax(joint[:, 0]).mean(0), p_weak)}
    elif name == 'no_distalign':
        mask = p_weak.max(1) >= scalars['monitors/confidence_ratio']
        xe = -np.log(softmax(unlabeled[:, 1])[np.arange(8), p_weak.argmax(1)])
        expected = {'losses/xeu': (mask * xe).mean()}
    elif name == 'fixed_confidence':
        expected = {'monitors/confidence_ratio': 0.9}
    elif name == 'source_align':
        expected = {'monitors/klmodel': kl(np.eye(5)[label].mean(0), p_weak)}
    else:
        expected = {'monitors/wu': 1}
    for tag, value in expected.items():
        np.testing.assert_allclose(found[tag], value, rtol=1e-5, err_msg=tag)
        assert abs(scalars[tag] - value) > 3e-5 * abs(value), tag


def test_those_of_two_names_and_of_two_changes():
    same, both = script('distalign_remixmatch'), script('pretrain_no_distalign')
    assert same.__bases__ == (script('source_align'),) and all(name.startswith('__') for name in vars(same))
    assert both.aligned is script('no_distalign').aligned and both.session is script('pretrain').session


def test_pretrained_network_and_its_averages_start_from_a_checkpoint(tmp_path):
    first = build(AdaMatch, tmp_path / 'first', arch='resnet')
    first.train(8, 1024)
    reader = tf.train.load_checkpoint(checkpoint.all_in(first.folder.tf)[-1])
    model = build(script('pretrain'), tmp_path / 'second', pretrained=first.folder.path, seed=2)
    with model.session() as session:
        values = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    for name, value in values.items():
        start = name.removesuffix('/ExponentialMovingAverage')
        taken = start.startswith('classify/') and not start.startswith('classify/dense') and 'Momentum' not in name
        if taken:
            np.testing.assert_array_equal(value, reader.get_tensor(start), err_msg=name)
        elif start == 'classify/dense/kernel' and 'Momentum' not in name:
            assert np.any(value != reader.get_tensor(start))
    assert values['global_step'] == 0


@pytest.mark.parametrize('params, text', [
    (dict(arch='convnet'), '--arch=convnet: AdaMatchPretrain needs a network whose only dense layer'),
    (dict(arch='resnet'), 'has 14 more variables than this network, first classify')])
def test_checkpoint_of_another_network_is_refused(tmp_path, params, text):
    first = build(AdaMatch, tmp_path / 'first', arch='resnet', scales=2)
    first.train(4, 1024)
    with pytest.raises(InputError, match=text) as error:
        with build(script('pretrain'), tmp_path / 'second', pretrained=first.folder.path, **params).session():
            pass
    assert '\n' not in str(error.value)
