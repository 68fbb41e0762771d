"""AdaMatch: A Unified Approach to Semi-Supervised Learning and Domain Adaptation (arXiv:2106.04732).

python adamatch.py --source=mnist --target=usps                          # adaptation, no label in the target
python adamatch.py --source=mnist --target='usps(10,seed=1)'             # 10 labels of each class of the target
python adamatch.py --dataset=cifar10.3@40-1                              # semi-supervised learning
python adamatch.py --dataset=cifar10.3@40-1 --nouse_logit_interpolation  # one pass
"""

from libml import models, schedules, train
from libml.hparams import Hparam
from libml.methods import domain_model
from libml.trackers import Alignment

import tensorflow as tf


class AdaMatch(domain_model.PseudoLabelModel):
    """Aligned, confident predictions on weak views of the target are the labels of its strong views."""

    HPARAMS = dict(
        domain_model.PseudoLabelModel.HPARAMS,
        confidence=Hparam(0.9, 'Share of the mean confidence on weak source images that a weak prediction must have '
                          'to be trained on; with --nouse_cr a probability.', low=0, high=1),
        use_cr=Hparam(True, 'Whether confidence is relative to that on weakly augmented source images.'),
        use_logit_interpolation=Hparam(
            True, 'Random logit interpolation; without it, logits of labelled images are those beside the unlabelled '
            'ones, from the only pass. In the run\'s name if it is not as by default.', False),
        wu=Hparam(1., 'Weight of the unlabelled loss at the end; until half of the training it rises from 0 to 1.',
                  low=0),
    )

    def named_hparams(self):
        """Names of the original, which has no such flag, stay as they are."""
        own = 'use_logit_interpolation'
        return super().named_hparams() + [own] * (own in self.given)

    def interpolated(self, batch, joint):
        """Random logit interpolation (section 3.1 of the paper), or with --nouse_logit_interpolation `joint`.

        A second pass sees the labelled images without the unlabelled ones, with batch statistics of its own, which no
        running statistics follow. Both passes get gradients. The weights are drawn for each image, view and class.

        Args:
            batch: of `inputs`; its entry `lams` becomes the list of the weights.
            joint: list of [b, 2, C], logits of batch.labeled beside the unlabelled images.
        Returns:
            list of [b, 2, C], and terms of `train_step` that are only logged.
        """
        if not self.params.use_logit_interpolation:
            return joint, {}
        alone = self.logits('alone', batch.labeled)
        batch.lams = [models.placeholder(self.draws.uniform(name, z.shape), name)
                      for z, name in zip(joint, ('lam', 'lam_target'))]
        mixed = [z + lam * (other - z) for z, other, lam in zip(joint, alone, batch.lams)]
        return mixed, {'hregbn': (None, tf.reduce_mean(tf.square(mixed[0] - alone[0])))}

    def p_labeled(self, logits_weak, label):
        """[b, C]: what the labelled class distribution follows, of source images' logits [b, C] and labels [b]."""
        del label
        return tf.nn.softmax(logits_weak)

    def aligned(self, p, alignment):
        """Targets [n, C] of weak predictions [n, C]; constant."""
        return alignment(p)

    def threshold(self, logits_weak):
        """Scalar: the confidence that is asked for, from the weak logits [b, C] of the source; constant."""
        if not self.params.use_cr:
            return tf.constant(self.params.confidence)
        p = tf.nn.softmax(tf.stop_gradient(logits_weak))
        return self.params.confidence * tf.reduce_mean(tf.reduce_max(p, -1))

    def unlabeled_weight(self):
        """Scalar: weight of the unlabelled loss; from 0 to 1 in the first half of training, to `wu` in the second."""
        # Kept from the original: `wu` is only the final value.
        return schedules.cosine_phases(self.progress(), [(0.5, 1.), (1., self.params.wu)])

    def unlabeled_losses(self, source_weak, label, logits):
        """Losses of unlabelled images: terms and monitors of `train_step`.

        Args:
            source_weak, label: weak logits [b, C] and labels [b] of the source. The threshold and the distribution are
                of the source alone, even if some target images are labelled.
            logits: [n, 2, C] of the unlabelled images.
        """
        p_weak = tf.nn.softmax(logits[:, 0])
        alignment = self.track(Alignment(self.params.nclass, self.p_labeled(source_weak, label), p_weak))
        threshold, wu = self.threshold(source_weak), self.unlabeled_weight()
        xeu, mask = self.pseudo_label_loss(self.aligned(p_weak, alignment), threshold, logits[:, 1])
        return {'xeu': (wu, xeu)}, {'monitors/confidence_ratio': threshold, 'monitors/wu': wu, 'monitors/mask': mask,
                                    'monitors/klmodel': alignment.kl()}

    def algorithm(self):
        batch = self.pairs()
        *joint, unlabeled = self.logits('joint', [*batch.labeled, batch.y])
        labeled, regularized = self.interpolated(batch, joint)
        supervised = {name: (1., domain_model.labeled_loss(z, label))
                      for name, z, label in zip(('xe', 'xet'), labeled, batch.labels)}
        terms, monitors = self.unlabeled_losses(labeled[0][:, 0], batch.label, unlabeled)
        return self.momentum_step(batch, {**supervised, **terms, **regularized}, 'joint', monitors)


if __name__ == '__main__':
    train.run(AdaMatch)
