"""simmatch.py: check values, numpy over random steps, its gradient, its warm-up, its bank in a step and its flags."""

import toy
from libml import losses
from libml.methods import similarity
from pair_runs import SMALL
from pair_steps import CLOSE, PRINTED, Steps, cross_entropy, random_batch, random_features, softmax
from refusals import refused
from simmatch import SimMatch

import numpy as np
import pytest
import tensorflow as tf

# Of the check values.
BANK = np.float32([[1, 0], [.6, .8], [0, 1], [-.980581, .196116]])
CLASSES = np.int32([0, 1, 2, 2])
WEAK_FEATURES = np.float32([[.948683, .316228], [.099504, .995037]])
STRONG_FEATURES = np.float32([[.995037, .099504], [.707107, .707107]])
LOGITS = np.float32([[2, 1, 0], [0, 1, 2.5]])
P = [[.665241, .244728, .090031], [.062890, .170953, .766157]]


def test_golden_votes():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        p = tf.nn.softmax(LOGITS)
        logits, strong = [similarity.compare(f, tf.constant(BANK), .1) for f in (WEAK_FEATURES, STRONG_FEATURES)]
        g, q = similarity.vote(logits, tf.constant(CLASSES), p)
        p, s, g, q, xe = session.run([p, tf.nn.softmax(logits), g, q, losses.xe(strong, q)])
    np.testing.assert_allclose(p, P, **PRINTED)
    np.testing.assert_allclose(s, [[.778782, .219822, .001395, 0], [.000103, .198880, .800915, .000101]], **PRINTED)
    np.testing.assert_allclose(g, [[.778782, .219822, .001395], [.000103, .198880, .801016]], **PRINTED)
    np.testing.assert_allclose(q, [[.905730, .094050, .000220, 0], [.000010, .052491, .947379, .000120]], **PRINTED)
    np.testing.assert_allclose(xe, [.342138, 2.793203], **PRINTED)


@pytest.fixture
def golden_steps(tmp_path):
    """Steps at the state of the check values, after a warm-up; the ring lets the alignment change nothing."""
    with Steps(SimMatch, tmp_path, rows=2, nlabeled=4, proj_dim=2, warmup_kimg=0, confidence=.67) as steps:
        ring = np.zeros([32, 3], 'f')
        ring[-1] = 2 / 3 - np.mean(P, 0)
        steps.set(bank=BANK, bank_classes=CLASSES, p_model=ring, global_step=4)
        yield steps


def golden_step(steps):
    return steps(LOGITS, LOGITS, f0=[[0, 1], [.707107, .707107]], f1=WEAK_FEATURES, f2=STRONG_FEATURES,
                 label=[0, 1], label_index=[0, 1])


def test_golden_step(golden_steps):
    before, found, state = golden_steps.state(), golden_step(golden_steps), golden_steps.state()
    np.testing.assert_allclose(before.bank, BANK)
    t = np.array([[.676595, .242238, .081167], [.056611, .173746, .769643]])
    np.testing.assert_array_equal(found.mask, [1, 1])
    np.testing.assert_allclose(softmax(LOGITS) - 2 * found.gradients['strong'], t, **PRINTED)
    np.testing.assert_allclose(found.loss, cross_entropy(t, LOGITS), **PRINTED)
    np.testing.assert_allclose(found['in'], 1.567671, **PRINTED)
    np.testing.assert_allclose(state.bank, [[.919145, .393919], [.633470, .773767], *BANK[2:]], **PRINTED)
    np.testing.assert_array_equal(state.bank_classes, CLASSES)
    np.testing.assert_allclose(state.p_model[-1], np.mean(P, 0), **PRINTED)


def test_no_similarities_in_the_warm_up(golden_steps):
    """Nor before each labelled image is in the bank, here in two steps; the bank is written to."""
    golden_steps.set(global_step=3)
    found, state = golden_step(golden_steps), golden_steps.state()
    assert found['in'] == 0 and (found.gradients['f2'] == 0).all()
    np.testing.assert_array_equal(found.mask, [0, 1])
    np.testing.assert_allclose(found.loss[1], cross_entropy(np.array(P), LOGITS)[1], **PRINTED)
    np.testing.assert_allclose(state.bank[0], [.919145, .393919], **PRINTED)


@pytest.mark.parametrize('kimg, first', [(0, 2), (1, 512), (64, 32768)])
def test_length_of_the_warm_up(tmp_path, monkeypatch, kimg, first):
    monkeypatch.setattr(SimMatch, 'algorithm', toy.no_graph)
    model = SimMatch(str(tmp_path), toy.dataset(nlabeled=3), batch=2, warmup_kimg=kimg)
    with model.session() as session:
        warm = model.warm()
        for batch in (first - 1, first):
            toy.set_variables(model, session, dict(global_step=2 * batch))
            assert session.run(warm) == (batch == first)


