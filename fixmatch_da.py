"""FixMatch with distribution alignment for domain adaptation: a baseline of AdaMatch (arXiv:2106.04732).

python fixmatch_da.py --source=mnist --target=usps
"""

from libml import losses, train
from libml.hparams import Hparam
from libml.methods import domain_model
from libml.trackers import Alignment

import tensorflow as tf


class FixMatchDA(domain_model.PseudoLabelModel):
    """Confident predictions on the weak views of all images, labelled ones included, label their strong views."""

    HPARAMS = dict(
        domain_model.PseudoLabelModel.HPARAMS,
        wu=Hparam(1., 'Weight of the loss on pseudo-labels.', low=0),
    )

    def unlabeled_losses(self, logits, label):
        """Losses of all images, logits [n, 2, C], the first b with labels [b]: terms and monitors of `train_step`."""
        p = self.params
        p_weak = tf.nn.softmax(logits[:, 0])
        alignment = self.track(Alignment(p.nclass, tf.one_hot(label, p.nclass), p_weak))
        threshold = tf.constant(p.confidence)
        xeu, mask = self.pseudo_label_loss(alignment(p_weak), threshold, logits[:, 1])
        return {'xeu': (p.wu, xeu)}, {'monitors/confidence_ratio': threshold, 'monitors/mask': mask,
                                      'monitors/klmodel': alignment.kl()}

    def algorithm(self):
        batch = self.pairs()
        logits = tf.concat(self.logits('joint', [*batch.labeled, batch.y]), 0)
        label = tf.concat(batch.labels, 0)
        unlabeled, monitors = self.unlabeled_losses(logits, label)
        xe = tf.reduce_mean(losses.masked_xe(logits[:label.shape[0], 0], label, 1.))
        return self.momentum_step(batch, {'xe': (1., xe), **unlabeled}, 'joint', monitors)


if __name__ == '__main__':
    train.run(FixMatchDA)
