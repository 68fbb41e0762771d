"""Each ablation changes the one thing that it names, and nothing else."""

import importlib
import pathlib

import toy
from fixmatch import FixMatch
from libml import data
from libml.augment.ctaugment import CTAugment
from libml.methods.pair_model import STAIRCASE
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf

SMALL = dict(toy.SMALL, batch=4, uratio=2, scales=1, confidence=0.25, train_kimg=64)
# Where pictures are fed or do not matter: without CTAugment's graph.
CHEAP = dict(augment='x.x.r1_1_0')
# Neither does the network.
CHEAPEST = dict(CHEAP, arch='convnet', filters=2)
# Where they do, the network does not.
VIEWS = dict(arch='convnet', filters=2, adepth=1)
# Script -> its class, and the hyper-parameters whose table entry differs from FixMatch's.
ABLATIONS = {
    'adam': ('AB_FixMatch_Adam', {'lr', 'beta1', 'beta2'}),
    'anchoring': ('AB_FixMatch_Anchoring', {'anchoring'}),
    'linearlr': ('AB_FixMatch_LinearLR', {'lr_end'}),
    'meanteacher': ('AB_FixMatch_MeanTeacher', set()),
    'meanteacher_train': ('AB_FixMatch_MeanTeacher_Train', set()),
    'momentum': ('AB_FixMatch_Momentum', {'momentum', 'use_nesterov'}),
    'nocutout': ('AB_FixMatch_NoCutOut', set()),
    'onlycutout': ('AB_FixMatch_OnlyCutOut', set()),
    'ra': ('FixMatch_RA', {'augment'}),
    'sharpen': ('AB_FixMatch_Sharpen', {'T'}),
    'sharpen_conditional_consistency': ('AB_FixMatch_SharpenConditionalConsistency', {'T'}),
}
SAME_LOSS = [name for name in ABLATIONS if not name.startswith('meanteacher')]


def ablation(name):
    return getattr(importlib.import_module(f'ablation.ab_fixmatch_{name}'), ABLATIONS[name][0])


def build(model_class, folder, dataset=None, **params):
    return model_class(str(folder), dataset or toy.dataset(size=8), **{**SMALL, **params})


def step_of(model):
    """Losses, learning rate and gradients of a model on fixed feeds and fixed weights, at step 8192."""
    random = np.random.RandomState(0)
    feed = {model.ops.xt: random.uniform(-1, 1, [4, 8, 8, 3]), model.ops.y: random.uniform(-1, 1, [8, 2, 8, 8, 3]),
            model.ops.label: np.arange(4)}
    with model.session() as session:
        toy.set_variables(model, session, {'global_step': 8192})
        variables = tf.compat.v1.trainable_variables()
        return session.run([{**model.ops.losses, **model.ops.monitors}, tf.gradients(model.ops.loss, variables)], feed)


@pytest.fixture(scope='module')
def base(tmp_path_factory):
    """What FixMatch gives for step_of."""
    return step_of(build(FixMatch, tmp_path_factory.mktemp('base'), **CHEAPEST))


def test_every_script_is_tested():
    scripts = pathlib.Path(importlib.import_module('ablation').__path__[0]).glob('ab_fixmatch_*.py')
    assert {path.stem[len('ab_fixmatch_'):] for path in scripts} == set(ABLATIONS)


@pytest.mark.parametrize('name', ABLATIONS)
def test_hyper_parameters(name):
    model_class, changed = ablation(name), ABLATIONS[name][1]
    assert {k for k, v in model_class.HPARAMS.items() if FixMatch.HPARAMS.get(k, [None])[0] != v[0]} == changed
    # A line has no use for the staircase.
    assert set(FixMatch.HPARAMS) - set(model_class.HPARAMS) == (set(STAIRCASE) if name == 'linearlr' else set())


