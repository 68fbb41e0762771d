"""What MixMatch, ReMixMatch and the baselines of their comparison share: Adam, with weight decay beside it."""

from libml import data_pair, models
from libml.hparams import Hparam

import tensorflow as tf

BETA = Hparam(0.5, 'Concentration of the Beta distribution that MixUp\'s weights are drawn from; 0: no mixing.')


class AdamModel(models.MultiModel):
    """A MultiModel trained with Adam at a constant rate and decoupled weight decay. (mixmatch@1011a1d, its scripts)"""

    DATASETS = data_pair.DATASETS
    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=Hparam(0.002, 'Learning rate of Adam.'),
        train_kimg=Hparam(65536, 'Length of training in kimg (1,024 labelled images); a warm-up may follow it.', False),
        wd=Hparam(0.02, 'Weight decay: every step multiplies the kernels by 1 - wd * lr.'),
    )

    def adam(self, loss, statistics, before=(), after=None):
        """train_op with Adam and weight decay; the arguments are those of train_op."""
        p = self.params
        return self.train_op(loss, tf.compat.v1.train.AdamOptimizer(p.lr), statistics, p.wd * p.lr, before, after)
