"""Which threshold each class has and how much it is trained on, for TensorBoard: a part of methods after FixMatch."""

from libml import plots, trackers

import numpy as np
import tensorflow as tf

DECAY = 0.99  # of the average of the shares: about the last hundred steps


class ClassUse(trackers.Tracker):
    """A tracker of two rows, float32 [2, C], that starts with zeros.

    The first are the thresholds of the last step. The second are moving averages of the share of the unlabelled images
    that are trained on as each class: they sum to the mean mask.
    """

    def __init__(self, nclass):
        super().__init__('class_use', np.zeros([2, nclass]))

    def observe(self, labels, weights, thresholds):
        """Returns the next rows, after pseudo-labels int [n] of weights [n] under thresholds [C], or one for all []."""
        _, shares = tf.unstack(self.variable.read_value())
        used = tf.reduce_mean(tf.one_hot(labels, shares.shape[0]) * weights[:, None], 0)
        return self._follow(tf.stack([tf.broadcast_to(thresholds, shares.shape), DECAY * shares + (1 - DECAY) * used]))

    def summaries(self, session):
        """list of Summary.Value: `threshold/class0` ..., `usage/class0` ..., and a picture of both."""
        rows = dict(zip(('threshold', 'usage'), session.run(self.variable)))

        def draw(figure):
            for axes, (title, row) in zip(figure.subplots(2, sharex=True), rows.items()):
                axes.bar(range(len(row)), row)
                axes.set_ylabel(title)
            axes.set_xlabel('class')

        return [tf.compat.v1.Summary.Value(tag=f'{title}/class{i}', simple_value=value)
                for title, row in rows.items() for i, value in enumerate(row)] + plots.summary('classes', draw)
