"""dash.py: check values, numpy over a run of random steps, its bound, its gradient and its flags."""

import toy
from dash import Dash
from fixmatch import FixMatch
from pair_steps import CLOSE, LABEL, PRINTED, S, Steps, W, X, check_gradients, cross_entropy, random_batch, softmax
from refusals import refused

import numpy as np
import pytest

# After the warm-up of one kimg, in steps of two labelled images; drops follow each other by one kimg.
SHORT = dict(warmup_kimg=1, drop_kimg=1)
AFTER = 1024
GIVEN = dict(label=LABEL, logits_x=X)


@pytest.fixture(scope='module')
def steps(tmp_path_factory):
    with Steps(Dash, tmp_path_factory.mktemp('runs'), **SHORT) as steps:
        yield steps


def step(steps, rho=None, **state):
    """One step after the warm-up, with rho_hat such that the bound is rho."""
    if rho:
        state['rho_hat'] = np.float32(rho / 1.0001)
    steps.set(**{'global_step': AFTER, **state})
    return steps(W, S, **GIVEN)


@pytest.mark.parametrize('drops, rho', [(0, 2.302815), (1, 1.813240), (2, 1.427748), (15, .063856), (16, .050280),
                                        (17, .05), (40, .05)])
def test_golden_bound_falls_to_its_floor(steps, drops, rho):
    for within in (0, 1022):
        found = step(steps, global_step=AFTER + 1024 * drops + within, rho_hat=np.float32(np.log(10)))
        assert steps.state().class_use[0] == pytest.approx(np.exp(-rho), abs=1e-5)
    # What is trained on has a loss of at most this.
    soft, hard = [.038658, .310218, .310218, 1.006318], [.035976, .239545, .239545, .794377]
    np.testing.assert_array_equal(found.mask, np.array(hard if rho == .05 else soft) <= rho)


@pytest.mark.parametrize('rho, soft, mask, mean, selected', [
    (.6, True, [1, 1, 1, 0], .867496, 1.040995), (.2, True, [1, 0, 0, 0], .102153, .367751),
    (.05, False, [1, 0, 0, 0], .101901, None)])
def test_golden_losses(steps, tmp_path, rho, soft, mask, mean, selected):
    found = step(steps, rho)
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_allclose(found.mean, mean, **PRINTED)
    targets = softmax(W / .5) if soft else np.argmax(W, 1)
    np.testing.assert_allclose(cross_entropy(targets, W), [.038658, .310218, .310218, 1.006318] if soft
                               else [.035976, .239545, .239545, .794377], **PRINTED)
    check_gradients(found, S, targets, np.array(mask))
    if selected:
        with Steps(Dash, tmp_path, divide_by_selected=True, **SHORT) as authors:
            np.testing.assert_allclose(.9 * step(authors, rho).mean, selected, **PRINTED)


def test_golden_floor_is_fixmatch(steps, tmp_path):
    found = step(steps, rho_hat=np.float32(0))
    with Steps(FixMatch, tmp_path, confidence=.951229) as fixmatch:
        np.testing.assert_allclose(found.loss, fixmatch(W, S).loss, **CLOSE)


def test_fifty_random_steps(tmp_path):
    """Half of them are the warm-up, whose last pass over 12 labelled images in batches of 256 is one step, or three."""
    for labeled, last in ((12, 1), (600, 3)):
        random, rho_hat, used = np.random.RandomState(0), 0., []
        with Steps(Dash, tmp_path, 20, 512, 256, 5, nlabeled=labeled, warmup_kimg=6, drop_kimg=2) as steps:
            for number in range(50):
                weak, strong = random_batch(random, 512)
                x, label = random.normal(0, 1, [256, 5]).astype('f'), random.randint(0, 5, 256)
                steps.set(global_step=256 * number)
                found = steps(weak, strong, label=label, logits_x=x)
                rho = max(1.0001 * rho_hat * 1.27 ** -((number - 24) // 8), .05)
                targets = softmax(weak / np.float32(.5)) if rho > .05 else np.eye(5)[weak.argmax(1)]
                mask = (cross_entropy(targets, weak) <= rho) & (number >= 24)
                if 24 - last <= number < 24:
                    rho_hat += cross_entropy(label, x).mean() / last
                np.testing.assert_array_equal(found.mask, mask)
                np.testing.assert_allclose(found.loss, mask * cross_entropy(targets, strong), **CLOSE)
                if not 24 - last <= number < 23:  # Within the pass it is the mean of what was seen of it.
                    np.testing.assert_allclose(steps.state().rho_hat, rho_hat, **CLOSE)
                used.append(mask.sum())
        assert not any(used[:24]) and all(used[24:]) and used[24] > used[49]


def test_nothing_to_train_on_is_no_loss(tmp_path):
    with Steps(Dash, tmp_path, divide_by_selected=True, **SHORT) as steps:
        steps.set(global_step=AFTER)
        found = steps(np.zeros_like(W), S, **GIVEN)
    assert (found.mask == 0).all() and (found.loss == 0).all() and (found.gradients['strong'] == 0).all()


@pytest.mark.parametrize('params, text', [
    (dict(confidence=.5), 'no hyper-parameter confidence')])
def test_flags(tmp_path, monkeypatch, params, text):
    monkeypatch.setattr(Dash, 'algorithm', toy.no_graph)
    assert {name: Dash.HPARAMS[name].default for name in (
        'divide_by_selected', 'drop_kimg', 'temperature', 'warmup_kimg', 'wu')} == dict(
        divide_by_selected=False, drop_kimg=640, temperature=.5, warmup_kimg=128, wu=1.)
    with refused(text):
        Dash(str(tmp_path), toy.dataset(), **params)


def test_lengths_need_not_be_whole_in_python(tmp_path):
    with Steps(Dash, tmp_path, **dict(SHORT, warmup_kimg=0.0125, drop_kimg=0.0125)) as steps:
        assert steps(W, S, **GIVEN).mask is not None
