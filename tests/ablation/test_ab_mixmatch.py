"""ablation/ab_mixmatch.py is MixMatch, and each of its flags changes what it names."""

import toy
from ablation.ab_mixmatch import AblationMixMatch
from mixmatch import MixMatch

import numpy as np
import pytest
import tensorflow as tf

PLAIN = dict(toy.SMALL, arch='convnet', scales=1, mixmode='.', T=1., warmup_kimg=1)


def feeds(model):
    random = np.random.RandomState(1)
    ops = model.ops
    return {ops.x: random.uniform(-1, 1, [8, 8, 8, 3]), ops.y: random.uniform(-1, 1, [8, model.params.nu, 8, 8, 3]),
            ops.label: random.randint(0, 5, 8)}


def set_up(model, session):
    """Live and averaged weights that differ, at step 256."""
    model.streams.start(session, 0)
    random = np.random.RandomState(2)
    variables = tf.compat.v1.trainable_variables()
    toy.set_variables(model, session, {
        'global_step': 256, **{v.op.name: random.normal(0, 0.3, v.shape).astype(np.float32)
                               for v in variables + [model.ema.average(v) for v in variables]}})


def test_loss_and_gradients_are_those_of_mixmatch_with_equal_settings(tmp_path):
    found = []
    for model_class in (MixMatch, AblationMixMatch):
        model = model_class(str(tmp_path), toy.dataset(size=8), **{**PLAIN, 'mixmode': 'xx.yxy', 'T': 0.7, 'nu': 3})
        with model.session() as session:
            set_up(model, session)
            found.append(session.run([dict(model.ops.losses), tf.gradients(
                model.ops.loss, tf.compat.v1.trainable_variables())], feeds(model)))
    tf.nest.map_structure(np.testing.assert_array_equal, *found)


@pytest.mark.parametrize('params', [{}, dict(T=0.5), dict(nu=1), dict(use_ema_guess=True), dict(warmup_kimg=128),
                                    dict(mixmode='xx.')])
def test_each_switch_against_numpy(tmp_path, params):
    """Without mixing of y, l2u is the squared distance of its predictions from the guess; `xx.` mixes x alone."""
    model = AblationMixMatch(str(tmp_path), toy.dataset(size=8), w_match=10., **{**PLAIN, **params})
    ops, p, feed = model.ops, model.params, feeds(model)
    x, y, label = feed.values()
    targets = np.eye(5)[label]
    with model.session() as session:
        set_up(model, session)
        found, loss = session.run([dict(ops.losses), ops.loss], feed)
        if p.mixmode == 'xx.':
            draws = model.draws.within('mixmode').within('x')
            lam, order = session.run([draws.beta('lam', [8], 0.5), draws.permutation('permutation', 8)])
            lam = np.maximum(lam, 1 - lam)[:, None]
            x = lam[..., None, None] * x + (1 - lam[..., None, None]) * x[order]
            targets = lam * targets + (1 - lam) * targets[order]
        live = [session.run(ops.classify_raw, {ops.x: images}) for images in [x] + [y[:, k] for k in range(p.nu)]]
        guessed = live[1:]
        if p.use_ema_guess:
            guessed = [session.run(ops.classify_op, {ops.x: y[:, k]}) for k in range(p.nu)]
    guess = np.mean(guessed, 0) ** (1 / p.T)
    guess /= guess.sum(1, keepdims=True)
    xe = -(targets * np.log(live[0])).sum(1).mean()
    l2u = np.mean([np.square(guess - q) for q in live[1:]])
    np.testing.assert_allclose(found['losses/xe'], xe, rtol=1e-4)
    np.testing.assert_allclose(found['losses/l2u'], l2u, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(loss, xe + 10 * (256 / (1024 * p.warmup_kimg)) * l2u, rtol=1e-4)


def test_name_and_defaults(monkeypatch):
    monkeypatch.setattr(AblationMixMatch, 'algorithm', toy.no_graph)
    model = AblationMixMatch('runs', toy.dataset(size=32, nclass=10), arch='convnet')
    assert model.folder.path == (
        'runs/toy/AblationMixMatch_T0.5_archconvnet_batch64_beta0.5_ema0.999_filters32_lr0.002_mixmodexxy.yxy_nclass10_'
        'nu2_repeat4_scales3_use_ema_guessFalse_w_match100.0_warmup_kimg128_wd0.02')
    changed = {k for k, v in AblationMixMatch.HPARAMS.items() if MixMatch.HPARAMS[k][0] != v[0]}
    assert changed == {'warmup_kimg'} and set(MixMatch.HPARAMS) == set(AblationMixMatch.HPARAMS)
