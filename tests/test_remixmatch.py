"""remixmatch.py against numpy, from the formulas."""

import toy
from libml.utils import InputError
from remixmatch import REDUX, ReMixMatch

import numpy as np
import pytest
import tensorflow as tf

CONVNET = dict(toy.SMALL, arch='convnet', cta=False)


class Recorded(ReMixMatch):
    """ReMixMatch that remembers the logits of its passes, its guesses and their targets: the first of each name."""

    def classifier(self, x, training, getter=None, name=None):
        out = super().classifier(x, training, getter, name)
        self.__dict__.setdefault('logits', {}).setdefault(name, out.logits)
        return out

    def target(self, p, p_data, p_model):
        target = super().target(p, p_data, p_model)
        self.guessed, self.became = self.__dict__.setdefault('first', (p, target))
        return target


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def renorm(p):
    return p / p.sum(-1, keepdims=True)


def guessed(redux, logits):
    """Class probabilities of each of the views with logits [n, b, C]: [n, b, C]."""
    p = softmax(logits.astype(np.float64))
    return {'swap': np.roll(p, -1, 0), 'mean': np.tile(p.mean(0), (len(p), 1, 1)),
            '1st': np.tile(p[0], (len(p), 1, 1))}[redux]


def xe(targets, p):
    return -(targets * np.log(p)).sum(-1).mean()


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """K = 2 without CTAugment; convnet has no batch norm, so that rows can be classified alone."""
    return Recorded(str(tmp_path_factory.mktemp('runs')), toy.dataset(), K=2, warmup_kimg=2, **CONVNET)


@pytest.fixture
def changed(model, monkeypatch):
    """A function that changes the hyper-parameters of `model` for one test."""

    def change(**params):
        for name, value in params.items():
            monkeypatch.setattr(model.params, name, value)

    return change


