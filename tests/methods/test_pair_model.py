"""PairModel: one forward pass for all parts, the labelled loss, the learning rate, ranges of its flags."""

import toy
from libml.methods.pair_model import CONFIDENCE, PairModel
from refusals import refused

import numpy as np
import tensorflow as tf
from easydict import EasyDict

SMALL = dict(toy.SMALL, batch=4, uratio=2, augment='d.d.rac', train_kimg=64)


class Echo(PairModel):
    """Has no graph; its classifier returns the first pixel of each image."""

    HPARAMS = dict(PairModel.HPARAMS, confidence=CONFIDENCE)
    algorithm = toy.no_graph

    def classifier(self, x, training, getter=None, name=None):
        self.seen = x, training, name
        return EasyDict(logits=x[:, 0, 0])


def test_forward_interleaves_rows_and_returns_the_parts_in_order(tmp_path):
    model = Echo(str(tmp_path), toy.dataset(), **SMALL)
    images = np.zeros([20, 2, 2, 3], np.float32) + np.arange(20, dtype=np.float32)[:, None, None, None]
    parts = np.split(images, [4, 12])
    with model.session() as session:
        logits = model.forward([tf.constant(part) for part in parts])
        y = tf.constant(np.stack(parts[1:], 1))
        found, seen, of_views = session.run([logits, model.seen[0], model.logits(tf.constant(parts[0]), y)])
    for a, b, part in zip(found, of_views, parts, strict=True):
        np.testing.assert_array_equal(a, part[:, 0, 0])
        np.testing.assert_array_equal(b, part[:, 0, 0])
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


def test_wrong_augmentation(tmp_path):
    with refused("'d.d'"):
        Echo(str(tmp_path), toy.dataset(), **{**SMALL, 'augment': 'd.d'})


def test_a_threshold_is_optional(tmp_path, monkeypatch):
    monkeypatch.setattr(PairModel, 'algorithm', toy.no_graph)
    assert 'confidence' not in PairModel(str(tmp_path), toy.dataset(), **SMALL).params
