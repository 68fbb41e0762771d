"""How a model's graph is split over the workers of a run; `Single` is a run on one.

Only the inside of a pass of the network is split, and the gradients are averaged. A worker's rows of the logits are
put together with the others', and the losses are computed on every worker from all of them. Their gradient, times the
number of workers, flows into the worker's own rows: the mean over the workers is then the gradient, both of weights
that it reaches through the network, in parts, and of those that it reaches otherwise, as weight decay does, whole.
"""

import contextlib
import os
import signal

from libml import interrupts
from libml.utils import InputError, Lost, session_config
from libml.workers import cluster, collectives, process
from libml.workers.rows import Rows

import numpy as np
import tensorflow as tf


class Whole:
    """A pass of the network that is not split."""

    gather = None

    def rows(self, x):
        """This worker's rows of a batch [n, ...]."""
        return x

    def draws(self, draws):
        """Draws for these rows."""
        return draws

    def gathered(self, out, batch_norm):
        """What the network gave for all rows of the batch."""
        del batch_norm
        return out


class Single:
    """One process, which has no others.

    Attributes:
        joint: whether batch norm has the statistics of all rows, else those of a worker's own. Running statistics are
            the same on all in both cases.
    """

    count = 1
    chief = True
    joint = True
    asked_by_all = ()  # to be fetched with a step: what `asks` of all workers came to

    def part(self, x):
        """How a pass of the network over images x [n, h, w, c] is split: as they come, unless `by_parts` says more. Not
        at all if n is not fixed: all workers evaluate."""
        del x
        return Whole()

    def by_parts(self, x, sizes, groups=1):
        """Has a pass over images x be split as batches are of which x has all rows, one after the other.

        Args:
            x: [n, h, w, c].
            sizes: rows of the batches.
            groups: into how many layers.interleave_rows has mixed these rows.
        Returns:
            x.
        """
        del sizes, groups
        return x

    def own(self, rows):
        """int array: the rows that this worker has of a batch; None for all."""
        del rows

    def mean(self, gradients):
        """The means over the workers of a list of gradients; some may be None."""
        return gradients

    def chain(self, ops):
        """Fixes the order of the exchanges of a step, of what a model's graph has."""

    def asks(self, number):
        """What to feed in a step of a worker to which the signal `number` came, or None."""
        del number
        return {}

    def agreed(self, number, asked):
        """The signal that ends the run on all workers, or None: `number`, or what the value `asked` of asked_by_all
        says that one of them was sent."""
        del asked
        return number

    @contextlib.contextmanager
    def quiet(self):
        """A context in which only the chief prints to stdout."""
        yield

    def start(self, mine):
        """Waits for the other workers, and compares with theirs what must be the same (identity.of)."""

    @contextlib.contextmanager
    def session(self, graph):
        """A session to train in. At its end all have come to theirs."""
        with tf.compat.v1.Session(graph=graph, config=session_config()) as session:
            yield session

    def share(self, session, variables):
        """Gives variables the values that they have on the chief."""


