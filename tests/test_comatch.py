"""comatch.py: check values, numpy over random steps, its gradient, its memory in a step, its views and its flags."""

import toy
from comatch import CoMatch
from libml.methods import similarity
from pair_runs import SMALL
from pair_steps import CLOSE, PRINTED, Steps, cross_entropy, random_batch, random_features, softmax
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf

# Of the check values: predictions, features of the strong views (the weak view's are those of the first), a memory.
T = np.float32([[.95, .03, .02], [.05, .9, .05], [.9, .05, .05]])
FIRST, SECOND = [np.float32(rows) / np.linalg.norm(rows, axis=1, keepdims=True).astype('f')
                 for rows in ([[1, .2], [.2, 1], [.8, .6]], [[.9, .1], [0, 1], [1, 1]])]
MEMORY, LABELS = np.float32([[1, 0], [0, 1]]), np.float32([[1, 0, 0], [0, .5, .5]])
SMOOTHED = np.array([[.953059, .027971, .018971], [.046941, .859029, .094029], [.883106, .058447, .058447]])


def test_golden_graph_and_its_loss():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        g = similarity.graph(tf.constant(T), .8)
        loss = similarity.graph_loss(g, similarity.compare(tf.constant(FIRST), tf.constant(SECOND), .2))
        a = tf.nn.softmax(similarity.compare(tf.constant(FIRST), tf.constant(MEMORY), .2))
        products, g, loss, a = session.run([similarity.compare(T, T, 1.), g, loss, a])
    np.testing.assert_allclose(products[np.triu_indices(3, 1)], [.0755, .8575, .0925], **PRINTED)
    np.testing.assert_allclose(g, [[.538358, 0, .461642], [0, 1, 0], [.461642, 0, .538358]], **PRINTED)
    np.testing.assert_allclose(loss, [.756268, .411887, .808463], **PRINTED)
    np.testing.assert_allclose(a, [[.980589, .019411], [.019411, .980589], [.731059, .268941]], **PRINTED)


@pytest.mark.parametrize('alpha, batch, targets, contrast', [(1., 1, T, .658873), (.9, 1, SMOOTHED, None),
                                                             (.9, 0, T, .658873)])
def test_golden_step(tmp_path, alpha, batch, targets, contrast):
    """Of a memory of one batch: it is used from the second one on. The ring lets the alignment change nothing."""
    ring = np.zeros([32, 3], 'f')
    ring[-1] = 2 / 3 - T.mean(0)
    strong = np.float32([[2, 0, 1], [0, 1, .5], [1, 2, 0]])
    with Steps(CoMatch, tmp_path, rows=3, labeled=1, proj_dim=2, queue_batches=1, smoothing_alpha=alpha,
               confidence=.85) as steps:
        steps.set(queue=np.tile(MEMORY, [2, 1]), queue_p=np.tile(LABELS, [2, 1]), p_model=ring, global_step=batch)
        found = steps(np.log(T), strong, f0=[[.6, .8]], f1=FIRST, f2=FIRST, f3=SECOND, label=[2])
        state = steps.state()
    np.testing.assert_array_equal(found.mask, [1, 1, 1])
    np.testing.assert_allclose(softmax(strong) - 3 * found.gradients['strong'], targets, **PRINTED)
    np.testing.assert_allclose(found.loss, cross_entropy(np.float64(targets), strong), **PRINTED)
    if contrast:
        np.testing.assert_allclose(found.contrast, contrast, **PRINTED)
    # The memory has predictions before they are smoothed.
    np.testing.assert_allclose(state.queue, [*FIRST, [.6, .8]], **PRINTED)
    np.testing.assert_allclose(state.queue_p, [*T, [0, 0, 1]], **PRINTED)


def graph_of(t, threshold):
    products = t @ t.T
    np.fill_diagonal(products, 1)
    products[products < threshold] = 0
    return products / products.sum(1, keepdims=True)


