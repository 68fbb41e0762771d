"""defixmatch.py: check values, numpy over random steps, where its gradient goes, its views and its flags."""

import toy
from defixmatch import DeFixMatch
from pair_runs import SMALL
from pair_steps import CLOSE, PRINTED, S, W, cross_entropy, random_batch, softmax
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf

# Labelled weak and strong logits and labels of the check values.
X = np.float32([[[4, 0, 0], [0, 3, 0]], [[.5, .2, 0], [0, .5, .4]]])
LABEL = np.int32([0, 2])


@pytest.fixture
def losses(tmp_path, monkeypatch):
    """losses(x, label, weak, strong, **params) -> terms, the total and its gradients by all four logits."""
    monkeypatch.setattr(DeFixMatch, 'algorithm', toy.no_graph)

    def run(x, label, weak, strong, **params):
        model = DeFixMatch(str(tmp_path), toy.dataset(size=8, nclass=x.shape[-1]), **params)
        with model.session() as session:
            parts = [tf.constant(z) for z in (*x, weak, strong)]
            unlabeled, _ = model.unlabeled_losses(*parts[2:])
            terms = {**model.labeled_losses(tf.stack(parts[:2]), tf.constant(label)), **unlabeled}
            total = sum(weight * value for weight, value in terms.values())
            gradients = tf.gradients(total, parts)
            found, gradients[:2], gradients[3] = session.run(
                [({name: value for name, (_, value) in terms.items()}, total), gradients[:2], gradients[3]])
        return *found, gradients

    return run


@pytest.mark.parametrize('params, xea, xeu, total', [
    ({}, .426643, .101901, 1.088882), (dict(confidence=.75, wu=1.), .887057, .873870, 1.238067)])
def test_golden_losses(losses, params, xea, xeu, total):
    terms, found, _ = losses(X, LABEL, W, S, **params)
    np.testing.assert_allclose([terms['xe'], terms['xea'], terms['xeu'], found], [1.251253, xea, xeu, total], **PRINTED)


def test_golden_confidences_of_labelled_images():
    np.testing.assert_allclose(softmax(X[0]).max(1), [.964663, .909443], **PRINTED)
    np.testing.assert_allclose(cross_entropy(X[0].argmax(1), X[1])[0], .853286, **PRINTED)


def test_fifty_random_steps_and_where_the_gradient_goes(losses):
    """As many steps in one batch: there is no state. Pseudo-labels and masks send none; labels are not in L_a."""
    random, n = np.random.RandomState(0), 50 * 8
    x, (weak, strong) = np.stack(random_batch(random, n)), random_batch(random, n)
    label = random.randint(0, 5, n)
    terms, total, gradients = losses(x, label, weak, strong, wu=.7)

    def pseudo(weak, strong):
        """Mean loss and its gradient by the strong logits."""
        p = softmax(weak)
        mask = p.max(1) >= .95
        assert 0 < mask.mean() < 1
        gradient = mask[:, None] * (softmax(strong) - np.eye(5)[p.argmax(1)]) / len(p)
        return (mask * cross_entropy(p.argmax(1), strong)).mean(), gradient

    xe = np.mean([cross_entropy(label, z).mean() for z in x])
    (xea, of_labeled), (xeu, of_unlabeled) = pseudo(*x), pseudo(weak, strong)
    np.testing.assert_allclose([terms['xe'], terms['xea'], terms['xeu']], [xe, xea, xeu], **CLOSE)
    np.testing.assert_allclose(total, xe + .7 * (xeu - xea), **CLOSE)
    supervised = [(softmax(z) - np.eye(5)[label]) / n / 2 for z in x]
    assert gradients[2] is None
    np.testing.assert_allclose(gradients[0], supervised[0], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(gradients[1], supervised[1] - .7 * of_labeled, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(gradients[3], .7 * of_unlabeled, rtol=1e-4, atol=1e-7)


def test_labelled_images_have_a_weak_and_a_strong_view(tmp_path):
    model = DeFixMatch(str(tmp_path), toy.dataset(), augment='x.x.r1_1_0', train_kimg=1, **SMALL)
    assert model.ops.xt.shape == (4, 2, 16, 16, 3) and model.ops.y.shape == (8, 2, 16, 16, 3)
    with model.session() as session:
        model.streams.start(session, 0)
        xt, index, before = session.run([model.ops.xt, model.ops.indices[0], model.ops.loss])
        np.testing.assert_allclose(xt[:, 0], model.dataset.labeled.images[index] / 127.5 - 1, atol=1e-6)
        assert np.any(xt[:, 0] != xt[:, 1])
        session.run(model.ops.train_op)
        assert np.isfinite([before, *session.run([model.ops.loss])]).all()


def test_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(DeFixMatch, 'algorithm', toy.no_graph)
    assert (DeFixMatch.HPARAMS['wu'].default, DeFixMatch.HPARAMS['confidence'].default) == (.5, .95)
    with refused('--confidence=-1'):
        DeFixMatch(str(tmp_path), toy.dataset(), confidence=-1.)
