"""Training on mixtures of labelled images alone, under CTAugment.

python ablation/cta_fsmixup.py --dataset=cifar10-1
python ablation/cta_fsmixup.py --dataset=cifar10-1 --nomixup    # smoothed labels in place of mixtures
"""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fully_supervised import FullySupervised
from libml import train
from libml.augment import cta_learner, tokens
from libml.hparams import Hparam


class CTAFSMixup(FullySupervised):
    """FullySupervised on images under learned policies. (remixmatch@f7061eb cta/cta_fsmixup.py)"""

    HPARAMS = dict(
        FullySupervised.HPARAMS,
        **cta_learner.REMIXMATCH_HPARAMS,
        augment=Hparam('d', 'Augmentation before CTAugment, or a strong one in its place: ' + tokens.CHOICES,
                       False),
        mixup=FullySupervised.HPARAMS['mixup']._replace(default=True),
    )

    def make_program(self):
        return tokens.Program(self.params, self.dataset, fields=1)

    def views(self):
        return dataclasses.replace(self.program.views_of_remixmatch(self.learner), unlabeled=None)

    def method_name(self):
        """The original's name, CTAFSMixup."""
        return ('CTA' if self.program.cta else '') + super().method_name()


if __name__ == '__main__':
    train.run(CTAFSMixup, dataset='cifar10-1')
