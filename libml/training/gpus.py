"""GPUs: the operations that give the same bits each time are taken on them."""

import tensorflow as tf


def make_deterministic():
    """Has TensorFlow take deterministic operations where there is a GPU; called before a graph is built.

    Some are chosen while a graph is built, others when it runs. Without a GPU nothing changes: operations of the CPU
    are deterministic as they are used here.
    """
    if found():
        tf.config.experimental.enable_op_determinism()


def lines():
    """Yields what the start of a run says of its GPUs."""
    if found():
        yield (f'GPUs: {len(found())}, with deterministic operations of TensorFlow, which may be slower; '
               'equal bits were shown on CPUs only')


def found():
    """list of the GPUs that TensorFlow sees."""
    return tf.config.list_physical_devices('GPU')
