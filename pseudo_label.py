"""Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method (D.-H. Lee, ICML workshop 2013).

python pseudo_label.py --dataset=cifar10.3@250-5000 --threshold=0.95
python pseudo_label.py --dataset=cifar10.3@250-1 --recipe=fixmatch    # as in FixMatch's table
"""

from libml import losses, train
from libml.hparams import Hparam
from libml.methods import adam_models, pseudo_labels
from libml.methods.adam_models import CONSISTENCY_WEIGHT, INERT_SMOOTHING, WARMUP_POS

import tensorflow as tf


class PseudoLabel(adam_models.BaselineModel):
    """A confident prediction on an unlabelled image is its label."""

    FIXMATCH = dict(adam_models.BaselineModel.FIXMATCH, augment='d.d')
    HPARAMS = dict(
        adam_models.BaselineModel.HPARAMS,
        consistency_weight=CONSISTENCY_WEIGHT,
        threshold=Hparam(0.95, 'Predictions with more probability than this are labels.', low=0, high=1),
        smoothing=INERT_SMOOTHING,
        warmup_pos=WARMUP_POS,
    )

    def unlabeled_losses(self, y):
        p = self.params
        logits = self.classifier(y, training=True, name='unlabeled').logits
        # [b]: in the original it is [b, 1], which trains on unconfident images too (losses.masked_xe).
        mask = tf.reduce_max(tf.nn.softmax(tf.stop_gradient(logits)), -1) > p.threshold
        pseudo_labels.watch(self, tf.argmax(logits, -1), mask)
        loss = tf.reduce_mean(losses.masked_xe(logits, tf.argmax(logits, -1), mask))
        return {'pl': (self.ramp() * p.consistency_weight, loss),
                'mask': (None, tf.reduce_mean(tf.cast(mask, tf.float32)))}


if __name__ == '__main__':
    train.run(PseudoLabel)
