"""Virtual Adversarial Training (arXiv:1704.03976) with entropy minimisation.

python vat.py --dataset=cifar10.3@250-5000 --vat_eps=6
"""

from libml import losses, train
from libml.hparams import Hparam
from libml.methods import adam_models
from libml.methods.adam_models import INERT_SMOOTHING, WARMUP_POS

import tensorflow as tf


def unit(v):
    """v [b, ...] with each v[i] scaled to length 1; 0 stays 0. Its largest entry is divided out first: no underflow."""
    axes = list(range(1, v.shape.rank))
    v /= 1e-12 + tf.reduce_max(tf.abs(v), axes, keepdims=True)
    return v / tf.sqrt(1e-6 + tf.reduce_sum(tf.square(v), axes, keepdims=True))


class VAT(adam_models.BaselineModel):
    """Predictions on unlabelled images withstand the perturbation that changes them most, and are to be certain."""

    FIXMATCH = dict(augment='d.d')
    HPARAMS = dict(
        adam_models.BaselineModel.HPARAMS,
        vat=Hparam(0.3, 'Weight of the virtual adversarial loss.', low=0),
        vat_eps=Hparam(6., 'Length of the perturbation, over all pixels and channels of an image in [-1, 1].',
                       low=0),
        entmin_weight=Hparam(0.06, 'Weight of the entropy of the predictions; it has no warm-up.', low=0),
        smoothing=INERT_SMOOTHING,
        warmup_pos=WARMUP_POS,
    )
    # Length of the step at which the power iteration looks at the gradient. It is so short that the rounding of float32
    # has a part in the direction found; kept.
    XI = 1e-6

    def perturbation(self, y, logits):
        """The direction in which the prediction changes most, by one power iteration (algorithm 1), times vat_eps.

        Args:
            y: [b, h, w, c]; logits: [b, C], of y.
        Returns:
            float32 [b, h, w, c], constant.
        """
        d = self.XI * unit(self.draws.normal('perturbation', y.shape))
        moved = self.classifier(y + d, training=True, name='power').logits
        gradient, = tf.gradients(tf.reduce_mean(losses.kl_divergence_from_logits(logits, moved)), d)
        return self.params.vat_eps * unit(tf.stop_gradient(gradient))

    def unlabeled_losses(self, y):
        p = self.params
        logits = self.classifier(y, training=True, name='unlabeled').logits
        r = self.perturbation(y, logits)
        student = self.classifier(y + r, training=True, name='adversarial').logits
        # The paper's divergence is the other way round; this is what the published numbers are of.
        vat = tf.reduce_mean(losses.kl_divergence_from_logits(student, tf.stop_gradient(logits)))
        entropy = tf.reduce_mean(losses.entropy_from_logits(logits))
        return {'vat': (self.ramp() * p.vat, vat), 'entmin': (p.entmin_weight, entropy)}


if __name__ == '__main__':
    train.run(VAT)
