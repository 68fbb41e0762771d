"""flexmatch.py: check values, numpy over random steps, its marks, its gradient and its flags."""

import flexmatch
import toy
from flexmatch import FlexMatch
from libml.trackers import Marks
from pair_steps import CLOSE, PRINTED, W2, S, Steps, W, check_gradients, cross_entropy, random_batch, softmax
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf


def thresholds(beta):
    """Of the convex mapping, in numpy."""
    return 0.95 * beta / (2 - beta)


@pytest.mark.parametrize('n, counts, warmup, beta, mapped, expected', [
    (10, [5, 4, 1, 0], True, [.8, .2, 0], [.666667, .111111, 0], [.633333, .105556, 0]),
    (10, [5, 4, 1, 0], False, [1, .25, 0], [1, .142857, 0], [.95, .135714, 0]),
    (10, [7, 2, 1, 0], True, [.285714, .142857, 0], [.166667, .076923, 0], [.158333, .073077, 0]),
    (50000, [45500, 4000, 500, 0], True, [.087912, .010989, 0], [.045977, .005525, 0], [.043678, .005249, 0]),
    (50000, [10000, 20000, 15000, 5000], True, [1, .75, .25], [1, .6, .142857], [.95, .57, .135714]),
    (50000, [10000, 20000, 15000, 5000], False, [1, .75, .25], [1, .6, .142857], [.95, .57, .135714])])
def test_golden_thresholds_of_counts(n, counts, warmup, beta, mapped, expected):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        marks = Marks(n, 3, warmup)
        marks.observe(tf.constant([0]), tf.constant([1]), tf.constant([False]))
        mapping = flexmatch.MAPPINGS['convex'](marks.beta.read_value())
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(marks.counts.assign(counts))
        session.run(marks.updates())
        found = session.run([marks.counts, marks.beta, mapping, 0.95 * mapping])
    np.testing.assert_array_equal(found[0], counts)
    for value, wanted in zip(found[1:], (beta, mapped, expected)):
        np.testing.assert_allclose(value, wanted, **PRINTED)


def check(steps, index, weak, mask, mean, marks, beta, shown):
    """One step and what it leaves: marks, counts, beta and the thresholds that follow."""
    found = steps(weak, S, index=index)
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_allclose(found.mean, mean, **PRINTED)
    state = steps.state()
    np.testing.assert_array_equal(state.marks, marks)
    np.testing.assert_array_equal(state.counts, np.bincount(state.marks + 1, minlength=4))
    np.testing.assert_allclose(state.beta, beta, **PRINTED)
    np.testing.assert_allclose(thresholds(state.beta), shown, **PRINTED)


def test_golden_steps(tmp_path):
    with Steps(FlexMatch, tmp_path) as steps:
        state = steps.state()
        assert (state.marks == -1).all() and state.counts.tolist() == [8, 0, 0, 0] and (state.beta == 0).all()
        check(steps, [5, 0, 3, 7], W, [1, 1, 1, 1], 1.124356, [-1, -1, -1, -1, -1, 0, -1, -1], [.142857, 0, 0],
              [.073077, 0, 0])
        check(steps, [1, 5, 2, 0], W2, [1, 1, 1, 1], 1.874356, [-1, 1, 2, -1, -1, 0, -1, -1], [.2, .2, .2],
              [.105556] * 3)
        steps.set(marks=np.int32([0, 0, 0, 1, 1, 2, -1, -1]), counts=np.int32([2, 3, 2, 1]),
                  beta=np.float32([1, 2 / 3, 1 / 3]))
        np.testing.assert_allclose(thresholds(steps.state().beta), [.95, .475, .19], **PRINTED)
        check(steps, [6, 7, 0, 1], W, [1, 1, 1, 0], .873870, [0, 0, 0, 1, 1, 2, 0, -1], [1, .5, .25],
              [.95, .316667, .135714])


