"""PairModel: one forward pass for all parts, the labelled loss, the learning rate, ranges of its flags."""

import toy
from libml.methods.class_use import ClassUse
from libml.methods.domain_model import DomainModel
from libml.methods.pair_model import CONFIDENCE, EMA_P, PairModel
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

SMALL = dict(toy.SMALL, batch=4, uratio=2, augment='d.d.rac', train_kimg=64)


class Echo(PairModel):
    """Has no graph; its classifier returns the first pixel of each image."""

    HPARAMS = dict(PairModel.HPARAMS, confidence=CONFIDENCE)
    algorithm = toy.no_graph

    def classifier(self, x, training, getter=None, name=None):
        self.seen = x, training, name
        return EasyDict(logits=x[:, 0, 0], embeds=-x[:, 0, 0])


def test_forward_interleaves_rows_and_returns_the_parts_in_order(tmp_path):
    model = Echo(str(tmp_path), toy.dataset(), **SMALL)
    images = np.zeros([20, 2, 2, 3], np.float32) + np.arange(20, dtype=np.float32)[:, None, None, None]
    parts = np.split(images, [4, 12])
    with model.session() as session:
        logits = model.forward([tf.constant(part) for part in parts])
        y = tf.constant(np.stack(parts[1:], 1))
        features = model.outputs([tf.constant(part) for part in parts])[1]
        found, seen, of_views, features = session.run(
            [logits, model.seen[0], model.logits(tf.constant(parts[0]), y), features])
    for a, b, c, part in zip(found, of_views, features, parts, strict=True):
        np.testing.assert_array_equal(a, part[:, 0, 0])
        np.testing.assert_array_equal(b, part[:, 0, 0])
        np.testing.assert_array_equal(c, -part[:, 0, 0])
    # Five groups of the batch size: each gets every fifth row.
    np.testing.assert_array_equal(seen[:, 0, 0, 0], np.arange(20).reshape(4, 5).T.ravel())
    assert model.seen[1:] == (True, 'train')


def test_labelled_loss_and_learning_rate(tmp_path):
    model = Echo(str(tmp_path), toy.dataset(), lr=0.5, **SMALL)
    z, label = np.random.RandomState(0).normal(0, 2, [4, 5]), np.array([3, 0, 4, 0])
    with model.session() as session:
        (name, (weight, loss)), = model.labeled_losses(tf.constant(z, tf.float32), tf.constant(label)).items()
        found, rate = session.run(loss), model.learning_rate()
        rates = []
        for step in (0, 16 * 1024, 64 * 1024):
            toy.set_variables(model, session, {'global_step': step})
            rates.append(session.run(rate))
    assert (name, weight) == ('xe', 1) and model.depends_on_length
    np.testing.assert_allclose(found, (np.log(np.exp(z).sum(1)) - z[np.arange(4), label]).mean(), rtol=1e-5)
    np.testing.assert_allclose(rates, 0.5 * np.cos(7 / 16 * np.pi * np.array([0, 0.25, 1])), rtol=1e-6)


def test_staircase(tmp_path):
    """The length of the training does not affect it."""
    model = Echo(str(tmp_path), toy.dataset(), lr=0.5, schedule='staircase', lr_warmup_kimg=4, lr_decay_kimg=8, **SMALL)
    with model.session() as session:
        rate, rates = model.learning_rate(), []
        for kimg in (1, 4, 7, 8, 16):
            toy.set_variables(model, session, {'global_step': kimg * 1024})
            rates.append(session.run(rate))
    np.testing.assert_allclose(rates, [.125, .5, .5, .05, .005], rtol=1e-6)
    assert not model.depends_on_length


def test_unknown_schedule(tmp_path):
    with refused('--schedule=linear: choose one of cosine, staircase'):
        Following(str(tmp_path), toy.dataset(size=8), schedule='linear', **{**SMALL, 'augment': 'x.x.m'})


def test_new_settings_do_not_name_the_folder(tmp_path):
    plain, other = [Echo(str(tmp_path), toy.dataset(), **settings, **SMALL).folder.path for settings in (
        {}, dict(schedule='staircase', lr_warmup_kimg=1, lr_decay_kimg=2, ema_statistics=True, wd_bias=True))]
    assert plain == other


