"""FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence (arXiv:2001.07685).

python fixmatch.py --dataset=cifar10.3@40-1
python fixmatch.py --dataset=cifar10.3@40-1 --augment=d.d.rac    # RandAugment in place of CTAugment
"""

from libml import cta_model, losses, train
from libml.hparams import Hparam

import tensorflow as tf
from easydict import EasyDict


class FixMatch(cta_model.CTAModel):
    """Confident predictions on weakly augmented images are the labels of their strongly augmented versions."""

    HPARAMS = dict(
        cta_model.CTAModel.HPARAMS,
        wu=Hparam(1., 'Weight of the loss on unlabelled images.'),
    )

    def targets(self, logits_weak):
        """Pseudo-labels int64 [n] and mask float32 [n] of weak logits [n, C]; constant (section 2.2)."""
        p = tf.stop_gradient(tf.nn.softmax(logits_weak))
        return tf.argmax(p, -1), tf.cast(tf.reduce_max(p, -1) >= self.params.confidence, tf.float32)

    def unlabeled_loss(self, logits_weak, logits_strong):
        """Loss and mask per unlabelled image, float32 [n] each (eq. 4); masked images count as zero."""
        labels, mask = self.targets(logits_weak)
        return losses.masked_xe(logits_strong, labels, mask), mask

    def logits(self, xt, y):
        """Logits of labelled [b, C], weak [n, C] and strong images [n, C]."""
        return self.forward([xt, y[:, 0], y[:, 1]])

    def algorithm(self):
        p = self.params
        x, xt, y, label, labeled = self.inputs()
        logits_x, logits_weak, logits_strong = self.logits(xt, y)
        xe = tf.reduce_mean(losses.masked_xe(logits_x, label, 1.))
        per_image, mask = self.unlabeled_loss(logits_weak, logits_strong)
        xeu, wd = tf.reduce_mean(per_image), self.l2()
        loss = xe + p.wu * xeu + p.wd * wd

        lr, classify = self.learning_rate(), self.classify_ops(x)
        before, after = self.rates_update(classify.classify_op, label, labeled)
        return EasyDict(
            classify, x=x, xt=xt, y=y, label=label, loss=loss,
            train_op=self.train_op(loss, self.optimizer(lr), 'train', before=before, after=after),
            losses={'losses/xe': xe, 'losses/xeu': xeu, 'losses/wd': wd},
            monitors={'monitors/lr': lr, 'monitors/mask': tf.reduce_mean(mask)})


if __name__ == '__main__':
    train.run(FixMatch, dataset='cifar10.3@250-1')
