"""FixMatch with a learning rate that falls linearly."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train
from libml.hparams import Hparam


class AB_FixMatch_LinearLR(FixMatch):
    """The schedule goes linearly from lr to lr_end."""

    HPARAMS = dict(FixMatch.HPARAMS, lr_end=Hparam(0.02, 'Learning rate at the end of training.', low=0))
    del HPARAMS['schedule'], HPARAMS['lr_warmup_kimg'], HPARAMS['lr_decay_kimg']

    def learning_rate(self):
        """lr + (lr_end - lr) * progress."""
        return self.params.lr + (self.params.lr_end - self.params.lr) * self.progress()


if __name__ == '__main__':
    train.run(AB_FixMatch_LinearLR, dataset='cifar10.3@250-1')