@pytest.mark.parametrize('given', [False, True])
def test_decay_of_biases_and_average_of_statistics(tmp_path, given):
    """Two steps: what the loss decays, and what the averaged network's batch norm uses."""
    settings = dict(SMALL, augment='x.x.m', wd_bias=given, ema_statistics=given, ema=0.75, bn_momentum=0.5)
    model = Following(str(tmp_path), toy.dataset(size=8), **settings)
    x = np.random.RandomState(0).uniform(-1, 1, [6, 8, 8, 3])
    with model.session() as session:
        names = {v.op.name: v for v in model.variables}
        decayed = [v.op.name for v in model.kernels()]
        assert ('classify/dense/bias' in decayed) == given and 'classify/dense/kernel' in decayed
        assert not any('beta' in name or 'gamma' in name for name in decayed)
        toy.set_variables(model, session, {'classify/dense/bias': np.arange(5)})
        squares = [np.square(session.run(names[name])).sum() for name in decayed]
        np.testing.assert_allclose(session.run(model.l2()), sum(squares) / 2, rtol=1e-5)
        model.streams.start(session, 0)
        moving = [name for name in names if 'moving_' in name and 'Average' not in name]
        averages = [f'{name}/ExponentialMovingAverage' for name in moving]
        expected = [session.run(names[name]) for name in moving]
        for _ in range(2):
            session.run(model.ops.train_op)
            expected = [0.75 * old + 0.25 * session.run(names[name]) for old, name in zip(expected, moving)]
        assert len(moving) > 2 and all((name in names) == given for name in averages)
        if given:
            for name, value in zip(averages, expected):
                np.testing.assert_allclose(session.run(names[name]), value, rtol=1e-5, atol=1e-7)
        before = session.run(model.ops.classify_op, {model.ops.x: x})
        toy.set_variables(model, session, {name: 3 + 0 * value for name, value in zip(moving, expected)})
        after = session.run(model.ops.classify_op, {model.ops.x: x})
    assert np.array_equal(before, after) == given


def test_wrong_augmentation(tmp_path):
    with refused("'d.d'"):
        Echo(str(tmp_path), toy.dataset(), **{**SMALL, 'augment': 'd.d'})


class Following(PairModel):
    """Follows the labelled logits of its step."""

    HPARAMS = dict(PairModel.HPARAMS, ema_p=EMA_P)

    def unlabeled_losses(self, logits_weak, logits_strong):
        self.track(ClassUse(5)).observe(self.batch.index % 5, tf.ones([8]), 0.25)
        self.followed = self.follow('average', tf.reduce_mean(self.batch.logits_x, 0), 0.5)
        return {'xeu': (1., tf.reduce_mean(logits_strong))}, {}


def test_losses_see_the_batch_and_averages_follow_it(tmp_path):
    model = Following(str(tmp_path), toy.dataset(size=8), ema_p=0.75, **{**SMALL, 'augment': 'x.x.m'})
    with model.session() as session:
        model.streams.start(session, 0)
        before = session.run(model.ops.logits_x)
        model.streams.start(session, 0)
        followed, index, label_index, label, _ = session.run(
            [model.followed, model.ops.index, model.ops.indices[0], model.ops.label, model.ops.train_op])
        values = {v.op.name: session.run(v) for v in model.variables if v.op.name in ('average', 'class_use')}
        text, summaries = model.report(session)
    np.testing.assert_allclose(followed, 0.75 * 0.5 + 0.25 * before.mean(0), rtol=1e-4)
    np.testing.assert_array_equal(values['average'], followed)
    np.testing.assert_array_equal(model.dataset.labeled.labels[label_index], label)
    np.testing.assert_allclose(values['class_use'][1], 0.01 * np.bincount(index % 5, minlength=5) / 8, rtol=1e-5)
    assert not text and [value.tag for value in summaries][-2:] == ['usage/class4', 'classes']
    with refused('--ema_p=2.0'):
        Following(str(tmp_path), toy.dataset(), ema_p=2.)


@pytest.mark.parametrize('model', [PairModel, DomainModel])
def test_the_weight_of_decay_is_of_half_the_sum_of_squares(model, tmp_path, monkeypatch):
    """As l2, and as its help says."""
    monkeypatch.setattr(PairModel, 'algorithm', toy.no_graph)
    pair = PairModel(str(tmp_path), toy.dataset(), **SMALL)
    with pair.graph.as_default(), tf.compat.v1.variable_scope('classify'):
        tf.compat.v1.get_variable('kernel', initializer=np.float32([3, 4]), use_resource=True)
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            assert session.run(pair.l2()) == 12.5
    assert model.HPARAMS['wd'].help == 'Weight of half the sum of squares of the kernels.'


def test_a_threshold_is_optional(tmp_path, monkeypatch):
    monkeypatch.setattr(PairModel, 'algorithm', toy.no_graph)
    assert 'confidence' not in PairModel(str(tmp_path), toy.dataset(), **SMALL).params
