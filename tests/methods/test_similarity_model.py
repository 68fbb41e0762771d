"""SimilarityModel: soft labels that are blended, their mask and loss."""

from libml.hparams import Hparam
from libml.methods.similarity_model import SimilarityModel
from pair_steps import CLOSE, Steps, cross_entropy, random_batch, softmax

import numpy as np
import pytest
import tensorflow as tf


class Uniform(SimilarityModel):
    """Blends with uniform predictions where `ready`; its further loss is the mean feature of the strong view."""

    HPARAMS = dict(SimilarityModel.HPARAMS, proj_dim=Hparam(3, 'Length.', low=1), ready=Hparam(True, 'When to blend.'))

    def smoothed(self, p):
        similar = tf.ones_like(p) / self.params.nclass
        loss = tf.reduce_mean(self.batch.projections[2])
        return self.blended(p, similar, tf.constant(self.params.ready)), {'features': (2., loss)}


@pytest.mark.parametrize('ready', [True, False])
def test_labels_are_aligned_and_blended(tmp_path, ready):
    weak, strong = random_batch(np.random.RandomState(0))
    features = np.float32(np.random.RandomState(1).normal(size=[8, 3]))
    with Steps(Uniform, tmp_path, 20, 8, 4, 5, ready=ready, confidence=.6, smoothing_alpha=.7, wu=.5) as steps:
        found, state = steps(weak, strong, f2=features), steps.state()
    p = softmax(weak)
    p = p / (p.mean(0) + 1e-6)
    t = p / p.sum(1, keepdims=True)
    t = .7 * t + .3 / 5 if ready else t
    mask = t.max(1) >= .6
    assert 0 < mask.sum() < 8
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_allclose(found.loss, mask * cross_entropy(t, strong), **CLOSE)
    np.testing.assert_allclose(found.features, features.mean(), **CLOSE)
    # The use of each class goes by the blended label.
    use = [mask[t.argmax(1) == c].sum() / 8 for c in range(5)]
    np.testing.assert_allclose(state.class_use, [[.6] * 5, .01 * np.array(use)], **CLOSE)
    np.testing.assert_allclose(found.gradients['strong'], .5 * mask[:, None] * (softmax(strong) - t) / 8, **CLOSE)
    assert found.gradients['weak'] is None and found.gradients['logits_x'] is None
