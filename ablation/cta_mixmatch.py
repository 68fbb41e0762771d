"""MixMatch with CTAugment on labelled images and on all views but the first of unlabelled ones.

python ablation/cta_mixmatch.py --dataset=cifar10.3@250-1
python ablation/cta_mixmatch.py --dataset=cifar10.3@250-1 --augment=d.d.rac    # RandAugment in place of CTAugment
"""

from libml import many_views, train
from libml.utils import InputError
from mixmatch import MixMatch


class CTAMixMatch(many_views.ManyViews, MixMatch):
    """MixMatch on a weak and nu - 1 strong views. (remixmatch@f7061eb cta/cta_mixmatch.py)"""

    HPARAMS = dict(
        {**many_views.ManyViews.HPARAMS, **MixMatch.HPARAMS},
        beta=MixMatch.HPARAMS['beta']._replace(default=0.75),
    )

    def resolve_params(self):
        super().resolve_params()
        self.strong_views = self.params.nu - 1
        if self.strong_views < 1:
            raise InputError(f'--nu={self.params.nu}: give at least 2, a weak and a strong view')


if __name__ == '__main__':
    train.run(CTAMixMatch)
