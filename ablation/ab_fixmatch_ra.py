"""FixMatch with RandAugment for CTAugment: the same as fixmatch.py --augment=d.d.rac, under its published name."""

from fixmatch import FixMatch
from libml import train


class FixMatch_RA(FixMatch):
    """Strong views by the strong token of --augment."""

    HPARAMS = dict(FixMatch.HPARAMS, augment=('d.d.rac', FixMatch.HPARAMS['augment'][1], False))
    USES_CTAUGMENT = False


if __name__ == '__main__':
    train.run(FixMatch_RA, dataset='cifar10.3@250-1')
