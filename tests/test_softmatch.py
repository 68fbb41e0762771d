"""softmatch.py: check values, numpy over random steps, the limits of its weights, its gradient and its flags."""

import toy
from pair_steps import CLOSE, PRINTED, W2, S, Steps, W, X, check_gradients, cross_entropy, random_batch, softmax
from refusals import refused
from softmatch import SoftMatch

import numpy as np
import pytest

LATER = dict(p_model=np.float32([.5, .3, .2]), mu=np.float32(.8), var=np.float32(.04))
STATE = ('p_model', 'mu', 'var')


def check(steps, weak, state, weights, mean):
    """One step: its weights, its loss, and the named state that it leaves."""
    found = steps(weak, S)
    after = steps.state()
    for name, value in state.items():
        np.testing.assert_allclose(after[name], value, **PRINTED, err_msg=name)
    np.testing.assert_allclose(found.mask, weights, **PRINTED)
    np.testing.assert_allclose(found.mean, mean, **PRINTED)


@pytest.mark.parametrize('m, moments, steps_of', [
    (.9, 'aligned', [([.407385, .296308, .296308], .373698, .906274, [1, 1, 1, 1], 1.124356),
                     ([.400179, .302137, .297683], .417538, .823109, [1, 1, 1, .999786], 1.874303)]),
    (.9, 'unaligned', [([.340738, .329631, .329631], .374762, .904589, [1, 1, 1, 1], 1.124356),
                       ([.340198, .332128, .327674], .418995, .821690, [1, 1, 1, .999172], 1.874149)]),
    (.999, 'unaligned', [([.333407, .333296, .333296], .333748, .999046, [1, 1, 1, 1], 1.124356)])])
def test_golden_first_steps(tmp_path, m, moments, steps_of):
    with Steps(SoftMatch, tmp_path, ema_p=m, moments=moments) as steps:
        state = steps.state()
        np.testing.assert_allclose([*state.p_model, state.mu, state.var], [1 / 3] * 4 + [1], rtol=1e-6)
        if moments == 'aligned':  # USB's P is the first batch's mean, which it then keeps for one step.
            steps.set(p_model=softmax(W).mean(0).astype('f'))
        for weak, (*state, weights, mean) in zip((W, W2), steps_of):
            check(steps, weak, dict(zip(STATE, state)), weights, mean)


@pytest.mark.parametrize('m, moments, rows', [
    (.9, 'aligned', [[.952052, .810524, .810524, .374840], [.988215, .882712, .969302, .408161]]),
    (.9, 'unaligned', [[.963516, .789728, .789728, .443668], [.986770, .906876, .965520, .400544]]),
    (.999, 'unaligned', [[.964652, .787014, .787014, .451780]])])
def test_golden_aligned_confidences(tmp_path, m, moments, rows):
    """They are read off the weights, which all are below 1 with a mu of 2."""
    with Steps(SoftMatch, tmp_path, ema_p=m, moments=moments, n_sigma=2.) as steps:
        if moments == 'aligned':
            steps.set(p_model=softmax(W).mean(0).astype('f'))
        for weak, confidences in zip((W, W2), rows):
            steps.set(mu=np.float32(2), var=np.float32(1))
            mask, state = steps(weak, S).mask, steps.state()
            found = state.mu - np.sqrt(-2 * state.var * np.log(np.float64(mask))) / 2
            np.testing.assert_allclose(found, confidences, **PRINTED)


@pytest.mark.parametrize('params, start, state, weights, mean', [
    (dict(moments='aligned'), LATER, dict(mu=.799953, var=.040010), [1, .977768, 1, .001059], .870355),
    (dict(moments='unaligned'), LATER, dict(mu=.799948, var=.040006), [1, .977776, 1, .001058], .870356),
    (dict(align='none', ema_p=1.), LATER, dict(mu=.8, var=.04), [1, .991568, .991568, .002334], None),
    (dict(align='none', ema_p=1., n_sigma=1.), LATER, {}, [1, .997885, .997885, .219809], None),
    (dict(align='none', ema_p=1.), dict(LATER, mu=np.float32(.7), var=np.float32(1e-12)), {}, [1, 1, 1, 0], None)])
def test_golden_later_step(tmp_path, params, start, state, weights, mean):
    with Steps(SoftMatch, tmp_path, **params) as steps:
        steps.set(**{name: value for name, value in start.items() if name in steps.state()})
        if mean is None:
            mean = (np.array(weights) * [.407606, .680270, 2.407606, 1.001943]).mean()
        check(steps, W, state, weights, mean)


def test_golden_label_is_of_the_prediction_as_it_is(tmp_path):
    """Of image 3 the largest aligned class is 2, .429752; its label stays 0."""
    with Steps(SoftMatch, tmp_path) as steps:
        steps.set(**LATER)
        found = steps(W, S)
        aligned = softmax(W)[3] / steps.state().p_model
    assert aligned.argmax() == 2
    np.testing.assert_allclose(aligned.max() / aligned.sum(), .429752, **PRINTED)
    np.testing.assert_allclose(found.loss[3] / found.mask[3], 1.001943, rtol=1e-5)


