"""A model trained with momentum, a learning rate that falls and weight decay in the loss: FixMatch's, AdaMatch's."""

from libml import models, schedules

import tensorflow as tf


class MomentumModel(models.MultiModel):
    """A MultiModel whose subclasses build their step with `momentum_step`, from the hyper-parameters `lr` and `wd`.

    Schedule and optimizer are FixMatch's unless a subclass overrides them.
    """

    MOMENTUM = 0.9

    def learning_rate(self):
        """Scalar: lr * cos(7/16 pi progress) (FixMatch, section 2.3)."""
        return self.params.lr * schedules.cosine(self.progress())

    def optimizer(self, lr):
        """Nesterov momentum 0.9."""
        return tf.compat.v1.train.MomentumOptimizer(lr, self.MOMENTUM, use_nesterov=True)

    def momentum_step(self, batch, terms, statistics, monitors=None):
        """MultiModel.train_step by `optimizer`; adds weight decay to the terms and `lr` to the monitors."""
        lr = self.learning_rate()
        return self.train_step(batch, {**terms, 'wd': (self.params.wd, self.l2())}, self.optimizer(lr), statistics,
                               monitors={'monitors/lr': lr, **(monitors or {})})