@pytest.mark.parametrize('name', SAME_LOSS)
def test_loss_is_that_of_fixmatch_where_it_is_not_the_subject(name, base, tmp_path):
    """With the new hyper-parameters at their neutral values, losses and gradients on the same feeds are FixMatch's."""
    scalars, gradients = step_of(build(ablation(name), tmp_path, **CHEAPEST))
    soft = name == 'sharpen_conditional_consistency'
    for tag, value in scalars.items():
        if not (tag == 'monitors/lr' and name in ('adam', 'linearlr')) and not (tag == 'losses/xeu' and soft):
            np.testing.assert_allclose(value, base[0][tag], rtol=1e-5, err_msg=tag)
    if not soft:
        for found, expected in zip(gradients, base[1]):
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_learning_rates(base, tmp_path):
    np.testing.assert_allclose(base[0]['monitors/lr'], 0.03 * np.cos(7 / 16 * np.pi / 8), rtol=1e-6)
    for name, params, expected in (('linearlr', {}, 0.03 - 0.01 / 8), ('linearlr', dict(lr_end=0.), 0.03 * 7 / 8),
                                   ('adam', {}, 0.002 * np.cos(7 / 16 * np.pi / 8))):
        found = step_of(build(ablation(name), tmp_path, **CHEAPEST, **params))[0]['monitors/lr']
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_optimizers(tmp_path, monkeypatch):
    """One and two steps on a single weight with gradient 1."""
    monkeypatch.setattr(FixMatch, 'algorithm', toy.no_graph)  # Their network does not matter.
    lr = 0.1
    for name, params, expected in (
            (None, {}, [-0.19, -0.461]), ('momentum', {}, [-0.19, -0.461]),
            ('momentum', dict(momentum=0.5, use_nesterov=False), [-0.1, -0.25]),
            ('adam', {}, [-0.1, -0.2]), ('adam', dict(beta1=0., beta2=0.), [-0.1, -0.2])):
        model = build(ablation(name) if name else FixMatch, tmp_path, arch='convnet', **params)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            weight = tf.compat.v1.get_variable('w', initializer=0., use_resource=True)
            step = model.optimizer(lr).apply_gradients([(tf.constant(1.), weight)])
            session.run(tf.compat.v1.global_variables_initializer())
            for value in expected:
                session.run(step)
                np.testing.assert_allclose(session.run(weight), value, rtol=1e-3)


def constant_dataset(value=200):
    """Pictures of one colour: weak augmentation leaves them, a cutout shows."""
    pixels, labels = np.full([40, 16, 16, 3], value, np.uint8), np.arange(40, dtype=np.int32) % 5
    subsets = [data.Subset(pixels, labels, part) for part in np.split(np.arange(40), [8, 30, 35])]
    return data.DataSet('toy', *subsets, nclass=5, mirror=True, shift=2)


def views(model_class, folder, **params):
    """Whether the pictures of the two views have pixels that are not the original's: [2] fractions of pictures."""
    model = build(model_class, folder, constant_dataset(), **{**VIEWS, **params})
    with model.session() as session:
        model.streams.start(session, 0)
        y = session.run(model.ops.y)
    return y, (np.abs(y - (200 * 2 / 255 - 1)).max((2, 3, 4)) > 1e-6).mean(0)


# Some with CTAugment, some with a RandAugment that always ends with a cutout.
@pytest.mark.parametrize('anchoring, augment', [('weak.weak', 'd.d.r1_1_50'), ('weak.strong', 'd.d.r1_1_50'),
                                                ('strong.weak', 'd.d.d'), ('strong.strong', 'd.d.r1_1_50')])
def test_anchoring_chooses_the_views(tmp_path, anchoring, augment):
    _, changed = views(ablation('anchoring'), tmp_path, anchoring=anchoring, augment=augment)
    np.testing.assert_array_equal(changed, [float(kind == 'strong') for kind in anchoring.split('.')])


def test_anchoring_default_draws_fixmatchs_views_and_wrong_one_is_refused(tmp_path, monkeypatch):
    (expected, changed), (found, _) = views(FixMatch, tmp_path), views(ablation('anchoring'), tmp_path)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(changed, [0, 1])
    for text in ('weak', 'weak.medium', 'strong.weak.weak'):
        with pytest.raises(InputError, match='weak, strong'):
            build(ablation('anchoring'), tmp_path, anchoring=text)
    path = path_of('anchoring', tmp_path, monkeypatch)
    assert '/CTAugment_depth2_th0.80_decay0.990/weak.strong/AB_FixMatch_Anchoring_anchoringweak.strong_arch' in path


