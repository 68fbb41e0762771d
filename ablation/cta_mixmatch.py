"""MixMatch with CTAugment on labelled images and on all views but the first of unlabelled ones.

python ablation/cta_mixmatch.py --dataset=cifar10.3@250-1
python ablation/cta_mixmatch.py --dataset=cifar10.3@250-1 --augment=d.d.rac    # RandAugment in place of CTAugment
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml import train
from libml.augment import cta_learner, tokens
from mixmatch import MixMatch


class CTAMixMatch(MixMatch):
    """MixMatch on a weak and nu - 1 strong views. (remixmatch@f7061eb cta/cta_mixmatch.py)"""

    FIXMATCH = dict(MixMatch.FIXMATCH, cta_version='fixmatch')
    HPARAMS = dict(
        MixMatch.HPARAMS,
        **cta_learner.REMIXMATCH_HPARAMS,
        augment=tokens.AUGMENT,
        beta=MixMatch.HPARAMS['beta']._replace(default=0.75),
        nu=MixMatch.HPARAMS['nu']._replace(low=2),  # a weak and a strong view
    )

    def make_program(self):
        return tokens.Program(self.params, self.dataset)

    def views(self):
        return self.program.views_of_remixmatch(self.learner, self.params.nu - 1)


if __name__ == '__main__':
    train.run(CTAMixMatch)