@pytest.mark.parametrize('align', ['uniform', 'labeled', 'none'])
@pytest.mark.parametrize('moments', ['unaligned', 'aligned'])
def test_fifty_random_steps(tmp_path, align, moments):
    random, m, low = np.random.RandomState(0), .9, 0
    p_model, p_data, mu, var = np.full(5, .2), np.full(5, .2), .2, 1.
    with Steps(SoftMatch, tmp_path, 20, 8, 4, 5, ema_p=m, align=align, moments=moments) as steps:
        for _ in range(50):
            weak, strong = random_batch(random)
            x = random.normal(0, 1, [4, 5]).astype('f') + np.arange(5, dtype='f') / 3
            found = steps(weak, strong, logits_x=x)
            p = softmax(weak)
            p_model, p_data = m * p_model + (1 - m) * p.mean(0), m * p_data + (1 - m) * softmax(x).mean(0)
            target = dict(uniform=.2, labeled=p_data, none=p_model)[align]
            q = p * (target + 1e-6) / (p_model + 1e-6)
            q = (q / q.sum(1, keepdims=True)).max(1)
            observed = q if moments == 'aligned' else p.max(1)
            mu, var = m * mu + (1 - m) * observed.mean(), m * var + (1 - m) * observed.var(ddof=1)
            weights = np.exp(-np.minimum(q - mu, 0) ** 2 / (2 * var / 4))
            np.testing.assert_allclose(found.mask, weights, **CLOSE)
            np.testing.assert_allclose(found.loss, weights * cross_entropy(p.argmax(1), strong), **CLOSE)
            assert ((found.mask == 1) == (q >= mu)).all() and (found.mask > 0).all()
            state = steps.state()
            expected = dict(mu=mu, var=var, p_model=p_model, p_data=p_data)
            assert set(expected) & set(state) == {'mu', 'var', *dict(uniform=['p_model'], none=[],
                                                                      labeled=['p_model', 'p_data'])[align]}
            for name in set(expected) & set(state):
                np.testing.assert_allclose(state[name], expected[name], **CLOSE, err_msg=name)
            low += (weights < .5).sum()
    assert low > 10


def test_limits_of_the_weights(tmp_path):
    random = np.random.RandomState(2)
    weak, strong = random_batch(random)
    with Steps(SoftMatch, tmp_path, 20, 8, 4, 5, ema_p=1., align='none') as plain, \
            Steps(SoftMatch, tmp_path, 20, 8, 4, 5, ema_p=1., wu=3.) as steps:
        steps.set(mu=np.float32(.8), var=np.float32(.04))
        plain.set(mu=np.float32(.8), var=np.float32(.04))
        found = steps(weak, strong)
        # A uniform P makes the alignment the identity; k times the weights is wu = k.
        np.testing.assert_allclose(found.mask, plain(weak, strong).mask, **CLOSE)
        np.testing.assert_allclose(found.gradients['strong'], 3 * plain(weak, strong).gradients['strong'], **CLOSE)
        assert 0 < (found.mask == 1).sum() < 8
        above = softmax(weak).max(1) >= .8
        for var, expected in ((1e-12, above), (0., above), (1e12, np.ones(8))):
            steps.set(var=np.float32(var))
            np.testing.assert_allclose(steps(weak, strong).mask, expected, atol=1e-6)


def test_a_single_image_has_no_variance(tmp_path):
    with Steps(SoftMatch, tmp_path, rows=1, labeled=1, ema_p=.5) as steps:
        found, state = steps(W[3:], S[3:]), steps.state()
    assert np.isfinite(found.mean) and state.var == .5


@pytest.mark.parametrize('align', ['uniform', 'labeled'])
def test_gradient_goes_into_the_strong_logits_by_weight_and_nowhere_else(tmp_path, align):
    with Steps(SoftMatch, tmp_path, align=align) as steps:
        steps.set(**LATER)
        found = steps(W, S, logits_x=X)
        assert 0 < found.mask[1] < 1
        check_gradients(found, S, [0, 1, 2, 0], found.mask)


@pytest.mark.parametrize('params, text', [
    (dict(align='labelled'), '--align=labelled: choose one of uniform, labeled, none'),
    (dict(moments='both'), '--moments=both: choose one of unaligned, aligned'),
    (dict(confidence=.5), 'no hyper-parameter confidence')])
def test_flags(tmp_path, monkeypatch, params, text):
    monkeypatch.setattr(SoftMatch, 'algorithm', toy.no_graph)
    assert {name: SoftMatch.HPARAMS[name].default for name in ('ema_p', 'n_sigma', 'align', 'moments', 'wu')} == dict(
        ema_p=.999, n_sigma=2., align='uniform', moments='unaligned', wu=1.)
    with refused(text):
        SoftMatch(str(tmp_path), toy.dataset(), **params)
