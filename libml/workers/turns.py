"""Work outside of a training step that the workers do in turns, each a part of it."""

from libml.workers import process

import numpy as np
import tensorflow as tf


def rows(session, compute, chunks, shape):
    """Rows that are computed in chunks; on several workers each computes some of these, and all get all.

    All of them call it at the same time.

    Args:
        session: a session of one process, or the process.Session of a worker.
        compute: function of the number of a chunk that gives its rows, float32 [n, width]: n is shape[0], in the last
            chunk at most that.
        chunks: how many there are.
        shape: (n, width).
    Returns:
        list of arrays: one after the other they are all rows, and rows of zeros may follow.
    """
    if not isinstance(session, process.Session):
        return [compute(i) for i in range(chunks)]
    mine, count, found = session.cluster.index, len(session.cluster.addresses), []
    own, everything = _exchange(session, shape)
    for first in range(0, chunks, count):
        part = compute(first + mine) if first + mine < chunks else np.zeros([0, shape[1]], np.float32)
        padded = np.pad(part, [(0, shape[0] - len(part)), (0, 0)])
        found += list(session.run(everything, {own: padded}))
    return found


def _exchange(session, shape):
    """The placeholder of a worker's chunk and the tensor of all, made once for a shape."""
    if shape not in session.turns:
        with session.graph.as_default():
            own = tf.compat.v1.placeholder(tf.float32, shape)
            session.turns[shape] = own, session.exchanges.gather(own)
    return session.turns[shape]
