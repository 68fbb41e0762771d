"""Random draws of the rows that one worker has of a batch: those that one process draws for these rows."""

from libml.draws import Draws

import tensorflow as tf


class Rows(Draws):
    """Draws for some rows of a batch: each is drawn for the whole batch, so that it does not depend on the workers.

    Every shape that is asked for begins with the number of rows that this worker has.

    Args:
        draws: the Draws of the whole batch.
        own: int array [k], which rows of the batch these are.
        rows: how many the batch has.
    """

    def __init__(self, draws, own, rows):
        super().__init__(draws.seed, draws.position, draws.prefix)
        self.own = own
        self.rows = rows

    def within(self, name):
        return Rows(super().within(name), self.own, self.rows)

    def uniform(self, name, shape, low=0., high=1., dtype=tf.float32):
        return self._kept(super().uniform(name, self._whole(shape), low, high, dtype))

    def normal(self, name, shape):
        return self._kept(super().normal(name, self._whole(shape)))

    def beta(self, name, shape, beta):
        return self._kept(super().beta(name, self._whole(shape), beta))

    def _whole(self, shape):
        if isinstance(shape, (list, tuple, tf.TensorShape)):
            return [self.rows, *shape[1:]]
        return tf.concat([[self.rows], shape[1:]], 0)

    def _kept(self, drawn):
        return tf.gather(drawn, self.own)
