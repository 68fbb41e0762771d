"""FixMatch with RandAugment for CTAugment: the same as fixmatch.py --augment=d.d.rac, under its published name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train
from libml.augment import tokens


class FixMatch_RA(FixMatch):
    """Strong views by the strong token of --augment."""

    HPARAMS = dict(FixMatch.HPARAMS, augment=FixMatch.HPARAMS['augment']._replace(default='d.d.rac'))

    def make_program(self):
        return tokens.Program(self.params, self.dataset, cta=False)


if __name__ == '__main__':
    train.run(FixMatch_RA, dataset='cifar10.3@250-1')
