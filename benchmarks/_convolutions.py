"""A part of train_step.py: the convolutions of a graph, counted and run alone.

This is what a training step could reach at best on this machine.
"""

import collections
import math

from libml.utils import session_config

import tensorflow as tf

TYPES = ('Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter')
Convolution = collections.namedtuple('Convolution', 'type image kernel result strides padding dtype')


def of_op(target, rows):
    """Counter of the Convolutions that must run for an operation: those it reaches backwards.

    Args:
        target: a tf.Operation.
        rows: taken for the size of a batch that the graph leaves open (evaluation takes any number of images).
    """
    found, seen, stack = collections.Counter(), set(), [target]
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        stack += [t.op for t in op.inputs] + list(op.control_inputs)
        if op.type in TYPES:
            image, kernel, result = [tuple(rows if size is None else size for size in t.shape.as_list())
                                     for t in (list(op.inputs) + list(op.outputs))[:3]]
            # The gradients are given the size of what they make as numbers, not as a tensor of that shape.
            if op.type == 'Conv2DBackpropInput':
                image = tuple(op.outputs[0].shape.as_list())
            elif op.type == 'Conv2DBackpropFilter':
                kernel = tuple(op.outputs[0].shape.as_list())
            found[Convolution(op.type, image, kernel, result, tuple(op.get_attr('strides')),
                              op.get_attr('padding').decode(), op.outputs[0].dtype.name)] += 1
    return found


def flop(convolution):
    """Floating-point operations of one Convolution, a multiplication and an addition counted as two."""
    return 2 * math.prod(convolution.result) * math.prod(convolution.kernel[:3])


class Replay:
    """Runs the Convolutions of a Counter alone, each as often as it was counted, one after the other.

    run() is one round; time it.
    """

    def __init__(self, convolutions):
        graph = tf.Graph()
        with graph.as_default():
            last, ends = [], []
            for convolution, count in convolutions.items():
                image, kernel, result = [self._variable(shape, convolution.dtype) for shape in convolution[1:4]]
                for _ in range(count):
                    with tf.control_dependencies(last):
                        y = self._build(convolution, image, kernel, result)
                    last = [y.op]
                    # Something of every result is used, or the graph optimiser would drop the convolution.
                    ends.append(tf.cast(tf.reshape(y, [-1])[0], tf.float32))
            self.op = tf.add_n(ends)
            self.session = tf.compat.v1.Session(config=session_config(), graph=graph)
            self.session.run(tf.compat.v1.global_variables_initializer())

    @staticmethod
    def _variable(shape, dtype):
        return tf.compat.v1.Variable(tf.cast(tf.random.stateless_normal(shape, [0, 0]), dtype), use_resource=True)

    @staticmethod
    def _build(c, image, kernel, result):
        attributes = dict(strides=list(c.strides), padding=c.padding)
        if c.type == 'Conv2D':
            return tf.raw_ops.Conv2D(input=image.read_value(), filter=kernel.read_value(), **attributes)
        if c.type == 'Conv2DBackpropInput':
            return tf.raw_ops.Conv2DBackpropInput(input_sizes=c.image, filter=kernel.read_value(),
                                                  out_backprop=result.read_value(), **attributes)
        return tf.raw_ops.Conv2DBackpropFilter(input=image.read_value(), filter_sizes=c.kernel,
                                               out_backprop=result.read_value(), **attributes)

    def run(self):
        """One round of all convolutions."""
        self.session.run(self.op)
