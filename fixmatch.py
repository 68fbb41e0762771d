"""FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence (arXiv:2001.07685).

python fixmatch.py --dataset=cifar10.3@40-1
python fixmatch.py --dataset=cifar10.3@40-1 --augment=d.d.rac    # RandAugment in place of CTAugment
"""

from libml import losses, train
from libml.augment import cta_learner
from libml.hparams import Hparam
from libml.methods import pair_model, pseudo_labels

import tensorflow as tf


class FixMatch(pair_model.PairModel):
    """Confident predictions on weakly augmented images are the labels of their strongly augmented versions."""

    HPARAMS = dict(
        pair_model.PairModel.HPARAMS,
        **cta_learner.HPARAMS,
        confidence=pair_model.CONFIDENCE,
        wu=Hparam(1., 'Weight of the loss on unlabelled images.', low=0),
    )

    def targets(self, logits_weak):
        """Pseudo-labels int64 [n] and mask float32 [n] of weak logits [n, C]; constant (section 2.2)."""
        p = tf.stop_gradient(tf.nn.softmax(logits_weak))
        return tf.argmax(p, -1), tf.cast(tf.reduce_max(p, -1) >= self.params.confidence, tf.float32)

    def unlabeled_loss(self, logits_weak, logits_strong):
        """Loss and mask per unlabelled image, float32 [n] each (eq. 4); masked images count as zero."""
        labels, mask = self.targets(logits_weak)
        return losses.masked_xe(logits_strong, labels, mask), mask

    def unlabeled_losses(self, logits_weak, logits_strong):
        per_image, mask = self.unlabeled_loss(logits_weak, logits_strong)
        pseudo_labels.watch(self, tf.argmax(logits_weak, -1), mask)
        return {'xeu': (self.params.wu, tf.reduce_mean(per_image))}, {'monitors/mask': tf.reduce_mean(mask)}


if __name__ == '__main__':
    train.run(FixMatch, dataset='cifar10.3@250-1')