def test_fifty_random_steps(tmp_path):
    """Of state, mask, loss and gradients, in float64."""
    random, used, edges = np.random.RandomState(0), 0, 0
    queue, queue_p, ring = np.zeros([36, 4]), np.zeros([36, 5]), []
    params = dict(proj_dim=4, queue_batches=3, confidence=.6, smoothing_alpha=.6, contrast_loss_ratio=.5,
                  contrast_confidence=.3, temperature=.3)
    with Steps(CoMatch, tmp_path, 20, 8, 4, 5, **params) as steps:
        for number in range(50):
            (weak, strong), label = random_batch(random), random.randint(0, 5, 4)
            f0, f1, f2, f3 = [random_features(random, rows, 4) for rows in (4, 8, 8, 8)]
            steps.set(global_step=4 * number)
            found = steps(weak, strong, label=label, f0=f0, f1=f1, f2=f2, f3=f3)
            p = softmax(weak)
            ring = [*ring, p.mean(0)][-32:]
            p = p / (np.mean(ring, 0) + 1e-6)
            p = t = p / p.sum(1, keepdims=True)
            if number >= 3:
                t = .6 * p + .4 * softmax(f1 @ queue.T / .3) @ queue_p
            g, s, mask = graph_of(t, .3), softmax(f2 @ f3.T / .3), t.max(1) >= .6
            np.testing.assert_array_equal(found.mask, mask)
            np.testing.assert_allclose(found.loss, mask * cross_entropy(t, strong), **CLOSE)
            np.testing.assert_allclose(found.contrast, -(g * np.log(s + 1e-7)).sum(1).mean(), **CLOSE)
            np.testing.assert_allclose(found.gradients['strong'], mask[:, None] * (softmax(strong) - t) / 8, **CLOSE)
            by_s = -.5 / 8 * g / (s + 1e-7)
            by_logits = s * (by_s - (by_s * s).sum(1, keepdims=True)) / .3
            np.testing.assert_allclose(found.gradients['f2'], by_logits @ f3, **CLOSE)
            np.testing.assert_allclose(found.gradients['f3'], by_logits.T @ f2, **CLOSE)
            assert all(found.gradients[name] is None for name in ('weak', 'logits_x', 'f0', 'f1'))
            queue = np.concatenate([queue[12:], f1, f0])
            queue_p = np.concatenate([queue_p[12:], p, np.eye(5)[label]])
            state = steps.state()
            np.testing.assert_allclose(state.queue, queue, **CLOSE)
            np.testing.assert_allclose(state.queue_p, queue_p, **CLOSE)
            np.testing.assert_allclose(state.p_model[-len(ring):], ring, **CLOSE)
            used, edges = used + mask.sum(), edges + (g > 0).sum() - 8
    assert 100 < used < 300 and 100 < edges < 1500


class Seen(CoMatch):
    """Keeps what its pass gives and what its losses take."""

    def outputs(self, parts):
        self.given = super().outputs(parts)
        return self.given

    def unlabeled_losses(self, logits_weak, logits_strong):
        self.taken = logits_weak, logits_strong
        return super().unlabeled_losses(logits_weak, logits_strong)


def test_a_step_has_two_strong_views_and_fills_the_memory(tmp_path):
    model = Seen(str(tmp_path), toy.dataset(size=8, labels_known=True), augment='x.x.r1_1_0', train_kimg=1,
                    **dict(SMALL, arch='convnet', scales=1))
    assert model.ops.y.shape == (8, 3, 8, 8, 3)
    # The second strong view has features alone.
    assert all(taken is given for taken, given in zip(model.taken, model.given[0][1:3], strict=True))
    with model.session() as session:
        model.streams.start(session, 0)
        values = {v.op.name: v for v in model.variables}
        kernels = [v for v in model.kernels() if v.op.name.startswith('classify_projection/')]
        before = session.run(kernels)
        y, index, label, projections, logits, losses, _ = session.run(
            [model.ops.y, model.ops.index, model.ops.label, model.batch.projections, model.batch.logits_x,
             model.ops.losses, model.ops.train_op])
        queue, queue_p, moved = session.run([values['queue'], values['queue_p'], kernels])
    np.testing.assert_allclose(y[:, 0], model.dataset.unlabeled.images[index] / 127.5 - 1, atol=1e-6)
    assert np.any(y[:, 1] != y[:, 2]) and np.any(y[:, 0] != y[:, 1]) and logits.shape == (4, 5)
    assert {'losses/xeu', 'losses/contrast', 'losses/xe', 'losses/wd'} == set(losses)
    assert [f.shape for f in projections] == [(4, 64), (8, 64), (8, 64), (8, 64)]
    assert queue.shape == (60, 64) and not queue[:48].any()
    np.testing.assert_allclose(queue[48:], [*projections[1], *projections[0]], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(queue_p[56:], np.eye(5)[label])
    np.testing.assert_allclose(queue_p[48:].sum(1), 1, rtol=1e-5)
    assert all(np.any(a != b) for a, b in zip(before, moved))
    assert 'pseudo/accuracy' in model.ops.monitors


def test_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(CoMatch, 'algorithm', toy.no_graph)
    defaults = dict(confidence=.95, smoothing_alpha=.9, temperature=.2, contrast_loss_ratio=1., contrast_confidence=.8,
                    proj_dim=64, queue_batches=5, wu=1.)
    assert {name: CoMatch.HPARAMS[name].default for name in defaults} == defaults
    with refused('--queue_batches=0: give a whole number of at least 1'):
        CoMatch(str(tmp_path), toy.dataset(), queue_batches=0)
