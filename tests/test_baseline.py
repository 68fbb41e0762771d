"""baseline.py against numpy."""

from adamatch_runs import cross_entropy
from baseline import Baseline
from domain_runs import build, recorded, started

import numpy as np
import tensorflow as tf


def test_losses_and_batch_norm(tmp_path):
    """All labelled images are one batch; unlabelled ones get no gradient of their logits, but are in the batch norm."""
    model = build(recorded(Baseline), tmp_path)
    with model.session() as session:
        feed = started(model, session)
        xe = model.ops.losses['losses/xe']
        assert tf.gradients(xe, model.recorded[2]) == [None]
        through_batch_norm = tf.gradients(xe, model.ops.y)[0]
        found, loss, logits, gradient, wd = session.run(
            [xe, model.ops.loss, model.recorded, through_batch_norm, model.l2()], feed)
    z, label = np.concatenate(logits[:2]), np.concatenate([feed[label] for label in model.ops.labels])
    expected = np.mean([cross_entropy(z[:, view], label).mean() for view in range(2)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(loss, expected + 0.001 * wd, rtol=1e-5)
    assert np.abs(gradient).max() > 0


def test_without_target(tmp_path):
    """Nothing of the unlabelled images enters: no stream, no placeholder."""
    model = build(Baseline, tmp_path, labeled_target=0, use_unlabeled=False, arch='convnet')
    assert model.ops.y is None and len(model.streams._initializers) == 1
    assert 'use_unlabeledFalse' in model.folder.path
    shapes = [op.outputs[0].shape.as_list()[:1] for op in model.graph.get_operations() if op.type == 'Conv2D']
    assert [8] in shapes and [24] not in shapes
