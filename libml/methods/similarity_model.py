"""Base of SimMatch and CoMatch: FixMatch with soft pseudo-labels, which features of similar images smooth."""

from libml import losses, trackers
from libml.augment import cta_learner
from libml.hparams import Hparam
from libml.methods import pair_model, pseudo_labels, similarity
from libml.methods.class_use import ClassUse

import tensorflow as tf


class SimilarityModel(pair_model.PairModel):
    """A PairModel whose images also have features, of length 1, from a projection head on the network.

    A subclass states how they smooth pseudo-labels, and its losses on them, in `smoothed`. It may take further views.

    Attributes:
        batch: as PairModel's, with `projections`, the list of the features [b, d] of labelled images, then [n, d] of
            each unlabelled view.
    """

    HPARAMS = dict(
        pair_model.PairModel.HPARAMS,
        **cta_learner.HPARAMS,
        confidence=pair_model.CONFIDENCE._replace(help='Smallest largest entry of a pseudo-label that is trained on.'),
        smoothing_alpha=Hparam(0.9, 'Share of the prediction in a pseudo-label; the rest is that of similar images.',
                               low=0, high=1),
        wu=Hparam(1., 'Weight of the loss on unlabelled images.', low=0),
    )

    def logits(self, xt, y):
        logits, features = self.outputs([xt, *tf.unstack(y, axis=1)])
        self.batch.projections = [similarity.project(rows, self.params.proj_dim) for rows in features]
        return logits[:3]

    def smoothed(self, p):
        """Pseudo-labels [n, C] of aligned predictions p [n, C]; losses on features, terms of MultiModel.train_step."""
        raise NotImplementedError

    def blended(self, p, similar, ready):
        """Predictions p [n, C], to a share of 1 - smoothing_alpha those of similar images where `ready`, a bool []."""
        alpha = tf.where(ready, self.params.smoothing_alpha, 1.)
        return alpha * p + (1 - alpha) * similar

    def unlabeled_loss(self, logits_weak, logits_strong):
        """Loss and mask per unlabelled image, float32 [n] each; masked images count as zero."""
        p = self.params
        aligned = self.track(trackers.UniformAlignment(p.nclass)).observe(tf.nn.softmax(logits_weak))
        targets, self.terms = self.smoothed(aligned)
        labels = tf.argmax(targets, -1)
        mask = tf.cast(tf.reduce_max(targets, -1) >= p.confidence, tf.float32)
        pseudo_labels.watch(self, labels, mask)
        self.track(ClassUse(p.nclass)).observe(labels, mask, p.confidence)
        return mask * losses.xe(logits_strong, tf.stop_gradient(targets)), mask

    def unlabeled_losses(self, logits_weak, logits_strong):
        per_image, mask = self.unlabeled_loss(logits_weak, logits_strong)
        return {'xeu': (self.params.wu, tf.reduce_mean(per_image)), **self.terms}, {
            'monitors/mask': tf.reduce_mean(mask)}