def test_golden_fixmatch_is_a_threshold_of_one(tmp_path):
    with Steps(FlexMatch, tmp_path) as steps:
        steps.set(beta=np.ones(3, np.float32))
        found = steps(W, S, index=[0, 1, 2, 3])
    np.testing.assert_array_equal(found.mask, [1, 0, 0, 0])
    np.testing.assert_allclose(found.loss, [.407606, 0, 0, 0], **PRINTED)
    np.testing.assert_allclose(found.mean, .101901, **PRINTED)


@pytest.mark.parametrize('warmup, mapping', [(True, 'convex'), (False, 'convex'), (True, 'linear')])
def test_fifty_random_steps(tmp_path, warmup, mapping):
    """Batches hold images twice; an image that is sure twice gets the mark of the last row."""
    random, n = np.random.RandomState(0), 12
    marks, beta, masked, twice = np.full(n, -1), np.zeros(5), 0, 0
    with Steps(FlexMatch, tmp_path, n, 8, 4, 5, warmup=warmup, mapping=mapping) as steps:
        for _ in range(50):
            weak, strong = random_batch(random)
            index = random.randint(0, n, 8)
            found = steps(weak, strong, index=index)
            p = softmax(weak)
            label, confidence = p.argmax(1), p.max(1)
            mapped = beta / (2 - beta) if mapping == 'convex' else beta
            mask = confidence >= 0.95 * mapped[label]
            np.testing.assert_array_equal(found.mask, mask)
            np.testing.assert_allclose(found.loss, mask * cross_entropy(label, strong), **CLOSE)
            np.testing.assert_allclose(found.unused, (marks < 0).mean(), **CLOSE)
            sure = confidence >= 0.95
            for place, c in zip(index[sure], label[sure]):
                marks[place] = c
            counts = np.bincount(marks + 1, minlength=6)
            if counts.max() < n:
                beta = counts[1:] / (counts.max() if warmup else counts[1:].max())
            state = steps.state()
            np.testing.assert_array_equal(state.marks, marks)
            np.testing.assert_array_equal(state.counts, counts)
            np.testing.assert_allclose(state.beta, beta, **CLOSE)
            np.testing.assert_allclose(state.class_use[0], 0.95 * mapped, **CLOSE)
            masked, twice = masked + (1 - mask).sum(), twice + (np.unique(index[sure]).size < sure.sum())
    assert masked > 20 and twice > 4 and (marks >= 0).all()


def test_all_images_in_one_class_leave_beta(tmp_path):
    with Steps(FlexMatch, tmp_path, n=4) as steps:
        before = np.float32([.5, .25, 0])
        steps.set(beta=before, marks=np.zeros(4, np.int32), counts=np.int32([0, 4, 0, 0]))
        steps(np.float32([[9, 0, 0]] * 4), S, index=[0, 1, 2, 3])
        np.testing.assert_array_equal(steps.state().beta, before)


def test_gradient_goes_into_the_strong_logits_of_used_images_alone(tmp_path):
    with Steps(FlexMatch, tmp_path) as steps:
        steps.set(beta=np.float32([1, 2 / 3, 1 / 3]))
        check_gradients(steps(W, S, index=[0, 1, 2, 3]), S, [0, 1, 2, 0], np.array([1, 1, 1, 0]))


def test_flags(tmp_path, monkeypatch):
    monkeypatch.setattr(FlexMatch, 'algorithm', toy.no_graph)
    assert {name: FlexMatch.HPARAMS[name].default for name in ('confidence', 'mapping', 'warmup', 'wu')} == dict(
        confidence=0.95, mapping='convex', warmup=True, wu=1.)
    with refused('--mapping=concave: choose one of convex, linear'):
        FlexMatch(str(tmp_path), toy.dataset(), mapping='concave')
    with refused('--confidence=1.5'):
        FlexMatch(str(tmp_path), toy.dataset(), confidence=1.5)
