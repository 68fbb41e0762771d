"""Optimizers that TensorFlow does not have: LARS, and two optimizers as one."""

import tensorflow as tf

TRUST = 0.001


class LARS(tf.compat.v1.train.Optimizer):
    """Layer-wise adaptive rate scaling (arXiv:1708.03888), as google-research/simclr@383d414 lars_optimizer.py has it.

    For a kernel w with gradient g: g <- g + decay w; v <- momentum v + rate TRUST |w| / |g| g; w <- w - v. Where a norm
    is zero, and for variables that are no kernels (biases, batch norm), it is plain momentum without decay.
    """

    def __init__(self, learning_rate, momentum=0.9, decay=0., name='LARS'):
        super().__init__(False, name)
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.decay = decay

    def _create_slots(self, var_list):
        for variable in var_list:
            self._zeros_slot(variable, 'momentum', self._name)

    def _resource_apply_dense(self, grad, var):
        rate = self.learning_rate
        if var.op.name.endswith('kernel'):
            weights = var.read_value()
            grad += self.decay * weights
            norms = tf.norm(weights), tf.norm(grad)
            rate *= tf.where(tf.minimum(*norms) > 0, TRUST * tf.math.divide_no_nan(*norms), 1.)
        moved = self.momentum * self.get_slot(var, 'momentum').read_value() + rate * grad
        kept = self.get_slot(var, 'momentum').assign(moved, read_value=False)
        return tf.group(kept, var.assign_sub(moved, read_value=False))


class ByScope:
    """One optimizer for the variables of a scope, another for the rest, as if they were one.

    Args:
        scope: start of the names of variables, with its slash.
        inside, outside: tf.compat.v1.train.Optimizer.
    """

    def __init__(self, scope, inside, outside):
        self.scope = scope
        self.inside = inside
        self.outside = outside

    def apply_gradients(self, gradients_and_variables):
        """Op of one step on pairs (gradient, variable)."""
        pairs = list(gradients_and_variables)
        is_inside = [v.op.name.startswith(self.scope) for _, v in pairs]
        return tf.group(*[optimizer.apply_gradients([pair for pair, here in zip(pairs, is_inside) if here == wanted])
                          for optimizer, wanted in ((self.inside, True), (self.outside, False))])
