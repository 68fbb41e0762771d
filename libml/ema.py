"""Averages of variables, and the variable getters that read them in place of the variables.

Exponential moving averages (MovingAverage), the plain mean of snapshots (SnapshotMean; stochastic weight averaging,
arXiv:1803.05407, algorithm 1), and none (LiveWeights). A network whose weights are averaged needs other running
batch-norm statistics than the live one: `reestimation` takes them from passes of the averaged network over training
images.
"""

import tensorflow as tf


class WeightAverage:
    """One average (a shadow) for each variable: a variable `<name>/ExponentialMovingAverage`.

    Args:
        statistics: whether the getter also reads averages of running batch-norm statistics (AdaMatch).

    Attributes:
        decay: of an exponential average; 0 for others.
    """

    decay = 0.

    def __init__(self, statistics):
        self.statistics = statistics
        self._shadows = {}

    def average(self, variable):
        """The shadow of a variable, a float32 resource variable that is not trainable; created at first use."""
        name = variable.op.name
        if name not in self._shadows:
            # Outside of the caller's name scope and control dependencies; the initial value is a stateless function, so
            # that evaluating it for the shadow gives what the variable itself started with.
            with tf.init_scope(), tf.compat.v1.name_scope(None):
                self._shadows[name] = tf.compat.v1.Variable(
                    variable.initial_value, trainable=False, name=f'{name}/ExponentialMovingAverage', use_resource=True)
        return self._shadows[name]

    def update(self, variables):
        """Ops, one per variable, to be run in every step under the caller's control: they move its shadow."""
        raise NotImplementedError

    def getter(self, getter, name, *args, **kwargs):
        """A custom_getter of tf.compat.v1.variable_scope: trainable variables are read as their averages.

        Others, the running statistics of batch norm, are read as they are unless `statistics`. The signature is
        TensorFlow's.
        """
        variable = getter(name, *args, **kwargs)
        return self.average(variable) if variable.trainable or self.statistics else variable


class MovingAverage(WeightAverage):
    """Averages shadow <- decay * shadow + (1 - decay) * variable, started at the variable's initial value.

    No correction for the start, as in the original.

    Args:
        decay: in [0, 1].
        statistics: as for WeightAverage.
    """

    def __init__(self, decay, statistics=False):
        super().__init__(statistics)
        self.decay = decay

    def update(self, variables):
        return [shadow.assign(self.decay * shadow.read_value() + (1 - self.decay) * variable.read_value(),
                              read_value=False)
                for variable, shadow in [(v, self.average(v)) for v in variables]]


class SnapshotMean(WeightAverage):
    """Plain mean of the values after steps start, start + period, start + 2 period ...; until then the live values.

    With n snapshots taken, mean <- (n mean + variable) / (n + 1), as SWA of TensorFlow Addons. Its getter also reads
    the means of running batch-norm statistics, which `update` is not given: `reestimation` makes them.

    Args:
        index: int64 scalar tensor, number of this step, from 0.
        start: number of the first step whose result counts.
        period: steps between two snapshots.
    """

    def __init__(self, index, start, period):
        super().__init__(statistics=True)
        self.index = index
        self.start = start
        self.period = period

    def update(self, variables):
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


class LiveWeights(WeightAverage):
    """No average: the getter reads the variables themselves."""

    def __init__(self):
        super().__init__(statistics=False)

    def average(self, variable):
        return variable

    def update(self, variables):
        return []


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
