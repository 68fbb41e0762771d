"""Exchanges as ops: their values, which of them a step needs, and their order."""

import in_threads
from libml.workers import collectives

import numpy as np
import tensorflow as tf


def test_values():
    def build(worker):
        own = tf.constant([[1., 2.], [3., 4.]]) * (1 + worker.cluster.index)
        variable = tf.compat.v1.get_variable('v', initializer=np.int64([7 + worker.cluster.index]), use_resource=True)
        flag = tf.compat.v1.get_variable('f', initializer=np.bool_(worker.chief), use_resource=True)
        with tf.control_dependencies([worker.exchanges.from_chief([variable, flag], worker.chief)]):
            return (worker.exchanges.gather(own), worker.exchanges.total(own[0]), variable.read_value(),
                    flag.read_value())

    for gathered, total, variable, flag in in_threads.computed(2, build):
        np.testing.assert_array_equal(gathered, [[[1, 2], [3, 4]], [[2, 4], [6, 8]]])
        np.testing.assert_array_equal(total, [3, 6])
        assert variable == [7] and flag


def test_a_step_waits_only_for_exchanges_that_it_needs():
    with tf.Graph().as_default():
        exchanges = collectives.Exchanges(2, 1)
        first, unneeded, third, last = [exchanges.gather(tf.fill([2], float(i))) for i in range(4)]
        with tf.control_dependencies([third]):
            step = tf.group(first, exchanges.total(last[0]))
        collectives.chain(step)
        needed = collectives.needed(step)
    assert [op.type for op in needed] == ['CollectiveGatherV2'] * 3 + ['CollectiveReduceV2']
    assert unneeded.op.inputs[0].op not in needed
    assert [op.control_inputs[-1:] for op in needed] == [[], *([op] for op in needed[:-1])]
    assert [op.get_attr('T') for op in needed] == [tf.float32] * 4
