"""mixmatch.py against the original's recorded step, and against numpy."""

import ast
import functools
import shutil

import toy
from conftest import GOLDEN
from libml import layers
from libml.training import checkpoint, evaluate
from libml.utils import InputError
from mixmatch import MixMatch

import numpy as np
import pytest
import tensorflow as tf

GOLDEN_PARAMS = ('arch', 'scales', 'filters', 'repeat', 'batch', 'lr', 'wd', 'ema', 'beta', 'w_match', 'warmup_kimg',
                 'mixmode', 'T')
# Networks with and without batch norm for images of 8x8.
RESNET = dict(toy.SMALL, scales=1)
CONVNET = dict(RESNET, arch='convnet')


@pytest.fixture(scope='module')
def golden_model(tmp_path_factory):
    """The MixMatch graph that the golden step was recorded from."""
    with np.load(GOLDEN / 'mixmatch_step.npz') as arrays:
        kwargs = ast.literal_eval(str(arrays['kwargs']))
    return MixMatch(str(tmp_path_factory.mktemp('golden')), toy.dataset(size=32, nclass=10),
                    **{name: kwargs[name] for name in GOLDEN_PARAMS})


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """A small MixMatch in which one step moves everything a lot."""
    return MixMatch(str(tmp_path_factory.mktemp('runs')), toy.dataset(size=8), wd=5., lr=0.01, ema=0.8, **RESNET)


def feed_of(model, arrays):
    return {model.ops.x: arrays['x'], model.ops.y: arrays['y'], model.ops.label: arrays['label']}


