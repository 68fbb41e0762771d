"""CTAugment in ReMixMatch, MixMatch and supervised training; an ablation changes what it names and nothing else."""

import toy
from ablation.ab_cta_remixmatch_noweak import ABReMixMatchNoWeak
from ablation.cta_fsmixup import CTAFSMixup
from ablation.cta_mixmatch import CTAMixMatch
from fully_supervised import FullySupervised
from libml.augment import ctaugment
from libml.augment.ctaugment import CTAugment
from libml.images.pixels import to_float
from mixmatch import MixMatch
from remixmatch import ReMixMatch
from short_runs import arrays_after

import numpy as np
import pytest
import tensorflow as tf

SMALL = dict(toy.SMALL, arch='convnet', scales=1, filters=2)
LEARNED, PROBED = 0.5, 0.25
AVERAGED_BIAS = 'classify/conv2d_3/bias/ExponentialMovingAverage'


@pytest.fixture
def marked(monkeypatch):
    """Images under a learned policy are all LEARNED, probes all PROBED. List of (final_cutout, rows) of the former."""
    asked = []

    def strong(self, images, rates, draws, final_cutout=True):
        asked.append((final_cutout, images.shape[0]))
        return 0 * to_float(images) + LEARNED + 0 * tf.reduce_sum(rates)

    def probe(self, images, draws):
        return 0 * to_float(images) + PROBED, self.sample_probe(draws, tf.shape(images)[0])

    monkeypatch.setattr(CTAugment, 'strong', strong)
    monkeypatch.setattr(CTAugment, 'probe', probe)
    return asked


def first_batch(model):
    """x, xt, y of the first batch."""
    with model.session() as session:
        model.streams.start(session, 0)
        return session.run([model.ops.x, model.ops.xt, model.ops.y])


def check_views(model, x, xt, y, learned, marked):
    """Which views are learned; what was asked of CTAugment for them and for labelled images."""
    assert (x == PROBED).all() and (xt == LEARNED).all()
    if y is not None:
        np.testing.assert_array_equal((y == LEARNED).all((0, 2, 3, 4)), learned)
    rows = [8] * learned[0] + [8 * sum(learned[1:])] * (y is not None)
    assert sorted(marked) == sorted((False, n) for n in [8] + rows)
    assert 'tune_op' not in model.ops


def test_views_without_weak_one(marked, tmp_path):
    model = ABReMixMatchNoWeak(str(tmp_path), toy.dataset(), K=2, w_rot=0., w_kl=0., **SMALL)
    check_views(model, *first_batch(model), [True, True, True], marked)


@pytest.mark.parametrize('model_class, params, learned', [
    (ReMixMatch, dict(K=3, w_rot=0., w_kl=0.), [False, True, True, True]), (CTAMixMatch, {}, [False, True]),
    (CTAFSMixup, {}, [False])])
def test_views_and_rates(marked, tmp_path, model_class, params, learned):
    """A step moves the rates by the probes, which the averaged weights from before the step classify."""
    model = model_class(str(tmp_path), toy.dataset(), **params, **SMALL)
    averages = {v.op.name: [0., 1., 2., 1., 0.] for v in model.variables if v.op.name == AVERAGED_BIAS}
    ops = model.ops
    y = [] if ops.y is None else [ops.y]
    with model.session() as session:
        toy.set_variables(model, session, averages)
        model.streams.start(session, 0)
        x, xt, label, names, values, _, *y = session.run(
            [ops.x, ops.xt, ops.label, ops.probes.probe_ops, ops.probes.probe_strengths, ops.train_op, *y])
        ring, written = session.run([model.learner.rates.ring, model.learner.rates.written])
        text, (table, *_) = model.report(session)
    with model.session() as session:
        toy.set_variables(model, session, averages)
        p = session.run(ops.classify_op, {ops.x: x})
    check_views(model, x, xt, y[0] if y else None, learned, marked)
    expected = ctaugment.LAYOUT.initial_rates()
    for image_names, image_values, proximity in zip(names, values, p[np.arange(8), label]):
        for name, value in zip(image_names, image_values):
            for k, bins in enumerate(ctaugment.OPERATIONS[ctaugment.LAYOUT.names[name]].bins):
                cell = ctaugment.LAYOUT.row_of[name, k], int(value[k] * bins * 0.999)
                expected[cell] = np.float32(0.99) * expected[cell] + np.float32(0.01) * proximity
    np.testing.assert_allclose(ring[0], expected, rtol=1e-5)
    assert averages and written[0] == 0 and expected.min(where=ctaugment.LAYOUT.mask, initial=1) < 1
    assert not text and b'rescale' in tf.make_ndarray(table.tensor)[0]


