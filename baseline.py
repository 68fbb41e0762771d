"""Supervised training on two views of labelled images: AdaMatch's baseline (arXiv:2106.04732).

python baseline.py --source=mnist --target=usps                   # with target images in the batch norm
python baseline.py --source=mnist --target=usps --nouse_unlabeled # the source alone
"""

import dataclasses

from libml import train
from libml.hparams import Hparam
from libml.methods import domain_model
from libml.utils import InputError

import tensorflow as tf


class Baseline(domain_model.DomainModel):
    """Labelled images alone have a loss; unlabelled ones take part in the batch statistics, or do not appear at all."""

    HPARAMS = dict(
        domain_model.DomainModel.HPARAMS,
        use_unlabeled=Hparam(True, 'Whether unlabelled images are in the batch; without them, nothing is learned of '
                             'them.'),
    )

    def resolve_params(self):
        super().resolve_params()
        if self.dataset.whitened and not self.params.use_unlabeled:
            raise InputError('--whiten --nouse_unlabeled: whitening follows the unlabelled images too, give only one')

    def views(self):
        views = super().views()
        return views if self.params.use_unlabeled else dataclasses.replace(views, unlabeled=None)

    def algorithm(self):
        batch = self.pairs()
        logits = self.logits('joint', batch.labeled + ([] if batch.y is None else [batch.y]))
        # Labelled images of the target are more rows of one labelled batch.
        xe = domain_model.labeled_loss(tf.concat(logits[:len(batch.labeled)], 0), tf.concat(batch.labels, 0))
        return self.momentum_step(batch, {'xe': (1., xe)}, 'joint')


if __name__ == '__main__':
    train.run(Baseline)
