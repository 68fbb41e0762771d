"""mixup.py: its loss, and the mixing with the reversed batch, against numpy."""

from baseline_runs import check_losses, mixed, xe
from libml import layers
from libml.draws import Draws
from mixup import Mixup

import numpy as np
import tensorflow as tf


def formula(at):
    """Cross entropy of mixed images with mixed labels, true ones and guessed ones."""
    x, targets = mixed(at.lam('mix_x'), at.x, at.targets)
    y, q = mixed(at.lam('mix_y'), at.y, at.live(at.y))
    return {'xe': xe(targets, at.live(x)), 'xeu': xe(q, at.live(y))}


def test_losses_against_numpy(tmp_path):
    check_losses(Mixup, tmp_path, formula, weight=1, beta=0.6)


def test_mix_reversed_against_numpy_and_without_mixing():
    random = np.random.RandomState(0)
    x, l = random.normal(size=[5, 2, 2, 3]), random.dirichlet(np.ones(4), 5)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        draws = Draws(1, 2, 'mix/')
        found = session.run(layers.mix_reversed([tf.constant(x, tf.float32), tf.constant(l, tf.float32)], 0.7, draws))
        lam = session.run(draws.beta('lam', [5], 0.7))
        tensors = [tf.constant(x)]
        assert layers.mix_reversed(tensors, 0., draws) is tensors
    for got, want in zip(found, mixed(lam, x, l)):
        np.testing.assert_allclose(got, want, atol=1e-6)
