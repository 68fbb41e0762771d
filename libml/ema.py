"""Exponential moving averages of variables, and the variable getter that reads them in place of the variables."""

import tensorflow as tf


class MovingAverage:
    """Averages shadow <- decay * shadow + (1 - decay) * variable, started at the variable's initial value.

    No correction for the start, as in the original. A shadow is a variable `<name>/ExponentialMovingAverage`.

    Args:
        decay: in [0, 1].
        statistics: whether the getter also reads averages of running batch-norm statistics (AdaMatch).
    """

    def __init__(self, decay, statistics=False):
        self.decay = decay
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
        """Ops, one per variable, that move its shadow towards the value read here: under the caller's control."""
        return [shadow.assign(self.decay * shadow.read_value() + (1 - self.decay) * variable.read_value(),
                              read_value=False)
                for variable, shadow in [(v, self.average(v)) for v in variables]]

    def getter(self, getter, name, *args, **kwargs):
        """A custom_getter of tf.compat.v1.variable_scope: trainable variables are read as their averages.

        Others, the running statistics of batch norm, are read as they are unless `statistics`. The signature is
        TensorFlow's.
        """
        variable = getter(name, *args, **kwargs)
        return self.average(variable) if variable.trainable or self.statistics else variable
