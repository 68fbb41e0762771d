"""freematch.py: check values, numpy over random steps, its limits, its gradient and its flags."""

import toy
from fixmatch import FixMatch
from freematch import FreeMatch
from pair_steps import CLOSE, PRINTED, W2, S, Steps, W, check_gradients, cross_entropy, random_batch, softmax
from refusals import refused

import numpy as np
import pytest

LATER = dict(tau=np.float32(.9), p_model=np.float32([.5, .3, .2]), histogram=np.float32([.55, .3, .15]))


def check_state(steps, tau, p_model, histogram, thresholds):
    state = steps.state()
    for name, wanted in dict(tau=tau, p_model=p_model, histogram=histogram).items():
        np.testing.assert_allclose(state[name], wanted, **PRINTED)
    np.testing.assert_allclose(state.class_use[0], thresholds, **PRINTED)


@pytest.mark.parametrize('m, states, masks, means', [
    (.9, [(.374762, [.340738, .329631, .329631], [.35, .325, .325], [.374762, .362546, .362546]),
          (.418995, [.340198, .332128, .327674], [.365, .3175, .3175], [.418995, .409057, .403571])],
     [[1, 1, 1, 1], [1, 1, 1, 0]], [1.124356, 1.623870]),
    (.999, [(.333748, [.333407, .333296, .333296], [.3335, .33325, .33325], [.333748, .333636, .333636]),
            (.334231, [.333409, .333318, .333273], [.333666, .333167, .333167], [.334231, .334139, .334094])],
     [[1, 1, 1, 1], [1, 1, 1, 1]], [1.124356, 1.874356])])
def test_golden_first_steps(tmp_path, m, states, masks, means):
    with Steps(FreeMatch, tmp_path, ema_p=m) as steps:
        check_state(steps, 1 / 3, [1 / 3] * 3, [1 / 3] * 3, [0] * 3)
        for weak, state, mask, mean in zip((W, W2), states, masks, means):
            found = steps(weak, S)
            check_state(steps, *state)
            np.testing.assert_array_equal(found.mask, mask)
            np.testing.assert_allclose(found.mean, mean, **PRINTED)
            np.testing.assert_allclose(found.tau, state[0], **PRINTED)


def test_golden_later_step_and_fairness(tmp_path):
    with Steps(FreeMatch, tmp_path, ema_p=.9, wu=0., ent_loss_ratio=1.) as steps:
        steps.set(**LATER)
        found = steps(W, S)
        check_state(steps, .884762, [.490738, .299631, .209631], [.545, .295, .16], [.884762, .540210, .377948])
    np.testing.assert_array_equal(found.mask, [1, 1, 1, 0])
    np.testing.assert_allclose(found.mean, .873870, **PRINTED)
    np.testing.assert_allclose(found.fair, -11.664713, **PRINTED)
    np.testing.assert_allclose(found.gradients['strong'], [[-.024529, .011703, .012827], [-.020857, .027816, -.006960],
                                                           [-.029133, .031812, -.002679], [0, 0, 0]], **PRINTED)
    assert found.gradients['weak'] is None


def test_golden_clamped_thresholds(tmp_path):
    with Steps(FreeMatch, tmp_path, ema_p=.9, thresh_min=.9, thresh_max=.95) as steps:
        steps.set(**LATER)
        found = steps(W, S)
        # The state is not clamped.
        check_state(steps, .884762, [.490738, .299631, .209631], [.545, .295, .16], [.9, .9, .9])
    np.testing.assert_array_equal(found.mask, [1, 0, 0, 0])


def test_golden_quantile(tmp_path):
    with Steps(FreeMatch, tmp_path, ema_p=0., quantile=.8) as steps:
        np.testing.assert_allclose(steps(W, S).tau, .858057, **PRINTED)


def oracle(state, weak, strong, m, low, high):
    """One step in float64: the new state, thresholds, mask, labels, L_f and its gradient [n, C]."""
    p, q = softmax(weak), softmax(strong)
    n, nclass = p.shape
    labels, eye = p.argmax(1), np.eye(nclass)
    moved = (p.max(1).mean(), p.mean(0), eye[labels].mean(0))
    tau, share, histogram = state = [m * old + (1 - m) * new for old, new in zip(state, moved)]
    thresholds = np.clip(tau * share / share.max(), low, high)
    mask = p.max(1) >= thresholds[labels]
    if not mask.any():
        return state, thresholds, mask, labels, 0., np.zeros([n, nclass])
    a = share / histogram
    a = a / a.sum()
    pbar, hbar = q[mask].mean(0), eye[q[mask].argmax(1)].mean(0)
    inverse = np.where(hbar > 0, 1 / np.where(hbar > 0, hbar, 1), 0)
    b = pbar * inverse / (pbar * inverse).sum()
    of_pbar = np.where(hbar > 0, (a - b * a[hbar > 0].sum()) / pbar, 0)
    gradient = mask[:, None] * q * (of_pbar - (q * of_pbar).sum(1, keepdims=True)) / mask.sum()
    return state, thresholds, mask, labels, (a * np.log(b + 1e-12)).sum(), gradient


