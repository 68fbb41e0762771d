"""FixMatch with Adam in place of Nesterov momentum (section 4.4 of arXiv:2001.07685)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train
from libml.hparams import Hparam

import tensorflow as tf


class AB_FixMatch_Adam(FixMatch):
    """The optimizer is Adam; schedule and weight decay stay."""

    HPARAMS = dict(
        FixMatch.HPARAMS,
        lr=Hparam(0.002, 'Learning rate of Adam; falls to 0.195 of it as a cosine.', above=0),
        beta1=Hparam(0.9, 'Decay of Adam\'s first moment.', low=0, below=1),
        beta2=Hparam(0.999, 'Decay of Adam\'s second moment.', low=0, below=1),
    )

    def optimizer(self, lr):
        """Adam. Without a second moment (beta2 0) its epsilon is 1e-4, as in the original."""
        p = self.params
        return tf.compat.v1.train.AdamOptimizer(lr, p.beta1, p.beta2, 1e-8 if p.beta2 else 1e-4)


if __name__ == '__main__':
    train.run(AB_FixMatch_Adam, dataset='cifar10.3@250-1')
