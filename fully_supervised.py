"""Training on labelled images alone: with smoothed labels, or on mixtures (mixup, arXiv:1710.09412).

python fully_supervised.py --dataset=cifar10-1 --wd=0.02
python fully_supervised.py --dataset=cifar10-1 --mixup
python fully_supervised.py --dataset=cifar10.3@250-1        # the 250 labels alone
"""

from libml import layers, train
from libml.augment.views import Views
from libml.hparams import Hparam
from libml.methods import adam_models
from libml.utils import InputError


class FullySupervised(adam_models.BaselineModel):
    """Cross entropy with smoothed labels or, with --mixup, of mixtures of images with mixtures of their labels.

    The original has a script for each; the default of wd is from its mixup. (mixmatch@1011a1d fully_supervised/)
    """

    FIXMATCH = {}
    HPARAMS = dict(
        adam_models.BaselineModel.HPARAMS,
        wd=adam_models.BaselineModel.HPARAMS['wd']._replace(default=0.002),
        dropout=Hparam(0., 'Probability that an entry of the network\'s last features is dropped in training.', low=0,
                       below=1),
        mixup=Hparam(False, 'Train on mixtures of images in place of smoothed labels.', False),
        smoothing=Hparam(0.001, 'Share of a label that is spread over all classes; not with --mixup.', low=0,
                         high=1),
        beta=adam_models.BETA._replace(help=adam_models.BETA.help + ' Only with --mixup.'),
    )
    del HPARAMS['augment'], HPARAMS['recipe']

    def views(self):
        """One weak view of labelled images; no others."""
        return Views(self.kinds()[0].at('view0'))

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        if p.dropout and p.arch == 'convnet':
            raise InputError(f'--dropout={p.dropout}: --arch=convnet has none')
        self.unused = 'smoothing' if p.mixup else 'beta'
        self.UNMIXED = not p.mixup
        if p[self.unused] != self.HPARAMS[self.unused].default:
            raise InputError(f'--{self.unused}={p[self.unused]}: it goes {"without" if p.mixup else "with"} --mixup')

    def method_name(self):
        """The names of the original's two scripts."""
        return 'FSMixup' if self.params.mixup else 'FSBaseline'

    def named_hparams(self):
        """Those of the script that the original has for this method."""
        return [name for name in super().named_hparams() if name != self.unused]

    def labeled_part(self, x, onehot):
        p = self.params
        if p.mixup:
            return layers.mix_reversed([x, onehot], p.beta, self.draws.within('mix_x'))
        return x, (1 - p.smoothing) * onehot + p.smoothing / p.nclass


if __name__ == '__main__':
    train.run(FullySupervised, dataset='cifar10-1')
