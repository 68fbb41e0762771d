"""fixmatch_da.py against numpy."""

from adamatch_runs import cross_entropy, softmax
from domain_runs import build, recorded, started
from fixmatch_da import FixMatchDA

import numpy as np
import tensorflow as tf


def test_losses_gradients_and_distributions(tmp_path):
    model = build(recorded(FixMatchDA), tmp_path, confidence=0.5, wu=3.)
    ops = model.ops
    with model.session() as session:
        feed = started(model, session)
        gradients = tf.gradients(ops.losses['losses/xeu'], model.recorded)
        found, loss, parts, gradients, _ = session.run(
            [{**ops.losses, **ops.monitors}, ops.loss, model.recorded, gradients, ops.train_op], feed)
        after = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    z = np.concatenate(parts).astype(np.float64)
    label = np.concatenate([feed[label] for label in ops.labels])
    p_labeled = 0.999 * 0.2 + 0.001 * np.eye(5)[label].mean(0)
    p_unlabeled = (127 * 0.2 + softmax(z[:, 0]).mean(0)) / 128
    targets = softmax(z[:, 0]) * (1e-6 + p_labeled) / (1e-6 + p_unlabeled)
    targets /= targets.sum(1, keepdims=True)
    mask = targets.max(1) >= 0.5
    assert 0 < mask[:8].sum() < 8 and 0 < mask[8:].sum() < 8
    expected = {
        'losses/xe': cross_entropy(z[:8, 0], label).mean(), 'losses/wd': found['losses/wd'],
        'losses/xeu': (mask * cross_entropy(z[:, 1], targets.argmax(1))).mean(), 'monitors/mask': mask.mean(),
        'monitors/confidence_ratio': 0.5, 'monitors/lr': 0.03,
        'monitors/klmodel': (p_labeled * (np.log(p_labeled + 2 ** -17) - np.log(p_unlabeled + 2 ** -17))).sum()}
    assert set(found) == set(expected)
    for tag, value in expected.items():
        np.testing.assert_allclose(found[tag], value, rtol=1e-4, atol=2e-6, err_msg=tag)
    np.testing.assert_allclose(
        loss, expected['losses/xe'] + 3 * expected['losses/xeu'] + 0.001 * found['losses/wd'], rtol=1e-4)
    np.testing.assert_allclose(after['p_data'], p_labeled, rtol=1e-5)
    np.testing.assert_allclose(after['p_unlabeled'].mean(0), p_unlabeled, rtol=1e-5)
    gradient = np.concatenate(gradients)
    assert (gradient[:, 0] == 0).all()
    np.testing.assert_array_equal(np.abs(gradient[:, 1]).max(1) > 0, mask)
