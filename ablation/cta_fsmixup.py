"""Training on mixtures of labelled images alone, under CTAugment.

python ablation/cta_fsmixup.py --dataset=cifar10-1
python ablation/cta_fsmixup.py --dataset=cifar10-1 --nomixup    # smoothed labels in place of mixtures
"""

from fully_supervised import FullySupervised
from libml import augment_grammar, many_views, train
from libml.hparams import Hparam


class CTAFSMixup(many_views.ManyViews, FullySupervised):
    """FullySupervised on images under learned policies. (remixmatch@f7061eb cta/cta_fsmixup.py)"""

    HPARAMS = dict(
        {**many_views.ManyViews.HPARAMS, **FullySupervised.HPARAMS},
        augment=Hparam('d', 'Augmentation before CTAugment, or a strong one in its place: ' + augment_grammar.CHOICES,
                       False),
        mixup=FullySupervised.HPARAMS['mixup']._replace(default=True),
    )
    FIELDS = 1
    UNLABELED = False

    def method_name(self):
        """The original's name, CTAFSMixup."""
        return ('CTA' if self.cta else '') + super().method_name()


if __name__ == '__main__':
    train.run(CTAFSMixup, dataset='cifar10-1')