def path_of(name, folder, monkeypatch):
    """The run folder of an ablation's script."""
    monkeypatch.setattr(ablation(name), 'algorithm', toy.no_graph)
    return build(ablation(name), folder).folder.path


def test_only_cutout(tmp_path, monkeypatch):
    y, changed = views(ablation('onlycutout'), tmp_path)
    np.testing.assert_array_equal(changed, [0, 1])
    strong = y[:, 1]
    grey = np.abs(strong - (127 * 2 / 255 - 1)) < 1e-6
    np.testing.assert_allclose(strong[~grey], 200 * 2 / 255 - 1, atol=1e-6)
    sides = grey[..., 0].any(1).sum(1)  # the square is 8 wide, less at the border
    assert grey.all(-1).sum() == grey.any(-1).sum() and sides.max() <= 8 and sides.min() >= 4
    assert 'CTAugment' not in path_of('onlycutout', tmp_path, monkeypatch)


def test_no_cutout_and_cutout_ask_ctaugment_for_it(tmp_path, monkeypatch):
    asked, strong = [], CTAugment.strong

    def recorded(self, images, rates, draws, final_cutout=True):
        asked.append(final_cutout)
        return strong(self, images, rates, draws, final_cutout)

    monkeypatch.setattr(CTAugment, 'strong', recorded)
    monkeypatch.setattr(CTAugment, 'apply', lambda self, images, policy, draws: images)
    for model_class in (FixMatch, ablation('nocutout')):
        build(model_class, tmp_path, **VIEWS)
    assert asked == [True, False]


def test_randaugment_is_fixmatch_with_its_token(tmp_path, monkeypatch):
    a, _ = views(ablation('ra'), tmp_path)
    b, _ = views(FixMatch, tmp_path, augment='d.d.rac')
    np.testing.assert_array_equal(a, b)
    assert 'CTAugment' not in path_of('ra', tmp_path, monkeypatch)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize('name', ['sharpen', 'sharpen_conditional_consistency'])
def test_sharpening_against_numpy(tmp_path, monkeypatch, name):
    monkeypatch.setattr(FixMatch, 'algorithm', toy.no_graph)
    model = build(ablation(name), tmp_path, T=0.5, confidence=0.6)
    weak, strong = np.random.RandomState(1).normal(0, 1.5, [2, 40, 5])
    with model.session() as session:
        found, mask = session.run(model.unlabeled_loss(tf.constant(weak, tf.float32), tf.constant(strong, tf.float32)))
    p, sharp, log_s = softmax(weak), softmax(weak / 0.5), np.log(softmax(strong))
    if name == 'sharpen':
        expected = sharp.max(1) >= 0.6
        loss = -log_s[np.arange(40), weak.argmax(1)]
    else:
        expected = p.max(1) >= 0.6
        loss = -(sharp * log_s).sum(1)
    assert 0 < expected.sum() < 40 and np.any((p.max(1) >= 0.6) != (sharp.max(1) >= 0.6))
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(found, loss * expected, rtol=1e-4)


@pytest.mark.parametrize('name', ['meanteacher', 'meanteacher_train'])
def test_mean_teacher_labels_come_from_the_average(name, tmp_path):
    """An average whose bias is for class 3 labels everything 3; no gradient reaches it, and none of its statistics."""
    model = build(ablation(name), tmp_path, confidence=0.9, wd=0., wu=1., **CHEAP)
    with model.session() as session:
        model.streams.start(session, 0)
        bias = np.eye(5, dtype=np.float32)[3] * 50
        toy.set_variables(model, session, {'classify/dense/bias/ExponentialMovingAverage': bias})
        variables = tf.compat.v1.trainable_variables()
        shadows = [model.ema.average(v) for v in variables]
        assert set(tf.gradients(model.ops.loss, shadows)) == {None}
        mask, gradient = session.run([model.ops.monitors['monitors/mask'], tf.gradients(
            model.ops.losses['losses/xeu'], tf.compat.v1.trainable_variables('classify/dense/bias'))[0]])
        assert mask == 1 and (np.sign(gradient) == [1, 1, 1, -1, 1]).all()
        assert len(model.batch_norms['train'].batch_stats) == len(
            [v for v in model.variables if 'moving' in v.op.name])
    training = name.endswith('train')
    assert bool(model.batch_norms['teacher'].batch_stats) == training
