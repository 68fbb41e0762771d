"""DeFixMatch: FixMatch without the bias of its pseudo-labels (arXiv:2203.07512).

    L = (Lx(weak) + Lx(strong)) / 2 + wu (L_u - L_a)

where L_a is L_u on the labelled images, with pseudo-labels in place of their labels.

python defixmatch.py --dataset=cifar10.3@250-1
"""

import dataclasses

from fixmatch import FixMatch
from libml import losses, train

import tensorflow as tf


class DeFixMatch(FixMatch):
    """FixMatch's loss on labelled images is subtracted: where both kinds are alike, the supervised loss is left."""

    HPARAMS = dict(FixMatch.HPARAMS, wu=FixMatch.HPARAMS['wu']._replace(default=0.5))

    def views(self):
        """FixMatch's, and strong ones of labelled images, which no data set of USB gives: its DeFixMatch cannot run."""
        views = super().views()
        return dataclasses.replace(views, labeled=(views.labeled, views.unlabeled[1]))

    def logits(self, xt, y):
        """Logits [2, b, C] of the labelled views; [n, C] of weak and of strong images."""
        weak, strong, *unlabeled = self.forward([*tf.unstack(xt, axis=1), *tf.unstack(y, axis=1)])
        return tf.stack([weak, strong]), *unlabeled

    def labeled_losses(self, logits, label):
        views = tf.unstack(logits)
        per_image, _ = self.unlabeled_loss(*views)
        return {'xe': (1., tf.reduce_mean([losses.masked_xe(view, label, 1.) for view in views])),
                'xea': (-self.params.wu, tf.reduce_mean(per_image))}


if __name__ == '__main__':
    train.run(DeFixMatch, dataset='cifar10.3@250-1')
