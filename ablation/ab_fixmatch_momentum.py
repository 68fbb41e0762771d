"""FixMatch with another momentum, Nesterov's or plain. (The original derives it from ReMixMatch by mistake.)"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train
from libml.hparams import Hparam

import tensorflow as tf


class AB_FixMatch_Momentum(FixMatch):
    """Momentum and its kind are flags."""

    HPARAMS = dict(
        FixMatch.HPARAMS,
        momentum=Hparam(0.9, 'Momentum of the optimizer.', low=0, below=1),
        use_nesterov=Hparam(True, 'Nesterov\'s momentum, else the plain one.'),
    )

    OLD_FLAGS = dict(nesterov=('use_nesterov', bool))

    def optimizer(self, lr):
        """Momentum as the flags say."""
        return tf.compat.v1.train.MomentumOptimizer(lr, self.params.momentum, use_nesterov=self.params.use_nesterov)


if __name__ == '__main__':
    train.run(AB_FixMatch_Momentum, dataset='cifar10.3@250-1')
