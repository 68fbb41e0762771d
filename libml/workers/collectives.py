"""Exchanges between workers as ops of a graph.

All workers build the same graphs in the same order, so that the n-th exchange of one is the n-th of all: the runtime
tells them apart by a number, which is used once in a process.
"""

import itertools

import tensorflow as tf

OPTIONS = dict(group_key=1, communication_hint='auto')
KINDS = ('CollectiveGatherV2', 'CollectiveReduceV2')


class Exchanges:
    """Makes the exchanges of one of so many workers.

    Args:
        workers: how many there are.
        first: number of the first exchange. None may have that of another in the life of a process.
    """

    def __init__(self, workers, first):
        self.workers = workers
        self._numbers = itertools.count(first)

    def gather(self, tensor):
        """[k, ...] of each worker -> [workers, k, ...]; there is no gradient."""
        everything = tf.raw_ops.CollectiveGatherV2(input=tensor, ordering_token=[], **self._options())
        return tf.reshape(everything, [self.workers, *tensor.shape])

    def total(self, flat):
        """The sum over the workers of float32 [n]."""
        return tf.raw_ops.CollectiveReduceV2(input=flat, ordering_token=[], merge_op='Add', final_op='Id',
                                             **self._options())

    def from_chief(self, variables, chief):
        """An op that gives variables the values that they have on the chief, one after the other."""
        last = []
        for variable in variables:
            with tf.control_dependencies(last):
                if chief:
                    last = [tf.raw_ops.CollectiveBcastSendV2(input=variable.read_value(), **self._options())]
                else:
                    value = tf.raw_ops.CollectiveBcastRecvV2(shape=variable.shape, T=variable.dtype.base_dtype,
                                                             **self._options())
                    last = [variable.assign(tf.ensure_shape(value, variable.shape), read_value=False)]
        return tf.group(last)

    def _options(self):
        return dict(OPTIONS, group_size=self.workers, instance_key=next(self._numbers))


def needed(op):
    """list of the exchanges that an op needs, in the order in which they were built."""
    waiting, names = [op], set()
    while waiting:
        next_op = waiting.pop()
        if next_op.name not in names:
            names.add(next_op.name)
            waiting += [*(tensor.op for tensor in next_op.inputs), *next_op.control_inputs]
    return [found for found in op.graph.get_operations() if found.type in KINDS and found.name in names]


def chain(op):
    """Has the exchanges that an op needs happen one after the other, on all workers in the same order.

    GPUs need that. An order by control dependencies while they are built would have a step also compute passes of the
    network that it does not need.
    """
    exchanges = needed(op)
    for first, second in zip(exchanges, exchanges[1:]):
        second._add_control_inputs([first])  # There is no public name for what TensorFlow itself does so.