@pytest.mark.parametrize('redux', REDUX)
@pytest.mark.parametrize('use_dm', [True, False])
def test_guesses_and_targets_from_fixed_logits(model, changed, redux, use_dm):
    changed(redux=redux, use_dm=use_dm)
    random = np.random.RandomState(0)
    logits = random.normal(0, 2, [3, 4, 5]).astype(np.float32)
    p_data, p_model = renorm(random.uniform(0.1, 1, [2, 5]).astype(np.float32))
    with model.session() as session:
        guess = model.guess(list(tf.unstack(tf.constant(logits)))[:1 if redux == '1st' else 3], 3)
        found, target = session.run([guess, model.target(guess, tf.constant(p_data), tf.constant(p_model))])
    expected = guessed(redux, logits).reshape(12, 5)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    if use_dm:
        expected = renorm(expected * (1e-6 + p_data) / (1e-6 + p_model))
    np.testing.assert_allclose(target, renorm(expected ** 2), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize('redux, w_kl, passes', [('swap', 0., 3), ('mean', 0.5, 3), ('1st', 0.5, 2), ('1st', 0., 1)])
def test_only_needed_views_are_classified(model, changed, redux, w_kl, passes):
    changed(redux=redux, w_kl=w_kl)
    with model.graph.as_default():
        assert len(model.view_logits([tf.zeros([8, 16, 16, 3])] * 3)) == passes


def feeds(model, seed=1):
    random = np.random.RandomState(seed)
    return {model.ops.xt: random.uniform(-1, 1, [8, 16, 16, 3]), model.ops.label: random.randint(0, 5, 8),
            model.ops.y: random.uniform(-1, 1, [8, 3, 16, 16, 3])}


@pytest.mark.parametrize('use_xe', [True, False])
def test_losses_against_numpy(model, changed, use_xe):
    """The step is recomputed from its own draws, with distributions that are not uniform."""
    changed(use_xe=use_xe)
    feed, ops, logits = feeds(model), model.ops, model.logits
    xt, label, y = feed.values()
    random = np.random.RandomState(2)
    p_data, p_model = random.uniform(0.05, 1, 5), random.uniform(0.05, 1, [128, 5])
    kernel = random.normal(0, 3, [3, 3, 8, 5])  # Predictions that are far from uniform.
    with model.session() as session:
        toy.set_variables(model, session, {'global_step': 512, 'p_data': p_data, 'p_model': p_model,
                                           'classify/conv2d_3/kernel': kernel,
                                           'classify_rot/dense/bias': [0.3, -0.2, 0.1, 0.5]})
        parts = model.terms(ops.xt, tf.one_hot(ops.label, 5), tf.unstack(ops.y, axis=1),
                            [logits[f'guess{i}'] for i in range(3)], model.became)
        weights = {name: tf.convert_to_tensor(weight) for name, (weight, _) in parts.items()}
        found, weights = session.run([{name: loss for name, (_, loss) in parts.items()}, weights], feed)
        total, *drawn = session.run([ops.loss, draws(model).beta('lam', [32], 0.75),
                                     draws(model).permutation('permutation', 32)], feed)
        embeds = model.classifier(ops.x, training=False).embeds
        head = session.run([v for v in model.variables if v.op.name.startswith('classify_rot') and v.trainable])

        def classify(images):
            return session.run(ops.classify_raw, {ops.x: images}).astype(np.float64)

        target = guessed('swap', np.log([classify(y[:, k]) for k in range(3)])).reshape(24, 5)
        target = renorm(renorm(target * (1e-6 + renorm(p_data)) / (1e-6 + renorm(p_model.mean(0)))) ** 2)
        kl = xe(target[:8], classify(y[:, 1]))
        turned = np.concatenate([np.rot90(y[2 * k:2 * k + 2, 1], turn, (1, 2)) for k, turn in enumerate((0, 2, 1, -1))])
        rot = xe(np.eye(4)[np.arange(8) // 2], softmax(session.run(embeds, {ops.x: turned}) @ head[0] + head[1]))
        mixed, targets = mix(np.concatenate([xt, y[:, 0], y[:, 1], y[:, 2]]),
                             np.concatenate([np.eye(5)[label], target]), *drawn)
        p = classify(mixed)
    unlabelled = xe(targets[8:], p[8:]) if use_xe else np.square(targets[8:] - p[8:]).mean()
    expected = {'xe': xe(targets[:8], p[:8]), 'xeu' if use_xe else 'l2u': unlabelled, 'kl': kl, 'rot': rot}
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-5, err_msg=name)
    np.testing.assert_allclose([weights[name] for name in expected], [1, 1.5 / 4, 0.5 / 4, 0.5], rtol=1e-6)
    if use_xe:
        np.testing.assert_allclose(total, expected['xe'] + 0.5 * rot + (0.5 * kl + 1.5 * unlabelled) / 4, rtol=1e-5)


def draws(model):
    return model.draws.within('mixmode').within('xy')


def mix(images, targets, lam, order):
    lam = np.maximum(lam, 1 - lam).astype(np.float64)
    lam_x, lam_l = lam[:, None, None, None], lam[:, None]
    return lam_x * images + (1 - lam_x) * images[order], lam_l * targets + (1 - lam_l) * targets[order]


def test_total_rises_with_the_ramp(model):
    with model.session() as session:
        for step, ramp in ((0, 0), (1024, 0.5), (2048, 1), (4096, 1)):
            toy.set_variables(model, session, {'global_step': step})
            loss, parts = session.run([model.ops.loss, model.ops.losses], feeds(model))
            expected = parts['losses/xe'] + 0.5 * parts['losses/rot'] + ramp * (
                0.5 * parts['losses/kl'] + 1.5 * parts['losses/xeu'])
            np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_where_gradients_go(model):
    losses, logits = model.ops.losses, model.logits
    guesses = [logits[f'guess{i}'] for i in range(3)]
    with model.session() as session:
        for name in ('xe', 'xeu', 'rot'):
            assert tf.gradients(losses[f'losses/{name}'], guesses) == [None] * 3, name
        to_guesses = tf.gradients(losses['losses/kl'], guesses)
        assert to_guesses[0] is None and to_guesses[2] is None
        shadows = [model.ema.average(v) for v in tf.compat.v1.trainable_variables()]
        assert set(tf.gradients(model.ops.loss, shadows)) == {None}
        trunk, rest = tf.compat.v1.trainable_variables('classify/conv2d/'), [logits[f'mixed{i}'] for i in range(4)]
        head, = tf.compat.v1.trainable_variables('classify_rot/dense/kernel')
        found = session.run([to_guesses[1], tf.gradients(losses['losses/kl'], trunk),
                             tf.gradients(losses['losses/rot'], trunk + [head]),
                             tf.gradients(losses['losses/xeu'], trunk), tf.gradients(losses['losses/xeu'], rest),
                             softmax_of(guesses[1]), model.became], feeds(model))
    to_first, *reached, mixed, p, target = found
    np.testing.assert_allclose(to_first, (p - target[:8]) / 8, rtol=1e-3, atol=1e-7)
    assert all(np.abs(g).max() > 0 for gradients in reached for g in gradients)
    # With 4 tensors of 8 rows, 2 of each are exchanged with the labelled batch.
    rows = [np.abs(g).max(1) > 0 for g in mixed]
    np.testing.assert_array_equal(rows[0], [False] * 2 + [True] * 6)
    for i in (1, 2, 3):
        np.testing.assert_array_equal(rows[i], np.arange(8) // 2 != i)


def softmax_of(logits):
    return tf.nn.softmax(logits)


def test_one_step_moves_what_it_should(tmp_path):
    """Batch norm follows the last interleaved batch, distributions move by a batch, the head decays and is averaged."""
    model = Recorded(str(tmp_path), toy.dataset(size=8), cta=False, wd=10., ema=0.9, redux='mean',
                     **toy.SMALL)
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {'p_model': np.arange(640).reshape(128, 5) / 640 + 0.1,
                                           'p_target': np.arange(640).reshape(128, 5) / 640 + 0.2})
        by_name = {v.op.name: v for v in model.variables}
        head = by_name['classify_rot/dense/kernel']
        assert head in model.kernels()
        gradient, = tf.gradients(model.ops.loss, head)
        last = model.batch_norms['mixed2'].batch_stats
        assert len(last) == len([name for name in by_name if 'moving' in name])
        values = session.run(by_name)
        _, statistics, first, p, q, label, monitors, gradient = session.run(
            [model.ops.train_op, [s for _, s in last], [s for _, s in model.batch_norms['mixed0'].batch_stats],
             model.guessed, model.became, model.ops.label, model.ops.monitors, gradient])
        after = session.run(by_name)
    for (variable, _), statistic, other in zip(last, statistics, first):
        expected = 0.9 * values[variable.op.name] + 0.1 * statistic
        np.testing.assert_allclose(after[variable.op.name], expected, rtol=1e-5, atol=1e-6)
        assert np.abs(statistic - other).max() > 1e-4
    for name, batch in (('p_model', p), ('p_target', q)):
        np.testing.assert_allclose(after[name], np.concatenate([values[name][1:], batch.mean(0)[None]]), rtol=1e-6)
    share = np.bincount(label, minlength=5) / 8
    np.testing.assert_allclose(after['p_data'], 0.999 / 5 + 0.001 * share, rtol=1e-6)
    # Adam's first step goes by lr against the gradient's sign; then comes the decay, by 10 * lr.
    name = head.op.name
    expected = (values[name] - 0.002 * gradient / (np.abs(gradient) + 1e-8)) * (1 - 10 * 0.002)
    np.testing.assert_allclose(after[name], expected, rtol=1e-3, atol=1e-5)
    shadow = f'{name}/ExponentialMovingAverage'
    np.testing.assert_allclose(after[shadow], 0.9 * values[shadow] + 0.1 * after[name], rtol=1e-5, atol=1e-7)

    before = renorm(values['p_model'].mean(0))
    np.testing.assert_allclose([monitors[f'matching/val{i}'] for i in range(5)], before, rtol=1e-5)
    np.testing.assert_allclose([monitors[f'matching/class{i}_ratio'] for i in range(5)], before * 5, rtol=1e-5)
    for tag, name in (('metrics/kld', 'p_model'), ('metrics/kld_target', 'p_target')):
        expected = (0.2 * np.log(0.2 / renorm(values[name].mean(0)))).sum()
        np.testing.assert_allclose(monitors[tag], expected, rtol=1e-2, atol=1e-7)


def test_given_class_weights_are_the_prior_and_no_weight_builds_no_pass(tmp_path):
    weights = np.array([1, 0.5, 0.25, 0, 0.25], np.float32)
    model = Recorded(str(tmp_path), toy.dataset(p_unlabeled=weights), w_kl=0., w_rot=0., **CONVNET, redux='1st')
    names = [v.op.name for v in model.variables]
    assert 'p_data' not in names and not any(name.startswith('classify_rot') for name in names)
    assert set(model.ops.losses) == {'losses/xe', 'losses/xeu'}
    assert {'rotated', 'guess1'}.isdisjoint(model.logits)
    with model.session() as session:
        model.streams.start(session, 0)
        p, target = session.run([model.guessed, model.became])
    expected = renorm((renorm(p * (1e-6 + weights / 2) / (1e-6 + 0.2))) ** 2)
    np.testing.assert_allclose(target, expected, rtol=1e-4, atol=1e-9)
    assert '/1,0.5,0.25,0,0.25/' in model.folder.path


@pytest.mark.parametrize('params, text', [
    (dict(redux='2nd'), '--redux=2nd'), (dict(batch=6), 'multiple of 4'), (dict(augment='d.d'), '3')])
def test_bad_hyper_parameters(tmp_path, params, text):
    with pytest.raises(InputError, match=text.replace('.', r'\.')) as error:
        ReMixMatch(str(tmp_path), toy.dataset(), **params)
    assert '\n' not in str(error.value)
