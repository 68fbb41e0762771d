"""Random draws of the rows that one worker has of a batch: those that one process draws for these rows."""

from libml.draws import Draws

import tensorflow as tf


class Rows(Draws):
    """Draws for some rows of a batch: each is drawn for the whole batch, so that it does not depend on the workers.

    Every shape that is asked for begins with the number of rows that this worker has, or with a multiple of it: then
    the batch comes several times, one after the other.

    Args:
        draws: the Draws of the whole batch.
        own: int array [k], which rows of the batch these are.
        rows: how many the batch has.
    """

    def __init__(self, draws, own, rows):
        super().__init__(draws.seed, draws.position, draws.prefix)
        self.own = own
        self.rows = rows

    @property
    def whole(self):
        """The Draws of the whole batch."""
        return Draws(self.seed, self.position, self.prefix)

    def within(self, name):
        return Rows(super().within(name), self.own, self.rows)

    def uniform(self, name, shape, low=0., high=1., dtype=tf.float32):
        return self._kept(lambda whole: self.whole.uniform(name, whole, low, high, dtype), shape)

    def normal(self, name, shape):
        return self._kept(lambda whole: self.whole.normal(name, whole), shape)

    def beta(self, name, shape, beta):
        return self._kept(lambda whole: self.whole.beta(name, whole, beta), shape)

    def _kept(self, draw, shape):
        """This worker's rows of draw(shape of all)."""
        shape = tf.convert_to_tensor(shape, tf.int32)
        static = tf.get_static_value(shape)
        shape = shape if static is None else static
        times = shape[0] // len(self.own)
        drawn = draw(tf.concat([[times * self.rows], shape[1:]], 0) if static is None
                     else [times * self.rows, *shape[1:]])
        return tf.gather(drawn, tf.reshape(tf.range(times)[:, None] * self.rows + self.own, [-1]))
