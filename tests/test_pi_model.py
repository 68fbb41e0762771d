"""pi_model.py: its loss against numpy, and the ramp of its weight."""

import toy
from baseline_runs import CONVNET, EIGHTH, check_losses, xe
from pi_model import PiModel

import numpy as np
import tensorflow as tf


def formula(at):
    """The squared distance of the predictions on two views."""
    return {'xe': xe(at.targets, at.live(at.x)),
            'pm': np.square(at.live(at.y[:, 0]) - at.live(at.y[:, 1])).mean()}


def test_losses_against_numpy(tmp_path):
    check_losses(PiModel, tmp_path, formula, weight=4 / 8, consistency_weight=4., **EIGHTH)


def test_ramp_follows_the_length_of_training(tmp_path):
    """From 0 at the start to 1 after 0.25 * 8 kimg; 1 throughout with warmup_pos 0."""
    model = PiModel(str(tmp_path), toy.dataset(), warmup_pos=0.25, train_kimg=8, consistency_weight=5., **CONVNET)
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {v.op.name: 3 * session.run(v) for v in tf.compat.v1.trainable_variables()})
        for step, expected in ((0, 0), (512, 0.25), (1024, 0.5), (2048, 1), (4096, 1)):
            toy.set_variables(model, session, {'global_step': step})
            loss, losses = session.run([model.ops.loss, dict(model.ops.losses)])
            np.testing.assert_allclose(loss - losses['losses/xe'], 5 * expected * losses['losses/pm'], atol=1e-6)
            assert losses['losses/pm'] > 1e-5
        assert model.depends_on_length
        model.params.warmup_pos = 0.
        assert session.run(model.ramp()) == 1
