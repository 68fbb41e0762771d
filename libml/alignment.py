"""Distribution alignment by running averages: AdaMatch's and FixMatchDA's correction of pseudo-labels."""

from libml import layers

import tensorflow as tf

BATCHES = 128  # of which the unlabelled distribution is the mean
EPSILON = 1e-6


class Alignment:
    """Running class distributions of labelled and unlabelled images, each moved by this step's batch before it is used.

    Labelled: a moving average with momentum 0.999. Unlabelled: the mean of the last 128 batches. Both start uniform.
    Nothing here has a gradient. (AdaMatch, arXiv:2106.04732, section 3; adamatch@7a0b40c)

    Args:
        nclass: number of classes.
        p_labeled: [n, nclass] class probabilities of the labelled images.
        p_unlabeled: [m, nclass] predictions for the unlabelled images.

    Attributes:
        p_labeled, p_unlabeled: float32 [nclass], the updated distributions.
    """

    def __init__(self, nclass, p_labeled, p_unlabeled):
        self._labeled = layers.PData(nclass)
        self._unlabeled = layers.PMovingAverage('p_unlabeled', nclass, BATCHES)
        self.p_labeled = self._labeled.updated(tf.stop_gradient(p_labeled))
        self._buffer = self._unlabeled.updated(tf.stop_gradient(p_unlabeled))
        self.p_unlabeled = tf.reduce_mean(self._buffer, 0)

    def __call__(self, p):
        """Predictions [m, nclass] times the ratio of the distributions, again with sum 1."""
        ratio = (EPSILON + self.p_labeled) / (EPSILON + self.p_unlabeled)
        return tf.stop_gradient(layers.renorm(p * ratio))

    def kl(self):
        """Scalar: sum of P_l (log(P_l + 2^-17) - log(P_u + 2^-17)), how far the two are apart."""
        return tf.reduce_sum(self.p_labeled * (tf.math.log(self.p_labeled + 2 ** -17)
                                               - tf.math.log(self.p_unlabeled + 2 ** -17)))

    def new_values(self):
        """Tensors to compute before the step's updates: those that `updates` assigns."""
        return [self.p_labeled, self._buffer]

    def updates(self):
        """Ops that make the new values those of the variables."""
        return [self._labeled.p_data.assign(self.p_labeled, read_value=False),
                self._unlabeled.ma.assign(self._buffer, read_value=False)]
