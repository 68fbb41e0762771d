"""FixMatch with distribution alignment for domain adaptation: a baseline of AdaMatch (arXiv:2106.04732).

python fixmatch_da.py --source=mnist --target=usps
"""

from libml import domain_model, losses, train
from libml.alignment import Alignment
from libml.hparams import Hparam

import tensorflow as tf


class FixMatchDA(domain_model.PseudoLabelModel):
    """Confident predictions on the weak views of all images, labelled ones included, label their strong views."""

    HPARAMS = dict(
        domain_model.PseudoLabelModel.HPARAMS,
        wu=Hparam(1., 'Weight of the loss on pseudo-labels.'),
    )

    def algorithm(self):
        p = self.params
        batch = self.inputs()
        logits = tf.concat(self.logits('joint', [*batch.labeled, batch.y]), 0)
        label = tf.concat(batch.labels, 0)
        p_weak = tf.nn.softmax(logits[:, 0])
        alignment = Alignment(p.nclass, tf.one_hot(label, p.nclass), p_weak)
        threshold = tf.constant(p.confidence)
        xe = tf.reduce_mean(losses.masked_xe(logits[:label.shape[0], 0], label, 1.))
        xeu, mask = self.pseudo_label_loss(alignment(p_weak), threshold, logits[:, 1])
        return self.step_ops(
            batch, xe + p.wu * xeu, 'joint', {'losses/xe': xe, 'losses/xeu': xeu},
            {'monitors/confidence_ratio': threshold, 'monitors/mask': mask, 'monitors/klmodel': alignment.kl()},
            alignment)


if __name__ == '__main__':
    train.run(FixMatchDA)
