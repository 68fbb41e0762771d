"""remixmatch.py against the original's recorded steps."""

import ast

import toy
from libml import layers
from libml.augment.ctaugment import CTAugment
from remixmatch import ReMixMatch

import numpy as np
import pytest
import tensorflow as tf

# Processors round differently, and activations that are nearly 0 then fall on the other side of leaky ReLU's kink.
# Share of the largest gradient: 4.5e-3 was seen on a processor without AVX-512, below 1e-5 on the one of the recording.
KINKS = 1e-2

STEPS = ('cta_k1', 'cta_k2', 'cta_k2_nokl', 'cta_k1_l2u_norot_nokl', 'cta_k1_prior', 'k2_swap', 'k2_mean_nodm')


class RecordedDraws:
    """The recorded weights and order of a mix, in place of draws."""

    def __init__(self, arrays):
        self.arrays = arrays

    def within(self, name):
        return self

    def beta(self, name, shape, beta):
        return tf.constant(self.arrays['lam0'].ravel())

    def permutation(self, name, n):
        return tf.constant(self.arrays['permutation'])


def build(arrays, folder, monkeypatch):
    """The graph that a step was recorded from, whose mix is the recorded one.

    What the streams make is not used: they leave images as they are.
    """
    mix = layers.MixMode.__call__
    monkeypatch.setattr(layers.MixMode, '__call__', lambda self, images, labels, betas, draws: mix(
        self, images, labels, betas, RecordedDraws(arrays)))
    monkeypatch.setattr(CTAugment, 'apply', lambda self, images, policy, draws: images)
    return ReMixMatch(str(folder), toy.dataset(size=32, nclass=10, p_unlabeled=arrays.get('p_unlabeled')),
                      **ast.literal_eval(str(arrays['kwargs'])))


def run_step(model, arrays):
    """Loss, scalars and predictions of the step, and all variables after it, by the recorded names."""
    ops, names = model.ops, [v.op.name.replace('/', '|') for v in model.variables]
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {**toy.named(arrays, 'var:'), 'global_step': arrays['step']})
        predictions = session.run([ops.classify_raw, ops.classify_op], {ops.x: arrays['x']})
        loss, scalars, _ = session.run([ops.loss, {**ops.losses, **ops.monitors}, ops.train_op],
                                       {ops[name]: arrays[name] for name in ('xt', 'y', 'label')})
        return loss, scalars, predictions, dict(zip(names, session.run(model.variables)))


@pytest.mark.parametrize('step', STEPS)
def test_golden_step(golden, tmp_path, monkeypatch, step):
    arrays = golden(f'remixmatch_step_{step}')
    model = build(arrays, tmp_path, monkeypatch)
    with model.graph.as_default():
        names = [v.op.name for v in tf.compat.v1.trainable_variables()]
        assert names == [name.replace('|', '/') for name in arrays['trainable']]
        assert {v.op.name for v in model.kernels()} == set(arrays['decayed'])
    loss, scalars, predictions, after = run_step(model, arrays)
    np.testing.assert_allclose(loss, arrays['loss'], rtol=1e-5)
    toy.check_scalars(scalars, toy.named(arrays, 'summary:'))
    for found, name in zip(predictions, ('classify_raw', 'classify_op')):
        np.testing.assert_allclose(found, arrays[name], rtol=1e-5, atol=toy.EPSILON)
    check_gradients_and_update(arrays, after)


def check_gradients_and_update(arrays, after):
    """Compares what Adam was given, and every variable after the step."""
    gradients, recorded = toy.named(arrays, 'grad:'), toy.named(arrays, 'after:')
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, gradient in gradients.items():
        first_moment = after[f'{name}|Adam']  # From zero: a tenth of the gradient.
        np.testing.assert_allclose(first_moment / (1 - np.float32(0.9)), gradient, atol=KINKS * largest, err_msg=name)
    unknown = {'global_step', 'beta1_power', 'beta2_power', 'ctaugment|rates', 'ctaugment|written',
               'fingerprint'}
    assert set(recorded) == {name for name in after if not name.endswith(('|Adam', '|Adam_1'))} - unknown
    for name, value in recorded.items():
        # Adam's first step is the sign of the gradient, which is rounding noise where it is small.
        gradient = gradients.get(name.removesuffix('|ExponentialMovingAverage'), largest)
        clear = np.broadcast_to(np.abs(gradient) > KINKS * largest, value.shape)
        np.testing.assert_allclose(after[name][clear], value[clear], rtol=1e-6, atol=1e-6, err_msg=name)
    assert after['global_step'] == arrays['step'] + len(arrays['label'])