def normalized(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def test_fifty_random_steps(tmp_path):
    """Of state, mask, loss and gradients, in float64; a batch has labelled images twice."""
    random, used = np.random.RandomState(0), 0
    bank, classes, ring = np.zeros([10, 4]), np.zeros(10, int), []
    params = dict(proj_dim=4, warmup_kimg=0, confidence=.6, smoothing_alpha=.6, in_loss_ratio=.5, temperature=.3)
    with Steps(SimMatch, tmp_path, 20, 8, 4, 5, 10, **params) as steps:
        for number in range(50):
            (weak, strong), label, index = random_batch(random), random.randint(0, 5, 4), random.randint(0, 10, 4)
            f0, f1, f2 = [random_features(random, rows, 4) for rows in (4, 8, 8)]
            steps.set(global_step=4 * number)
            found = steps(weak, strong, label=label, label_index=index, f0=f0, f1=f1, f2=f2)
            p, warm = softmax(weak), number >= 3
            ring = [*ring, p.mean(0)][-32:]
            p = p / (np.mean(ring, 0) + 1e-6)
            p = t = p / p.sum(1, keepdims=True)
            s, v = softmax(f1 @ bank.T / .3), softmax(f2 @ bank.T / .3)
            q = s * p[:, classes]
            q, loss = q / q.sum(1, keepdims=True), 0
            if warm:
                t, loss = .6 * p + .4 * s @ np.eye(5)[classes], cross_entropy(q, f2 @ bank.T / .3).mean()
            mask = t.max(1) >= .6
            np.testing.assert_array_equal(found.mask, mask)
            np.testing.assert_allclose(found.loss, mask * cross_entropy(t, strong), **CLOSE)
            np.testing.assert_allclose(found['in'], loss, **CLOSE)
            np.testing.assert_allclose(found.gradients['strong'], mask[:, None] * (softmax(strong) - t) / 8, **CLOSE)
            np.testing.assert_allclose(found.gradients['f2'], warm * .5 / 8 * (v - q) @ bank / .3, **CLOSE)
            assert all(found.gradients[name] is None for name in ('weak', 'logits_x', 'f0', 'f1'))
            # The last row of an image counts, from the feature that it had before the step.
            last = {i: row for row, i in enumerate(index)}
            places, rows = list(last), list(last.values())
            bank[places], classes[places] = normalized(.7 * bank[places] + .3 * f0[rows]), label[rows]
            state = steps.state()
            np.testing.assert_allclose(state.bank, bank, **CLOSE)
            np.testing.assert_array_equal(state.bank_classes, classes)
            np.testing.assert_allclose(state.p_model[-len(ring):], ring, **CLOSE)
            used += mask.sum()
    assert 100 < used < 300


def test_a_step_fills_the_bank_and_trains_the_head(tmp_path):
    """In a run features have length 1, stand at the places of the batch's images, and come of the step's own pass."""
    model = SimMatch(str(tmp_path), toy.dataset(size=8, labels_known=True), augment='x.x.r1_1_0', train_kimg=1,
                     warmup_kimg=0, **dict(SMALL, arch='convnet', scales=1))
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, dict(global_step=20))
        values = {v.op.name: v for v in model.variables}
        # Weight decay applies to the head.
        kernels = [v for v in model.kernels() if v.op.name.startswith('classify_projection/')]
        before = session.run(kernels)
        index, label, projections, wanted, _ = session.run(
            [model.ops.indices[0], model.ops.label, model.batch.projections, model.ops.losses, model.ops.train_op])
        bank, classes, moved = session.run([values['bank'], values['bank_classes'], kernels])
    assert len(before) == 2 and [f.shape for f in projections] == [(4, 128), (8, 128), (8, 128)]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(projections), axis=1), 1, rtol=1e-5)
    assert model.ops.y.shape == (8, 2, 8, 8, 3)
    assert {'losses/xeu', 'losses/in', 'losses/xe', 'losses/wd'} == set(wanted)
    np.testing.assert_allclose(bank[index], projections[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(classes[index], label)
    np.testing.assert_array_equal(np.flatnonzero(bank.any(1)), np.sort(index))
    assert all(np.any(a != b) for a, b in zip(before, moved))
    assert 'pseudo/accuracy' in model.ops.monitors


def test_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(SimMatch, 'algorithm', toy.no_graph)
    defaults = dict(confidence=.95, smoothing_alpha=.9, temperature=.1, in_loss_ratio=1., proj_dim=128, bank_decay=.7,
                    warmup_kimg=64, wu=1.)
    assert {name: SimMatch.HPARAMS[name].default for name in defaults} == defaults
    with refused('--bank_decay=1.0: give a number of at least 0 and smaller than 1'):
        SimMatch(str(tmp_path), toy.dataset(), bank_decay=1.)
