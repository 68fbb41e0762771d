"""Memory: what certainly does not fit into it is refused before anything is written, and names the flags behind it."""

import contextlib
import math
import os

from libml.utils import InputError, one_line

import tensorflow as tf

# Hyper-parameters that the sizes of batches and networks follow from.
SIZES = ('batch', 'uratio', 'K', 'filters', 'repeat', 'scales')


class TooLarge(InputError):
    """Something is larger than this machine's memory."""


def check(what, size):
    """TooLarge if `what`, a text, of so many bytes is larger than this machine's memory."""
    there = of_machine()
    if size > there:
        raise TooLarge(f'{what} would take {size / 1e9:,.0f} GB, and this machine has {there / 1e9:,.0f} GB')


def check_floats(what, shape):
    """As `check`, for a float32 tensor of this shape, a list of int."""
    check(f'{what} of shape {shape}', 4 * math.prod(shape))


def check_graph(graph):
    """As `check`, for all variables of a graph together, and for each of its tensors whose shape is known."""
    variables = graph.get_collection(tf.compat.v1.GraphKeys.GLOBAL_VARIABLES)
    check('the variables', sum(v.shape.num_elements() * v.dtype.size for v in variables))
    for op in graph.get_operations():
        for tensor in op.outputs:
            if tensor.shape.is_fully_defined():
                check(f'{op.name} of shape {tensor.shape.as_list()}', tensor.shape.num_elements() * tensor.dtype.size)


def of_machine():
    """Bytes of memory that this machine has; infinity where it does not say."""
    try:
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf.
        return math.inf


@contextlib.contextmanager
def needed_for(params):
    """A context in which what does not fit into memory is an InputError that names the SIZES in `params`.

    Memory of accelerators counts too, and what TensorFlow cannot get where other processes have taken it.
    """
    try:
        yield
    except (TooLarge, tf.errors.ResourceExhaustedError) as error:
        sizes = ' '.join(f'--{name}={params[name]}' for name in SIZES if name in params)
        raise InputError(f'not enough memory for {sizes}: {one_line(error)}') from error