@pytest.mark.parametrize('params', [dict(cta=False), dict(augment='d.d.r1_1_50')])
def test_without_ctaugment(marked, tmp_path, params):
    model = ReMixMatch(str(tmp_path), toy.dataset(), K=2, w_rot=0., w_kl=0., **params, **SMALL)
    x, xt, y = first_batch(model)
    np.testing.assert_array_equal(x, xt)
    assert not marked and not any(v.op.name.startswith('ctaugment') for v in model.variables)
    assert all(np.abs(y[:, i] - y[:, j]).max((1, 2, 3)).min() > 0 for i in range(3) for j in range(i))
    # A cutout leaves 64 grey pixels in the middle of an image, fewer at its borders.
    grey = (np.abs(y).max(-1) == 0).sum((2, 3)).max(0)
    np.testing.assert_array_equal(grey > 8, [False] + ['augment' in params] * 2)


def test_a_strong_first_field_is_for_labelled_images_in_place_of_ctaugment(marked, tmp_path):
    model = ReMixMatch(str(tmp_path), toy.dataset(), augment='r1_1_0.x.m', w_rot=0., w_kl=0., **SMALL)
    x, xt, y = first_batch(model)
    assert (x == PROBED).all() and not (xt == LEARNED).any()
    np.testing.assert_array_equal((y == LEARNED).all((0, 2, 3, 4)), [False, True])


@pytest.mark.parametrize('base, params, variant, variant_params', [
    (MixMatch, dict(beta=0.75, warmup_kimg=1), CTAMixMatch, dict(warmup_kimg=1)),
    (FullySupervised, dict(mixup=True), CTAFSMixup, {}),
    (ReMixMatch, dict(cta=False, redux='1st'), ABReMixMatchNoWeak, {})])
