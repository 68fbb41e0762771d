"""The baselines against the original's recorded steps, and against numpy."""

import ast

import toy
from fully_supervised import FullySupervised
from ict import ICT
from libml import layers
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

CONVNET = dict(toy.SMALL, arch='convnet', scales=1)
RESNET = dict(toy.SMALL, scales=1)


def recorded_vat(r):
    """VAT with a given perturbation."""

    class RecordedVAT(VAT):
        def perturbation(self, y, logits):
            return tf.constant(r)

    return RecordedVAT


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
    assert {tag.replace('/', '|') for tag in parts} == set(toy.named(arrays, 'summary:'))
    for tag, value in parts.items():
        np.testing.assert_allclose(value, arrays['summary:' + tag.replace('/', '|')], rtol=2e-5, err_msg=tag)
    largest = max(np.abs(g).max() for g in toy.named(arrays, 'grad:').values())
    for v, g in zip(variables, gradients):
        name = v.op.name.replace('/', '|')
        np.testing.assert_allclose(g, arrays[f'grad:{name}'], atol=1e-4 * largest, err_msg=name)


def images(random, shape):
    """Eight pictures of noise, each around its own colour."""
    return random.uniform(-0.4, 0.4, [8] + shape) + random.uniform(-0.6, 0.6, [8] + [1] * (len(shape) - 1) + [3])


def mixed(lam, *arrays):
    """Rows mixed with the reversed batch, the first with weight at least a half."""
    lam = np.where(lam < 0.5, 1 - lam, lam).astype(np.float64)
    return [np.stack([w * a + (1 - w) * b for w, a, b in zip(lam, array, array[::-1])]) for array in arrays]


def expected_losses(name, live, averaged, x, y, targets, lam):
    """The losses from the formulas; live and averaged give the probabilities of images under the two sets of weights;
    lam(name) gives the Beta draws."""
    if name == 'Mixup':
        x, targets = mixed(lam('mix_x'), x, targets)
        y, q = mixed(lam('mix_y'), y, live(y))
        unlabelled = {'xeu': -(q * np.log(live(y))).sum(1).mean()}
    elif name == 'PseudoLabel':
        p = live(y)
        assert 1 < (p.max(1) > 0.7).sum() < len(p)
        unlabelled = {'pl': sum(-np.log(row.max()) for row in p if row.max() > 0.7) / len(p)}
    elif name == 'PiModel':
        unlabelled = {'pm': np.square(live(y[:, 0]) - live(y[:, 1])).mean()}
    elif name == 'MeanTeacher':
        unlabelled = {'mt': np.square(averaged(y[:, 0]) - live(y[:, 1])).mean()}
    else:
        y, q = mixed(lam('mix_y'), y, averaged(y))
        unlabelled = {'mt': np.square(q - live(y)).mean()}
    return {'xe': -(targets * np.log(live(x))).sum(1).mean(), **unlabelled}


@pytest.mark.parametrize('model_class, params, weight', [
    (Mixup, dict(beta=0.6), 1), (PseudoLabel, dict(threshold=0.7, consistency_weight=3.), 0.375),
    (PiModel, dict(consistency_weight=4.), 0.5), (MeanTeacher, dict(consistency_weight=8.), 1),
    (ICT, dict(consistency_weight=8., beta=0.6), 1)])
def test_losses_against_numpy(tmp_path, model_class, params, weight):
    """convnet has no batch norm, so that rows can be classified alone. At step 256 of 0.5 * 4 kimg the ramp is 1/8."""
    warmup = {} if model_class is Mixup else dict(warmup_pos=0.5, train_kimg=4)
    model = model_class(str(tmp_path), toy.dataset(), **CONVNET, **warmup, **params)
    random = np.random.RandomState(1)
    ops = model.ops
    x, y = [images(random, op.shape.as_list()[1:]) for op in (ops.x, ops.y)]
    label = random.randint(0, 5, 8)
    with model.session() as session:
        model.streams.start(session, 0)
        variables = tf.compat.v1.trainable_variables()
        for v in variables + [model.ema.average(v) for v in variables]:
            toy.set_variables(model, session, {v.op.name: random.normal(0, 0.4, v.shape).astype(np.float32)})
        toy.set_variables(model, session, {'global_step': 256})
        found, loss = session.run([dict(ops.losses), ops.loss], {ops.x: x, ops.y: y, ops.label: label})
        live, averaged = [lambda pictures, op=op: session.run(op, {ops.x: pictures}).astype(np.float64)
                          for op in (ops.classify_raw, ops.classify_op)]
        expected = expected_losses(model_class.__name__, live, averaged, x, y, np.eye(5)[label],
                                   lambda name: session.run(model.draws.within(name).beta('lam', [8], params['beta'])))
    for name, value in expected.items():
        np.testing.assert_allclose(found[f'losses/{name}'], value, rtol=1e-4, err_msg=name)
    xe, unlabelled = expected.values()
    np.testing.assert_allclose(loss, xe + weight * unlabelled, rtol=1e-4)


