"""CTAugment of ReMixMatch's own repository, of which FixMatch's is a later version.

The differences are where a parameter is drawn from, and an operation that does nothing; probes, updates and all other
operations are the same. (google-research/remixmatch libml/ctaugment.py @f7061eb)
"""

from libml.augment import ctaugment

import tensorflow as tf


class ReMixMatchCTAugment(ctaugment.CTAugment):
    """A CTAugment that draws between the bins: of n bins, segment i of n - 1 has the weights of bins i and i + 1."""

    # Kept from the original: rescale cuts off up to a quarter of one pixel, not of the size, and so nothing.
    LAYOUT = ctaugment.Layout(dict(ctaugment.OPERATIONS, rescale=ctaugment.OPERATIONS['rescale']._replace(
        image_op='identity', arguments=ctaugment.OPERATIONS['identity'].arguments)))
    SEGMENTS = LAYOUT.bins - 1

    @property
    def name(self):
        """Component of the path of a run: FixMatch's, which came first in this library, with a suffix."""
        return f'{super().name}_remixmatch'

    def segments(self, rates):
        weights = self.weights(rates)
        begins_one = tf.range(weights.shape[1]) < self.SEGMENTS[:, None]
        return tf.where(begins_one, weights + tf.roll(weights, -1, 1), 0.)
