"""What a network starts with (--init): the weights of a Keras file, of a run or checkpoint, or of an .npz file."""

import os

from libml.networks import archs
from libml.training import checkpoint, keras_weights
from libml.training.run_folder import RunFolder
from libml.utils import InputError, expanded, one_line

import numpy as np
import tensorflow as tf

AVERAGE = '/ExponentialMovingAverage'
# A network is in the first scope; that of SimCLR has in it only its head, the layer that makes the logits.
CLASSIFY, ENCODER = 'classify/', 'encoder/'
HEAD = 'head/'
MOST_NAMED = 3


def load(session, model, path):
    """Starts the network of a MultiModel, running batch-norm statistics and averages included, with weights of a file.

    The head stays as it is if the file has none, or one of another number of classes.

    Args:
        session: a session of the model's graph in which all variables have their initial values.
        path: an .h5 file of Keras' ResNet50V2, an .npz file, a checkpoint or a run folder.
    Returns:
        list of one or two lines: what was taken, and what is new.
    Raises:
        InputError: the file cannot be read or is of another network.
    """
    p, variables = model.params, {v.op.name: v for v in model.variables}
    network = {part: variables[name] for part, name in parts(variables, p.arch, p.scales).items()}
    try:
        source, values = read(expanded(path), p.arch, p.scales, model.dataset.whitened)
        taken = fitting(values, network, p.arch)
    except InputError as error:
        raise InputError(f'--init={path}: {error}') from error
    names = [name for v in taken.values() for name in (v.op.name, v.op.name + AVERAGE) if name in variables]
    # An average's initial value is its variable's: the same array starts both.
    session.run([variables[name].initializer for name in names],
                {v.initial_value: values[part] for part, v in taken.items()})
    return told(source, values, network, taken)


def parts(names, arch, scales):
    """dict part of a network -> its name among `names`, a set or dict of names of variables.

    Parts are the same for all models: `conv2d/kernel` below the network's scope, `head/kernel` of its head. What is
    below a variable, such as its average, is no part.
    """
    scope = ENCODER if any(name.startswith(ENCODER) for name in names) else CLASSIFY
    head = CLASSIFY + ('dense' if scope == ENCODER else archs.head(arch, scales)) + '/'
    body = {name.removeprefix(scope): name for name in whole(names)
            if name.startswith(scope) and not name.startswith(head)}
    return {**body, **{HEAD + name.removeprefix(head): name for name in whole(names) if name.startswith(head)}}


def whole(names):
    """Those names of variables, of a set or dict of them, that are not below another: no average, no optimizer's."""
    return [name for name in names if name.rpartition('/')[0] not in names]


def read(path, arch, scales, whitened):
    """What was read, and dict part of its network -> array; averages where there are any.

    Args:
        arch, scales: of the network that is to start.
        whitened: whether its input is normalised by the training images' statistics.
    Raises:
        InputError: it cannot be read, or says that it is of another network.
    """
    ending = os.path.splitext(path)[1]
    if ending == '.keras':
        raise InputError('files .keras hold a program: give the weights alone, model.save_weights(\'x.weights.h5\')')
    if ending not in ('.h5', '.hdf5', '.npz'):
        path = checkpoint.find(path)
        check_run(path, 'it', arch=arch, whiten=whitened)
        arrays = of_checkpoint(path)
    else:
        if ending != '.npz' and arch != keras_weights.ARCH:
            raise InputError(f'files of Keras are for --arch={keras_weights.ARCH}, this network is --arch={arch}')
        arrays = of_npz(path) if ending == '.npz' else keras_weights.read(path)
        if not any(name.startswith((CLASSIFY, ENCODER)) for name in arrays):
            arrays = {CLASSIFY + name: array for name, array in arrays.items()}
    return path, {part: arrays[name] for part, name in parts(arrays, arch, scales).items()}


def check_run(prefix, what, **needed):
    """InputError, which calls it `what`, if a checkpoint's args.json says that it is of a run with other arguments."""
    args = RunFolder.of(prefix).read_args()
    for name, value in needed.items():
        if args.get(name, value) != value:
            raise InputError(f'{what} is of a run with {name}={args[name]}: give one with {name}={value}')


def of_checkpoint(prefix):
    """dict name -> array, of the variables of a checkpoint's network; averages in place of those that have one.

    Raises:
        InputError: it cannot be read.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        names = {name for name in reader.get_variable_to_shape_map() if name.startswith((CLASSIFY, ENCODER))}
        return averaged(names, reader.get_tensor)
    except checkpoint.DAMAGED_RAISES as error:
        raise InputError(f'cannot read checkpoint {prefix}: {one_line(error)}') from error


def of_npz(path):
    """As `of_checkpoint`, of all arrays of an .npz file."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return averaged(set(content.files), content.__getitem__)
    except Exception as error:  # NumPy and zipfile raise whatever they stumble over; no narrower class covers all.
        raise InputError(f'cannot read it as an .npz file: {one_line(error)}') from error


def averaged(names, array):
    """dict name -> array(name of its average, else its own), of the `whole` names."""
    return {name: np.asarray(array(name + AVERAGE if name + AVERAGE in names else name)) for name in whole(names)}


def fitting(values, network, arch):
    """dict part -> variable of those of a network that can take their values; all of them, but maybe not the head's.

    Args:
        values: dict part -> array.
        network: dict part -> variable.
    Raises:
        InputError: a part is missing or one too many, or has another shape, or its numbers are none.
    """
    missing = [part for part in network if part not in values and not part.startswith(HEAD)]
    more = sorted(set(values) - set(network))
    for parts_of_it, words in ((missing, f'it lacks {len(missing)} of the {len(network)} variables'),
                               (more, f'it has {len(more)} variables more than the {len(network)}')):
        if parts_of_it:
            raise InputError(f'{words} of this --arch={arch}, first {parts_of_it[0]}: it is of another network')
    head = [part for part in network if part.startswith(HEAD)]
    same_head = all(part in values and values[part].shape == tuple(network[part].shape) for part in head)
    taken = {part: v for part, v in network.items() if same_head or part not in head}
    for part, v in taken.items():
        value = values[part]
        if value.shape != tuple(v.shape):
            raise InputError(f'its {part} has shape {list(value.shape)}, this network needs {v.shape.as_list()}')
        if not (np.issubdtype(value.dtype, np.floating) and np.isfinite(value).all()):
            raise InputError(f'its {part} is not of finite numbers, as weights are')
    return taken


def told(source, values, network, taken):
    """Lines that say which variables were taken from a source and which are new."""
    names = [v.op.name for v in taken.values()]
    lines = [f'Started from {source}: {len(names)} of {len(network)} variables of the network '
             f'({", ".join(names[:MOST_NAMED])} ...), running statistics and averages included']
    head = [part for part in network if part not in taken]
    if head:
        shapes = [f'{part.removeprefix(HEAD)} {list(values[part].shape)}' for part in head if part in values]
        reason = f'it has {", ".join(shapes)}' if shapes else 'it has none'
        new = ', '.join(f'{network[part].op.name} {network[part].shape.as_list()}' for part in head)
        lines.append(f'New: {new} ({reason})')
    return lines
