"""FixMatch with RandAugment for CTAugment: the same as fixmatch.py --augment=d.d.rac, under its published name."""

from fixmatch import FixMatch
from libml import train


class FixMatch_RA(FixMatch):
    """Strong views by the strong token of --augment."""

    HPARAMS = dict(FixMatch.HPARAMS, augment=FixMatch.HPARAMS['augment']._replace(default='d.d.rac'))
    USES_CTAUGMENT = False


if __name__ == '__main__':
    train.run(FixMatch_RA, dataset='cifar10.3@250-1')
