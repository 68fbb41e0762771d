"""SoftMatch: Addressing the Quantity-Quality Trade-off in Semi-supervised Learning (arXiv:2301.10921).

FixMatch whose mask is a weight, exp(-(max q - mu)^2 n_sigma^2 / (2 var)) below mu and 1 above (2), (5), (9); q ~ p / P
is uniform on average (8), the label is argmax p. Before they are used, each step moves P by mean p, and mu and var by
mean and variance of max p (6), (7); they start at 1 / C, 1 / C and 1.

python softmatch.py --dataset=cifar10.3@40-1
"""

from fixmatch import FixMatch
from libml import train
from libml.hparams import Hparam
from libml.methods import class_use, pair_model
from libml.trackers import EPSILON, renorm

import tensorflow as tf


class SoftMatch(FixMatch):
    """All images are trained on, those of little confidence with little weight."""

    HPARAMS = dict(
        FixMatch.HPARAMS, ema_p=pair_model.EMA_P,
        n_sigma=Hparam(2., 'The deviation of the confidences is divided by this.', above=0),
        align=Hparam('uniform', 'For the weights predictions are brought to this average: uniform (the paper), that on '
                     'labelled images (the code of its tables), none (as they are).'),
        moments=Hparam('unaligned', 'Confidences of this mean and variance: unaligned (the paper), aligned (USB).'),
    )
    del HPARAMS['confidence']

    def resolve_params(self):
        super().resolve_params()
        self.check_choice('align', ('uniform', 'labeled', 'none'))
        self.check_choice('moments', ('unaligned', 'aligned'))

    def aligned(self, weak):
        """Predictions [n, C] with the average that they should have."""
        uniform = target = 1 / self.params.nclass
        if self.params.align == 'none':  # In USB the switch is never read.
            return weak
        if self.params.align == 'labeled':
            target = self.follow('p_data', tf.reduce_mean(tf.nn.softmax(self.batch.logits_x), 0), uniform)
        # From uniform, as in the paper; in USB the noise of the first batch stays for a thousand steps.
        return renorm(weak * (target + EPSILON) / (self.follow('p_model', tf.reduce_mean(weak, 0), uniform) + EPSILON))

    def targets(self, logits_weak):
        p, weak, n = self.params, tf.stop_gradient(tf.nn.softmax(logits_weak)), logits_weak.shape[0]
        confidence, labels = tf.reduce_max(self.aligned(weak), -1), tf.argmax(weak, -1)
        observed = confidence if p.moments == 'aligned' else tf.reduce_max(weak, -1)
        mu = self.follow('mu', tf.reduce_mean(observed), 1 / p.nclass)
        var = self.follow('var', tf.math.reduce_variance(observed) * n / max(n - 1, 1), 1.)  # One image: 0; USB: NaN.
        deviation = tf.minimum(confidence - mu, 0) * p.n_sigma
        weights = tf.exp(-tf.square(deviation) / (2 * tf.maximum(var, 1e-30)))
        self.track(class_use.ClassUse(p.nclass)).observe(labels, weights, mu)
        return labels, weights


if __name__ == '__main__':
    train.run(SoftMatch, dataset='cifar10.3@40-1')
