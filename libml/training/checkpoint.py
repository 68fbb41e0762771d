"""Checkpoints: `tf/model.ckpt-<8 digits>` in a run folder, whole or not there.

Checkpoints of the original code are read, too.
"""

import os
import re
import shutil

from libml.utils import InputError, one_line, written_whole

import tensorflow as tf

NAME = 'model.ckpt'


def all_in(folder):
    """Prefixes of the checkpoints in `folder`, oldest first. They are found by `.index`: nothing else is needed."""
    found = []
    for entry in os.listdir(folder) if os.path.isdir(folder) else []:
        match = re.fullmatch(re.escape(NAME) + r'-(\d+)\.index', entry)
        if match:
            found.append((int(match.group(1)), os.path.join(folder, entry[:-len('.index')])))
    return [prefix for _, prefix in sorted(found)]


def find(path):
    """The prefix of a checkpoint from a prefix, one of its files, or a folder (then its newest, also in `tf/` below).

    Raises:
        InputError: there is none.
    """
    if os.path.isdir(path):
        found = all_in(path) or all_in(os.path.join(path, 'tf'))
        if found:
            return found[-1]
    prefix = re.sub(r'\.(index|meta|data-\d+-of-\d+)$', '', path)
    if os.path.exists(prefix + '.index'):
        return prefix
    raise InputError(f'no checkpoint at {path}: give a prefix like tf/{NAME}-00065536 or a run folder')


def saver(variables):
    """A Saver of these variables; older checkpoints are removed by `save`, not by it."""
    return tf.compat.v1.train.Saver(variables, max_to_keep=0)


def save(session, saver, folder, step, keep):
    """Writes `<folder>/model.ckpt-<step>` and removes all but the newest `keep`, also ones of earlier processes.

    The files are written in a folder beside and renamed, the index last, so that a checkpoint that can be found is
    whole.

    Raises:
        InputError: the folder is full or cannot be written.
    """
    name = f'{NAME}-{step:08d}'
    temporary = os.path.join(folder, f'.saving.{os.getpid()}')
    try:
        os.makedirs(temporary, exist_ok=True)
        saver.save(session, os.path.join(temporary, name), write_meta_graph=False, write_state=False)
        for entry in sorted(os.listdir(temporary)):  # data before index
            os.replace(os.path.join(temporary, entry), os.path.join(folder, entry))
        for old in all_in(folder)[:-keep]:
            _remove(old)
        _write_state(folder)
    except (OSError, tf.errors.OpError) as error:
        reason = one_line(getattr(error, 'strerror', None) or error)
        raise InputError(f'cannot save {os.path.join(folder, name)}: {reason}') from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_state(folder):
    """The text file `checkpoint` that tf.train.latest_checkpoint reads; nothing here does."""
    names = [os.path.basename(prefix) for prefix in all_in(folder)]
    with written_whole(os.path.join(folder, 'checkpoint')) as f:
        f.write(f'model_checkpoint_path: "{names[-1]}"\n')
        f.writelines(f'all_model_checkpoint_paths: "{name}"\n' for name in names)


def _remove(prefix):
    """Removes a checkpoint, its index first: what can be found is whole."""
    folder, name = os.path.split(prefix)
    entries = [entry for entry in os.listdir(folder) if entry.startswith(name + '.')]
    for entry in sorted(entries, key=lambda entry: not entry.endswith('.index')):
        os.unlink(os.path.join(folder, entry))


def restore(session, saver, path, variables):
    """Restores `variables` by name from the checkpoint with prefix `path`; what else it holds is left.

    Raises:
        InputError: the file is damaged, or a variable is missing in it or has another shape.
    """
    try:
        shapes = tf.train.load_checkpoint(path).get_variable_to_shape_map()
        _check_shapes(path, shapes, variables)
        saver.restore(session, path)
    except (ValueError, tf.errors.OpError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'cannot read checkpoint {path}: {one_line(error)}') from error


def _check_shapes(path, shapes, variables):
    missing = [v.op.name for v in variables if v.op.name not in shapes]
    if missing:
        raise InputError(f'checkpoint {path} lacks {len(missing)} of {len(variables)} variables, first {missing[0]}: '
                         'it is of another model')
    for v in variables:
        if shapes[v.op.name] != v.shape.as_list():
            raise InputError(f'checkpoint {path}: {v.op.name} has shape {shapes[v.op.name]}, this model needs '
                             f'{v.shape.as_list()}')


def restore_part(session, path, variables, belongs):
    """Restores only these variables, all of a part of the network, from the checkpoint with prefix `path`.

    Args:
        belongs: function of a variable's name: whether it is of that part. What is of an optimizer, or an average that
            is not asked for, does not matter.
    Raises:
        InputError: as for `restore`, or that part has more variables in the checkpoint.
    """
    with session.graph.as_default():
        restore(session, saver(variables), path, variables)
    names = set(tf.train.load_checkpoint(path).get_variable_to_shape_map())
    known = {v.op.name for v in variables}
    # The names of what belongs to a variable, such as its average, are below the variable's.
    more = sorted(name for name in names - known if belongs(name) and name.rpartition('/')[0] not in names)
    if more:
        raise InputError(f'checkpoint {path} has {len(more)} more variables than this network, first {more[0]}: it is '
                         'of another network')
