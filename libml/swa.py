"""Averages of weights that get batch-norm statistics of their own: a plain mean of snapshots, or an exponential one.

A network whose weights are averaged needs other running statistics than the live one: `reestimation` takes them from
passes of the averaged network over training images. (Stochastic weight averaging, arXiv:1803.05407, algorithm 1.)
"""

from libml import ema

import tensorflow as tf


class LiveWeights(ema.MovingAverage):
    """No average: the getter reads the variables themselves."""

    def __init__(self):
        super().__init__(0.)

    def average(self, variable):
        return variable

    def update(self, variables):
        return []


class SnapshotMean(ema.MovingAverage):
    """Plain mean of the values after steps start, start + period, start + 2 period ...; until then the live values.

    With n snapshots taken, mean <- (n mean + variable) / (n + 1), as SWA of TensorFlow Addons. The mean is kept where
    MovingAverage keeps its averages, under the same names. Its getter also reads the means of running batch-norm
    statistics, which `update` is not given: `reestimation` makes them.

    Args:
        index: int64 scalar tensor, number of this step, from 0.
        start: number of the first step whose result counts.
        period: steps between two snapshots.
    """

    def __init__(self, index, start, period):
        super().__init__(0., statistics=True)
        self.index = index
        self.start = start
        self.period = period

    def update(self, variables):
        """Ops, one per variable, to be run in every step: under the caller's control."""
        since = self.index - self.start
        n = tf.cast(tf.maximum(since // self.period, 0), tf.float32)
        due = (since < 0) | tf.equal(since % self.period, 0)
        updates = []
        for variable in variables:
            mean = self.average(variable)
            old = mean.read_value()
            new = (n * old + variable.read_value()) / (n + 1)
            updates.append(mean.assign(tf.where(due, new, old), read_value=False))
        return updates


def reestimation(batch_stats, index):
    """Ops that make running statistics the plain mean over batches 0..index; for one batch after the other, from 0.

    Nothing of what the statistics were before batch 0 remains.

    Args:
        batch_stats: of the nn.BatchNorm of a pass in training mode: list of (moving variable, statistic [c]).
        index: int scalar tensor, number of the batch.
    """
    n = tf.cast(index, tf.float32)
    return [moving.assign((n * moving.read_value() + statistic) / (n + 1), read_value=False)
            for moving, statistic in batch_stats]