def test_ramp_follows_the_length_of_training(tmp_path):
    """From 0 at the start to 1 after 0.25 * 8 kimg; 1 throughout with warmup_pos 0."""
    model = PiModel(str(tmp_path), toy.dataset(), warmup_pos=0.25, train_kimg=8, consistency_weight=5., **CONVNET)
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {v.op.name: 3 * session.run(v) for v in tf.compat.v1.trainable_variables()})
        for step, expected in ((0, 0), (512, 0.25), (1024, 0.5), (2048, 1), (4096, 1)):
            toy.set_variables(model, session, {'global_step': step})
            loss, losses = session.run([model.ops.loss, dict(model.ops.losses)])
            np.testing.assert_allclose(loss - losses['losses/xe'], 5 * expected * losses['losses/pm'], atol=1e-6)
            assert losses['losses/pm'] > 1e-5
        assert model.depends_on_length
        model.params.warmup_pos = 0.
        assert session.run(model.ramp()) == 1


class Recorded:
    """Remembers the outputs of every pass."""

    def classifier(self, x, training, getter=None, name=None):
        out = super().classifier(x, training, getter, name)
        self.__dict__.setdefault('passes', {})[name] = out
        return out


def recorded(model_class, folder, **params):
    """A small resnet of model_class that is Recorded."""
    return type('R', (Recorded, model_class), {})(str(folder), toy.dataset(), **{**RESNET, **params})


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


def check_statistics(model, session, mixed_with=None):
    """The first batch norm's mean after tune_op, and after train_op: 0.1 times that of its input, from zero."""
    stem, bias = tf.compat.v1.trainable_variables('classify/conv2d/')
    moving, = [v for v in model.variables if v.op.name == 'classify/batch_normalization/moving_mean']
    x, label, weights, lam = session.run([model.ops.x, model.ops.label, (stem, bias), model.draws.within(
        mixed_with or '').beta('lam', [8], 0.5)])
    feed = {model.ops.x: x, model.ops.label: label}
    trained_on = mixed(lam, x)[0] if mixed_with else x
    for op, source in ((model.ops.tune_op, x), (model.ops.train_op, trained_on)):
        toy.set_variables(model, session, {moving.op.name: np.zeros(moving.shape, np.float32)})
        session.run(op, feed)
        expected = session.run(tf.reduce_mean(tf.nn.conv2d(tf.constant(source, tf.float32), weights[0], 1, 'SAME'),
                                              [0, 1, 2])) + weights[1]
        np.testing.assert_allclose(session.run(moving), 0.1 * expected, rtol=1e-4, atol=1e-7)


def test_mix_reversed_against_numpy_and_without_mixing():
    random = np.random.RandomState(0)
    x, l = random.normal(size=[5, 2, 2, 3]), random.dirichlet(np.ones(4), 5)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        draws = Draws(1, 2, 'mix/')
        found = session.run(layers.mix_reversed([tf.constant(x, tf.float32), tf.constant(l, tf.float32)], 0.7, draws))
        lam = session.run(draws.beta('lam', [5], 0.7))
        tensors = [tf.constant(x)]
        assert layers.mix_reversed(tensors, 0., draws) is tensors
    for got, want in zip(found, mixed(lam, x, l)):
        np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize('params', [dict(smoothing=0.3), dict(mixup=True, beta=0.7)])
def test_fully_supervised_against_numpy(tmp_path, params):
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
    np.testing.assert_allclose(loss, -(targets * np.log(p)).sum(1).mean(), rtol=1e-5)
    assert parts == {'losses/xe': loss} and ops.y is None


def test_fully_supervised_drops_features_and_trains_on_labelled_images_alone(tmp_path):
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


def test_without_unlabelled_images_only_fully_supervised_trains(tmp_path):
    with pytest.raises(InputError, match='no unlabeled images, and PiModel'):
        PiModel(str(tmp_path), toy.dataset(nunlabeled=0), **CONVNET)
