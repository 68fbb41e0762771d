"""vat.py: the power iteration and the losses of a linear classifier against numpy."""

import toy
from libml.networks import nn
from vat import VAT, unit

import numpy as np
import tensorflow as tf
from easydict import EasyDict


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


class LinearVAT(VAT):
    """VAT of a linear classifier, with a step so large that float32 can follow it."""

    XI = 0.5

    def classifier(self, x, training, getter=None, name=None):
        self.batch_norms[name] = nn.BatchNorm()
        with tf.compat.v1.variable_scope('classify', reuse=tf.compat.v1.AUTO_REUSE, custom_getter=getter):
            return EasyDict(logits=nn.dense(tf.reshape(x, [-1, 12]), 5, nn.glorot_normal))


def unit_rows(v):
    return v / np.sqrt(np.square(v).sum(1, keepdims=True))


def test_vat_of_a_linear_model_against_numpy(tmp_path):
    """With logits y W + b the gradient of KL(p || softmax(z + d W)) in d is (softmax(z + d W) - p) W^T."""
    model = LinearVAT(str(tmp_path), toy.dataset(size=2), vat=2., vat_eps=3., entmin_weight=0.7, warmup_pos=0.5,
                      train_kimg=4, **toy.SMALL)
    random = np.random.RandomState(2)
    x, y = random.uniform(-1, 1, [2, 8, 2, 2, 3])
    label, ops = np.arange(8) % 5, model.ops
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {'classify/dense/bias': np.arange(5, dtype=np.float32) / 5,
                                           'global_step': 256})
        found, loss, noise, w = session.run(
            [dict(ops.losses), ops.loss, model.draws.normal('perturbation', [8, 2, 2, 3]),
             tf.compat.v1.trainable_variables('classify/dense/kernel')[0]], {ops.x: x, ops.y: y, ops.label: label})
        y_again = tf.constant(y, tf.float32)
        r = session.run(model.perturbation(y_again, model.classifier(y_again, True, name='again').logits))
    z = y.reshape(8, 12) @ w + np.arange(5) / 5
    d = 0.5 * unit_rows(noise.reshape(8, 12).astype(np.float64))
    direction = unit_rows((softmax(z + d @ w) - softmax(z)) @ w.T)
    # unit() adds 1e-6 to the squared length of its argument scaled to a largest entry of 1.
    np.testing.assert_allclose(r.reshape(8, 12), 3 * direction, atol=2e-5)
    p, student = softmax(z), softmax(z + 3 * direction @ w)
    vat = (student * np.log(student / p)).sum(1).mean()
    entmin = -(p * np.log(p)).sum(1).mean()
    np.testing.assert_allclose(found['losses/vat'], vat, rtol=1e-4)
    np.testing.assert_allclose(found['losses/entmin'], entmin, rtol=1e-5)
    assert abs((p * np.log(p / student)).sum(1).mean() / vat - 1) > 0.01  # the other direction would show.
    np.testing.assert_allclose(loss, found['losses/xe'] + 2 / 8 * vat + 0.7 * entmin, rtol=1e-4)


def test_unit_of_tiny_and_zero_rows():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = np.random.RandomState(0).normal(size=[3, 4, 4, 3]).astype(np.float32)
        v *= np.array([1, 1e-10, 0])[:, None, None, None]
        found = session.run(unit(tf.constant(v, tf.float32)))
    np.testing.assert_allclose(np.sqrt(np.square(found).sum((1, 2, 3))), [1, 1, 0], atol=1e-5)