def test_images_are_all_that_differs(marked, tmp_path, base, params, variant, variant_params):
    """Losses and gradients on the same feeds, at step 512, are equal to the bit."""
    random, found = np.random.RandomState(0), []
    x, y = random.uniform(-1, 1, [8, 16, 16, 3]), random.uniform(-1, 1, [8, 2, 16, 16, 3])
    for model_class, own in ((base, params), (variant, variant_params)):
        model = model_class(str(tmp_path), toy.dataset(), **own, **SMALL)
        ops = model.ops
        feed = {ops.get('xt', ops.x): x, ops.label: np.arange(8) % 5, **({} if ops.y is None else {ops.y: y})}
        with model.session() as session:
            toy.set_variables(model, session, {'global_step': 512})
            gradients = tf.gradients(ops.loss, tf.compat.v1.trainable_variables())
            found.append(session.run([ops.loss, list(ops.losses.values()), gradients], feed))
    for a, b in zip(*map(tf.nest.flatten, found), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('base, variant, changed', [
    (MixMatch, CTAMixMatch, {'beta', 'augment', 'adepth', 'adecay', 'ath', 'cta_version', 'show_rates'}),
    (FullySupervised, CTAFSMixup, {'mixup', 'augment', 'adepth', 'adecay', 'ath', 'cta_version', 'show_rates'}),
    (ReMixMatch, ABReMixMatchNoWeak, set())])
def test_hyper_parameters(base, variant, changed):
    assert {k for k, v in variant.HPARAMS.items() if base.HPARAMS.get(k, [None])[0] != v[0]} == changed
    assert set(base.HPARAMS) <= set(variant.HPARAMS)
    assert (CTAMixMatch.HPARAMS['beta'][0], CTAMixMatch.HPARAMS['w_match'][0]) == (0.75, 100)


def test_names(monkeypatch):
    cta = 'CTAugment_depth2_th0.80_decay0.990_remixmatch'

    def path(model_class, **params):
        monkeypatch.setattr(model_class, 'algorithm', toy.no_graph)
        return model_class('', toy.dataset(), **params, **SMALL).folder.path

    tail = 'archconvnet_batch8_beta{}_{}ema0.999_filters2_lr0.002_nclass5_repeat1_scales1'
    assert path(CTAMixMatch) == f'toy.d.d.d/{cta}/CTAMixMatch_{tail.format(0.75, "")}_w_match100.0_wd0.02'
    supervised = tail.format(0.5, 'dropout0.0_')
    assert path(CTAFSMixup) == f'toy.d/{cta}/CTAFSMixup_{supervised}_wd0.002'
    assert path(CTAFSMixup, augment='rac') == f'toy.rac/FSMixup_{supervised}_wd0.002'
    assert f'/{cta}/ABCTAReMixMatchNoWeak_K1_arch' in path(ABReMixMatchNoWeak)


def test_defaults_and_names_of_remixmatch(monkeypatch):
    assert {name: ReMixMatch.HPARAMS[name][0] for name in (
        'lr', 'wd', 'beta', 'w_kl', 'w_match', 'w_rot', 'warmup_kimg', 'use_dm', 'use_xe', 'K', 'ema', 'train_kimg',
        'augment', 'adepth', 'adecay', 'ath', 'cta_version')} == dict(
        lr=0.002, wd=0.02, beta=0.75, w_kl=0.5, w_match=1.5, w_rot=0.5, warmup_kimg=1024, use_dm=True, use_xe=True, K=1,
        ema=0.999, train_kimg=65536, augment='d.d.d', adepth=2, adecay=0.99, ath=0.8,
        cta_version='remixmatch')
    monkeypatch.setattr(ReMixMatch, 'algorithm', toy.no_graph)
    dataset = toy.dataset(size=32, nclass=10)
    dataset.name = 'toy.3@40-1'

    def path(**params):
        return ReMixMatch('runs', dataset, **params).folder.path

    tail = ('archresnet_batch64_beta0.75_filters32_lr0.002_nclass10_redux{}_repeat4_scales3_use_dmTrue_use_xeTrue_'
            'w_kl0.5_w_match1.5_w_rot0.5_warmup_kimg1024_wd0.02')
    cta = 'CTAugment_depth2_th0.80_decay0.990_remixmatch'
    assert path(K=8) == f'runs/toy.d.d.d.3@40-1/{cta}/CTAReMixMatch_K8_' + tail.format('1st')
    # Folders of runs with FixMatch's CTAugment stay what they were before there was a choice.
    assert path(K=8, cta_version='fixmatch') == path(K=8).replace('_remixmatch', '')
    assert path(redux='mean') == f'runs/toy.d.d.d.3@40-1/{cta}/CTAReMixMatch_K1_' + tail.format('mean')
    assert path(cta=False) == 'runs/toy.d.d.d.3@40-1/ReMixMatch_K1_' + tail.format('swap')
    assert path(augment='d.d.rac') == 'runs/toy.d.d.rac.3@40-1/ReMixMatch_K1_' + tail.format('swap')


def test_resumed_run_is_equal_to_the_bit(monkeypatch, tmp_path):
    """Images depend on the policies, these on the rates; what the operations do to pixels has tests of its own."""

    def apply(self, images, policy, draws):
        amount = tf.cast(255 * tf.reduce_sum(policy.params, [1, 2]) / 4, tf.uint8)
        return tf.bitwise.bitwise_xor(images, amount[:, None, None, None])

    monkeypatch.setattr(CTAugment, 'apply', apply)
    model = ReMixMatch(str(tmp_path), toy.dataset(), K=2, warmup_kimg=1, **SMALL)

    straight = arrays_after(model, tmp_path / 'a', [160], 160, 80)
    resumed = arrays_after(model, tmp_path / 'b', [80, 160], 160, 80)
    assert straight['ctaugment/written'].max() == 19 and straight['global_step'] == 160
    assert {'p_data', 'p_model', 'p_target', 'classify_rot/dense/kernel'} <= set(straight)
    for name, value in straight.items():
        assert value.tobytes() == resumed[name].tobytes(), name


def test_real_policies_change_the_images_they_should(tmp_path):
    """On pictures of one grey and with one operation, some strong views are the original and some are not."""
    dataset = toy.dataset()
    dataset.labeled.pixels[:] = 200
    model = ReMixMatch(str(tmp_path), dataset, K=2, adepth=1, w_rot=0., w_kl=0., **SMALL)
    x, xt, y = first_batch(model)
    original = np.float32(200 * 2 / 255 - 1)
    changed = [(np.abs(images - original).max((1, 2, 3)) > 1e-6).mean() for images in (x, xt, *y.swapaxes(0, 1))]
    assert changed[2] == 0 and all(0 < share < 1 for share in changed[:2] + changed[3:])
