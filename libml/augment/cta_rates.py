"""CTAugment's rates in the graph: written by the training step, read by the pipeline a fixed number of steps later."""

from libml import streams, trackers

import numpy as np
import tensorflow as tf

# Batch t uses the rates as they were after step t - LAG. While step s runs, the pipeline works on batches up to
# s + PARALLEL_BATCHES + PREFETCH, and the newest rates are those after step s - 1.
LAG = streams.PARALLEL_BATCHES + streams.PREFETCH + 2


class Rates:
    """A ring of the rates after the last LAG steps, each with the number of the step that wrote it.

    What a batch is augmented with thus does not depend on how far the pipeline has run ahead, and the ring is in the
    checkpoint: a resumed run has the same bits. (The original's rates were up to 4 batches old, by
    chance, and lost when a run was resumed.)

    Args:
        initial: float32 [rows, bins], the rates before training.
        first: number of the batch that training begins with, int64 scalar. It is not 0 where training goes on from a
            checkpoint without rates.
    """

    def __init__(self, initial, first=0):
        with tf.compat.v1.variable_scope('ctaugment'):
            rates = np.tile(initial, (LAG, 1, 1))
            self.ring = trackers.state_variable('rates', rates)
            # Row r is the rates after the last step s before the first with s % LAG = r: before training.
            last = tf.convert_to_tensor(first, tf.int64) - 1
            self.written = trackers.state_variable('written', last - (last - np.arange(LAG)) % LAG)

    def for_batch(self, t):
        """float32 [rows, bins]: what batch t (int64 scalar) is augmented with; to be called in the pipeline."""
        # Read the stamp before the row. `write` stores the row first and the stamp second, so a correct stamp
        # guarantees a complete row.
        stamp = tf.gather(self.written, t % LAG)
        check = tf.debugging.assert_equal(stamp, t - LAG, 'the pipeline ran further ahead than CTAugment\'s lag')
        with tf.control_dependencies([check]):
            return tf.gather(self.ring.read_value(), t % LAG)

    def newest(self, t):
        """float32 [rows, bins]: the rates after step t - 1."""
        return self.ring.read_value()[(t - 1) % LAG]

    def write(self, t, rates):
        """Op that makes `rates` those after step t."""
        row = self.ring.scatter_update(tf.IndexedSlices(rates, t % LAG))
        with tf.control_dependencies([row]):
            return self.written.scatter_update(tf.IndexedSlices(t, t % LAG)).op