@pytest.mark.parametrize('params, low, high', [({}, 0, 1), (dict(thresh_min=.5, thresh_max=.6), .5, .6)])
def test_fifty_random_steps(tmp_path, params, low, high):
    random, used = np.random.RandomState(0), []
    state = [1 / 5, np.full(5, 1 / 5), np.full(5, 1 / 5)]
    with Steps(FreeMatch, tmp_path, 20, 8, 4, 5, ema_p=.9, ent_loss_ratio=.5, **params) as steps:
        for number in range(50):
            weak, strong = random_batch(random)
            if number % 10 == 9:
                weak *= .05  # unsure of all: no image is used
            found = steps(weak, strong)
            state, thresholds, mask, labels, fair, gradient = oracle(state, weak, strong, .9, low, high)
            np.testing.assert_array_equal(found.mask, mask)
            np.testing.assert_allclose(found.loss, mask * cross_entropy(labels, strong), **CLOSE)
            np.testing.assert_allclose(found.fair, fair, **CLOSE)
            gradient = .5 * gradient + mask[:, None] * (softmax(strong) - np.eye(5)[labels]) / 8
            np.testing.assert_allclose(found.gradients['strong'], gradient, **CLOSE)
            after = steps.state()
            for name, value in zip(('tau', 'p_model', 'histogram'), state):
                np.testing.assert_allclose(after[name], value, **CLOSE)
            np.testing.assert_allclose(after.class_use[0], thresholds, **CLOSE)
            used.append(mask.sum())
    assert min(used) == 0 and max(used) > 4 and len(set(used)) > 3


def test_uniform_shares_make_it_fixmatch_with_a_moving_threshold(tmp_path):
    random, tau = np.random.RandomState(1), 1 / 5
    with Steps(FreeMatch, tmp_path, 20, 10, 5, 5, ema_p=.9, ent_loss_ratio=0.) as free, \
            Steps(FixMatch, tmp_path, 20, 10, 5, 5, confidence=0.) as fix:
        for _ in range(10):
            # Each prediction in all rotations: their mean is uniform.
            first = random.normal(0, 3, [2, 5])
            weak = np.float32([np.roll(row, i) for row in first for i in range(5)])
            strong = np.float32(random.normal(0, 1, [10, 5]))
            found, fixed = free(weak, strong), fix(weak, strong)
            tau = .9 * tau + .1 * softmax(weak).max(1).mean()
            np.testing.assert_allclose(free.state().p_model, [1 / 5] * 5, **CLOSE)
            np.testing.assert_array_equal(found.mask, softmax(weak).max(1) >= tau)
            np.testing.assert_allclose(found.loss, fixed.loss * found.mask, **CLOSE)


def test_gradient_goes_into_the_strong_logits_of_used_images_alone(tmp_path):
    with Steps(FreeMatch, tmp_path, ema_p=.9, ent_loss_ratio=0.) as steps:
        steps.set(**LATER)
        check_gradients(steps(W, S), S, [0, 1, 2, 0], np.array([1, 1, 1, 0]))


@pytest.mark.parametrize('params, text', [
    (dict(thresh_min=.9, thresh_max=.5), '--thresh_min=0.9 --thresh_max=0.5: the first is larger'),
    (dict(confidence=.5), 'no hyper-parameter confidence')])
def test_flags(tmp_path, monkeypatch, params, text):
    monkeypatch.setattr(FreeMatch, 'algorithm', toy.no_graph)
    assert {name: FreeMatch.HPARAMS[name].default for name in (
        'ema_p', 'ent_loss_ratio', 'quantile', 'thresh_min', 'thresh_max')} == dict(
        ema_p=.999, ent_loss_ratio=.001, quantile=0., thresh_min=0., thresh_max=1.)
    with refused(text):
        FreeMatch(str(tmp_path), toy.dataset(), **params)