def test_golden_step(golden, golden_model):
    arrays, model = golden('mixmatch_step'), golden_model
    with model.session() as session:
        toy.set_variables(model, session, toy.named(arrays, 'var:'))
        toy.set_variables(model, session, {'global_step': arrays['step']})
        variables = tf.compat.v1.trainable_variables()
        ops = model.ops
        loss, parts, raw, averaged, gradients = session.run(
            [ops.loss, dict(ops.losses), ops.classify_raw, ops.classify_op, tf.gradients(ops.loss, variables)],
            feed_of(model, arrays))
    np.testing.assert_allclose(loss, arrays['loss'], rtol=1e-5)
    toy.check_scalars(parts, toy.named(arrays, 'summary:'))
    np.testing.assert_allclose(raw, arrays['classify_raw'], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(averaged, arrays['classify_op'], rtol=1e-5, atol=1e-7)
    recorded = toy.named(arrays, 'grad:')
    assert {v.op.name.replace('/', '|') for v in variables} == set(recorded)
    largest = max(np.abs(g).max() for g in recorded.values())
    for v, g in zip(variables, gradients):
        np.testing.assert_allclose(g, recorded[v.op.name.replace('/', '|')], atol=2e-3 * largest, err_msg=v.op.name)


def test_golden_checkpoint_is_evaluated_and_trained_on(golden_model, capsys, monkeypatch):
    model = golden_model
    monkeypatch.setattr(evaluate, '_tune', functools.partial(evaluate._tune, nimg=64))
    source = GOLDEN / 'mixmatch_ckpt' / 'tf'
    shutil.copytree(source, model.folder.tf)
    table = model.eval_checkpoint(model.folder.path)
    assert list(table) == ['raw', 'ema', 'tuned_raw', 'tuned_ema']
    assert 'kimg 0' in capsys.readouterr().out

    reader = tf.train.load_checkpoint(checkpoint.find(str(source)))
    assert {v.op.name for v in model.variables} == {*reader.get_variable_to_shape_map(), 'fingerprint'}
    slots = [v for v in model.variables if v.op.name.endswith(('/Adam', '/Adam_1', '/ExponentialMovingAverage'))]
    assert len(slots) == 3 * len([v for v in model.variables if v.trainable])
    with model.session(checkpoint.find(str(source))) as session:
        restored = [v for v in model.variables if v is not model.fingerprint]
        for v, value in zip(restored, session.run(restored)):
            np.testing.assert_array_equal(value, reader.get_tensor(v.op.name), err_msg=v.op.name)

    model.train(700 + 8, 1024)
    found = checkpoint.all_in(model.folder.tf)[-1]
    assert found.endswith('model.ckpt-00000708')
    after = tf.train.load_checkpoint(found)
    assert after.get_tensor('global_step') == 708
    assert after.get_tensor('beta1_power') == np.float32(reader.get_tensor('beta1_power') * np.float32(0.9))
    assert any(np.any(after.get_tensor(v.op.name) != reader.get_tensor(v.op.name)) for v in slots)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_losses_with_mixing_against_numpy(tmp_path):
    """convnet has no batch norm, so that rows can be classified alone: the step is recomputed from its own draws."""
    model = MixMatch(str(tmp_path), toy.dataset(size=8), nu=3, T=0.4, beta=0.6, warmup_kimg=2, w_match=50., **CONVNET)
    with model.session() as session:
        random = np.random.RandomState(1)
        x, y = random.uniform(-1, 1, [8, 8, 8, 3]), random.uniform(-1, 1, [8, 3, 8, 8, 3])
        label = random.randint(0, 5, 8)
        toy.set_variables(model, session, {'global_step': 512})
        feed = {model.ops.x: x, model.ops.y: y, model.ops.label: label}
        draws = model.draws.within('mixmode').within('xy')
        found, loss, lam, order = session.run([dict(model.ops.losses), model.ops.loss, draws.beta('lam', [32], 0.6),
                                               draws.permutation('permutation', 32)], feed)

        def classify(images):
            return session.run(model.ops.classify_raw, {model.ops.x: images}).astype(np.float64)

        guess = np.mean([classify(y[:, k]) for k in range(3)], 0) ** (1 / 0.4)
        guess /= guess.sum(1, keepdims=True)
        images = np.concatenate([x] + [y[:, k] for k in range(3)])
        targets = np.concatenate([np.eye(5)[label]] + [guess] * 3)
        lam = np.maximum(lam, 1 - lam).astype(np.float64)
        lam_x, lam_l = lam[:, None, None, None], lam[:, None]
        p = classify(lam_x * images + (1 - lam_x) * images[order])
        targets = lam_l * targets + (1 - lam_l) * targets[order]
    xe = -(targets[:8] * np.log(p[:8])).sum(1).mean()
    l2u = np.square(targets[8:] - p[8:]).mean()
    np.testing.assert_allclose(found['losses/xe'], xe, rtol=1e-5)
    np.testing.assert_allclose(found['losses/l2u'], l2u, rtol=1e-5)
    np.testing.assert_allclose(loss, xe + 50 * 512 / 2048 * l2u, rtol=1e-5)


class Recorded(MixMatch):
    """MixMatch that remembers the logits of every pass."""

    def classifier(self, x, training, getter=None, name=None):
        out = super().classifier(x, training, getter, name)
        self.__dict__.setdefault('logits', {})[name] = out.logits
        return out


@pytest.mark.parametrize('use_ema_guess', [False, True])
def test_unlabelled_loss_sends_gradient_to_mixed_passes_only(tmp_path, use_ema_guess):
    model = Recorded(str(tmp_path), toy.dataset(size=8), use_ema_guess=use_ema_guess, mixmode='.yy', **RESNET)
    with model.session() as session:
        model.streams.start(session, 0)
        l2u, xe = model.ops.losses['losses/l2u'], model.ops.losses['losses/xe']
        guesses = [model.logits[f'guess{i}'] for i in range(2)]
        assert tf.gradients(l2u, guesses) == [None, None] and tf.gradients(xe, guesses) == [None, None]
        shadows = [model.ema.average(v) for v in tf.compat.v1.trainable_variables()]
        assert set(tf.gradients(model.ops.loss, shadows)) == {None}
        weights = session.run(tf.gradients(l2u, tf.compat.v1.trainable_variables('classify/dense')))
        assert all(np.abs(g).max() > 0 for g in weights)
        # With three tensors of 8 rows, 2 of each are exchanged with the labelled batch: the offsets are 0 2 5 8.
        mixed = session.run(tf.gradients(l2u, [model.logits[f'mixed{i}'] for i in range(3)]))
        unlabelled = [np.abs(g).max(1) > 0 for g in mixed]
        np.testing.assert_array_equal(unlabelled[0], [False] * 2 + [True] * 6)
        np.testing.assert_array_equal(unlabelled[1], [True] * 2 + [False] * 3 + [True] * 3)
        np.testing.assert_array_equal(unlabelled[2], [True] * 5 + [False] * 3)


def test_one_step_updates_in_order(model):
    """Adam, then decay of kernels, then the average of the decayed weights; statistics of the first mixed batch."""
    with model.session() as session:
        model.streams.start(session, 0)
        trainable = tf.compat.v1.trainable_variables()
        statistics = model.batch_norms['mixed0'].batch_stats
        x, y, label = session.run([model.ops.x, model.ops.y, model.ops.label])
        feed = {model.ops.x: x, model.ops.y: y, model.ops.label: label}
        before, gradients, stats = session.run(
            [trainable, tf.gradients(model.ops.loss, trainable), [s for _, s in statistics]], feed)
        start = session.run([v for v, _ in statistics])
        session.run(model.ops.train_op, feed)
        after, averages, moved, step = session.run(
            [trainable, [model.ema.average(v) for v in trainable], [v for v, _ in statistics], model.step])
    assert step == 8
    for v, w, g, new, average in zip(trainable, before, gradients, after, averages):
        m, s = 0.1 * g, 0.001 * np.square(g)
        expected = w - 0.01 * np.sqrt(1 - 0.999) / (1 - 0.9) * m / (np.sqrt(s) + 1e-8)
        expected *= 1 - 5 * 0.01 if 'kernel' in v.op.name else 1
        # Where the gradient is rounding noise, Adam's first step is the sign of noise times lr.
        clear = np.abs(g) > 1e-6
        np.testing.assert_allclose(new[clear], expected[clear], rtol=2e-4, atol=2e-6, err_msg=v.op.name)
        np.testing.assert_allclose(average, 0.8 * w + 0.2 * new, rtol=1e-5, atol=1e-7, err_msg=v.op.name)
    for old, stat, new in zip(start, stats, moved):
        np.testing.assert_allclose(new, 0.9 * old + 0.1 * stat, rtol=1e-5, atol=1e-7)


def test_tune_op_moves_statistics_and_nothing_else(model):
    with model.session() as session:
        model.streams.start(session, 0)
        before = session.run(model.variables)
        session.run(model.ops.tune_op)
        after = session.run(model.variables)
    changed = {v.op.name.rpartition('/')[2] for v, a, b in zip(model.variables, before, after) if np.any(a != b)}
    assert changed == {'moving_mean', 'moving_variance'}


def test_name_and_defaults(monkeypatch):
    monkeypatch.setattr(MixMatch, 'algorithm', toy.no_graph)
    assert {name: MixMatch.HPARAMS[name][0] for name in ('wd', 'ema', 'beta', 'w_match', 'T', 'mixmode', 'nu', 'lr',
                                                         'warmup_kimg', 'train_kimg', 'use_ema_guess')} == dict(
        wd=0.02, ema=0.999, beta=0.5, w_match=100., T=0.5, mixmode='xxy.yxy', nu=2, lr=0.002, warmup_kimg=1024,
        train_kimg=65536, use_ema_guess=False)
    model = MixMatch('runs', toy.dataset(nclass=10, size=32), beta=0.75, w_match=75, arch='convnet')
    assert model.folder.path == ('runs/toy/MixMatch_archconvnet_batch64_beta0.75_ema0.999_filters32_lr0.002_nclass10_'
                                 'repeat4_scales3_w_match75.0_wd0.02')


@pytest.mark.parametrize('params, text', [
    (dict(mixmode='xy.'), 'xxy.yxy'), (dict(arch='vgg'), 'resnet'), (dict(precision='half'), 'bfloat16'),
    (dict(confidence=1), 'confidence')])
def test_bad_hyper_parameters(tmp_path, params, text):
    with pytest.raises(InputError, match=text.replace('.', r'\.')) as error:
        MixMatch(str(tmp_path), toy.dataset(), **params)
    assert '\n' not in str(error.value)


def test_all_modes_build_and_run(tmp_path):
    for mode in layers.MixMode.MODES:
        model = MixMatch(str(tmp_path), toy.dataset(size=8), mixmode=mode, **CONVNET)
        with model.session() as session:
            model.streams.start(session, 0)
            assert np.isfinite(session.run([model.ops.loss, model.ops.train_op])[0])


def test_whitening_normalises_the_networks_input(tmp_path):
    """The same weights see (x - mean) / std: a whitened image gives what its normalised version gives without."""
    found = {}
    x = np.random.RandomState(0).uniform(-1, 1, [4, 8, 8, 3]).astype(np.float32)
    for whiten in (False, True):
        model = MixMatch(str(tmp_path), toy.dataset(size=8, whiten=whiten), **CONVNET)
        images = x * model.dataset.std + model.dataset.mean
        with model.session() as session:
            found[whiten] = session.run(model.ops.classify_raw, {model.ops.x: images})
    assert model.dataset.mean.all() and np.abs(model.dataset.std - 1).min() > 0.1
    np.testing.assert_allclose(found[True], found[False], rtol=1e-4, atol=1e-6)


def test_bfloat16_keeps_variables_and_losses_in_float32(tmp_path):
    losses = []
    for precision in ('float32', 'bfloat16'):
        model = MixMatch(str(tmp_path), toy.dataset(size=8), precision=precision, **RESNET)
        assert all(v.dtype.base_dtype in (tf.float32, tf.int64) for v in model.variables)
        assert all(loss.dtype == tf.float32 for loss in model.ops.losses.values())
        convolutions = [op for op in model.graph.get_operations() if op.type == 'Conv2D']
        assert {op.outputs[0].dtype.name for op in convolutions} == {precision}
        with model.session() as session:
            model.streams.start(session, 0)
            losses.append(session.run(model.ops.loss))
    assert losses[0] != losses[1]
    np.testing.assert_allclose(*losses, rtol=0.05)