class Workers(Single):
    """The processes of a cluster.Cluster.

    Args:
        cluster: names them, and says which one this is.
    """

    server = None

    def __init__(self, cluster):
        self.cluster = cluster
        self.count = len(cluster.addresses)
        self.chief = not cluster.index
        self._orders = {}  # reference of a tensor -> int array [count, k], the rows of each worker
        self.exchanges = collectives.Exchanges(self.count, process.HANDSHAKES)

    def part(self, x):
        rows = x.shape[0]
        return Whole() if rows is None else Part(self, self._orders[x.ref()] if x.ref() in self._orders
                                                 else self._split(rows))

    def by_parts(self, x, sizes, groups=1):
        starts = np.cumsum([0, *sizes[:-1]])
        place = np.arange(sum(sizes)).reshape(-1, groups).T.ravel()  # Of each row, before they were interleaved.
        blocks = np.concatenate([start + self._split(size) for start, size in zip(starts, sizes)], 1)
        self._orders[x.ref()] = np.argsort(place)[blocks]
        return x

    def own(self, rows):
        return self._split(rows)[self.cluster.index]

    def _split(self, rows):
        """int array [count, rows / count]: the rows of each worker."""
        if rows % self.count:
            raise InputError(f'{rows} images in a pass of the network cannot be split over {self.count} workers: give '
                             f'a --batch that is a multiple of {self.count}')
        return np.arange(rows).reshape(self.count, -1)

    def mean(self, gradients):
        """All in one buffer. With it goes what the loop asks the others for."""
        self.asked = tf.compat.v1.placeholder_with_default(np.zeros(len(interrupts.SIGNALS), np.float32),
                                                           [len(interrupts.SIGNALS)])
        given = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
        parts = [self.asked, *(tf.reshape(gradient, [-1]) for gradient in given)]
        total = self.exchanges.total(tf.concat(parts, 0))
        self.asked_by_all, *sums = tf.split(total, [part.shape[0] for part in parts])
        means = iter([tf.reshape(part / self.count, gradient.shape) for part, gradient in zip(sums, given)])
        return [gradient if gradient is None else next(means) for gradient in gradients]

    def chain(self, ops):
        collectives.chain(ops.train_op)

    def asks(self, number):
        return {self.asked: [float(number == other) for other in interrupts.SIGNALS]}

    def agreed(self, number, asked):
        return next((signal.Signals(other) for other, share in zip(interrupts.SIGNALS, asked) if share), None)

    @contextlib.contextmanager
    def quiet(self):
        with contextlib.ExitStack() as stack:
            if not self.chief:
                stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, 'w'))))
            yield

    def start(self, mine):
        self.server = self.server or process.serve(self.cluster)
        process.shake_hands(self.server.target, self.cluster, mine)

    @contextlib.contextmanager
    def session(self, graph):
        with process.Session(self.server.target, self.cluster, graph, self.exchanges) as session:
            yield session
            with contextlib.suppress(*[Lost] * self.chief):  # What it had to write is written.
                session.run(self.exchanges.total(tf.zeros([1])))

    def share(self, session, variables):
        session.run(self.exchanges.from_chief(variables, self.chief))


def from_environment():
    """The Workers of TF_CONFIG, else a Single."""
    found = cluster.from_environment()
    return Workers(found) if found else Single()


class Part:
    """A worker's part of a pass of the network.

    Args:
        workers: the Workers.
        owned: int array [count, k], the rows of each.
    """

    def __init__(self, workers, owned):
        self.workers = workers
        self.owned = owned
        self.own = owned[workers.cluster.index]
        self.gathers = workers.exchanges.gather
        self.gather = self.gathers if workers.joint else None

    def rows(self, x):
        @tf.custom_gradient
        def take(x):
            return tf.gather(x, self.own), lambda dy: self._in_order(self.gathers(dy)) / self.workers.count

        return take(x)

    def draws(self, draws):
        return Rows(draws, self.own, self.owned.size)

    def gathered(self, out, batch_norm):
        """One exchange for all; where batch norm is a worker's own, the running statistics follow the mean of all."""
        given = {name: rows for name, rows in out.items() if rows is not None}
        moving = [moving for moving, _ in batch_norm.batch_stats]
        own_statistics = [] if self.gather else [statistic for _, statistic in batch_norm.batch_stats]

        @tf.custom_gradient
        def exchange(rows):
            parts = [tf.reshape(rows, [-1]), *own_statistics]
            found = tf.split(self.gathers(tf.concat(parts, 0)), [part.shape[0] for part in parts], 1)
            everything = self._in_order(tf.reshape(found[0], [self.workers.count, *rows.shape]))

            def gradient(dy, *_):
                return tf.gather(dy, self.own) * self.workers.count

            return [everything, *(tf.reduce_mean(statistic, 0) for statistic in found[1:])], gradient

        everything, *statistics = exchange(tf.concat(list(given.values()), 1))
        if statistics:
            batch_norm.batch_stats = list(zip(moving, statistics))
        widths = [rows.shape[1] for rows in given.values()]
        return type(out)(out, **dict(zip(given, tf.split(everything, widths, 1))))

    def _in_order(self, rows):
        """[count, k, ...] -> [n, ...], the rows of the batch in their order."""
        rows = tf.reshape(rows, [-1, *rows.shape[2:]])
        order = self.owned.ravel()
        return rows if np.array_equal(order, np.arange(len(order))) else tf.gather(rows, np.argsort(order))
