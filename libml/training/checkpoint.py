"""Checkpoints: `tf/model.ckpt-<8 digits>` in a run folder, whole or not there.

Checkpoints of the original code are read, too.
"""

import contextlib
import os
import re
import shutil

from libml import durable, trackers
from libml.files import listed, written_whole
from libml.training import fingerprint
from libml.utils import InputError, expanded, one_line

import tensorflow as tf

NAME = 'model.ckpt'
DAMAGED = '.index.damaged'
SAVING = '.saving.{}'  # the folder that a process, its number, writes in
# What TensorFlow raises when it reads a damaged one. IndexError: it is too short; MemoryError: a size is not true.
DAMAGED_RAISES = ValueError, IndexError, MemoryError, tf.errors.OpError


def all_in(folder):
    """Prefixes of the checkpoints in `folder`, oldest first. They are found by `.index`: nothing else is needed.

    Raises:
        InputError: the folder cannot be read.
    """
    found = []
    for entry in listed(folder):
        match = re.fullmatch(re.escape(NAME) + r'-(\d+)\.index', entry)
        if match and not os.path.isdir(os.path.join(folder, entry)):
            found.append((int(match.group(1)), os.path.join(folder, entry[:-len('.index')])))
    return [prefix for _, prefix in sorted(found)]


def find(path):
    """The prefix of a checkpoint from a prefix, one of its files, or a folder (then its newest that is whole, also in
    `tf/` below).

    Raises:
        InputError: there is none.
    """
    path = expanded(path)
    if os.path.isdir(path):
        found = newest_whole(path) or newest_whole(os.path.join(path, 'tf'))
        if found:
            return found
    prefix = re.sub(r'\.(index|meta|data-\d+-of-\d+)$', '', path)
    if os.path.exists(prefix + '.index'):
        return prefix
    raise InputError(f'no checkpoint at {path}: give a prefix like tf/{NAME}-00065536 or a run folder')


def newest_whole(folder):
    """The prefix of the newest checkpoint in `folder` that can be read through; None if there is no checkpoint at all.

    Prints a line for each newer one: it is damaged, or its index is gone.

    Raises:
        InputError: there are checkpoints, but none is whole.
    """
    found = all_in(folder)[::-1]
    damaged = {}
    for prefix in found:
        wrong = _damage(prefix)
        if not wrong:
            damaged.update({os.path.join(folder, f'{NAME}-{step:08d}'): 'it has no .index file'
                            for step in without_index(folder) if step > step_of(prefix)})
            for other, reason in damaged.items():
                print(f'{other} is damaged ({reason}): {os.path.basename(prefix)}, of kimg {step_of(prefix) / 1024:g}, '
                      'takes its place')
            return prefix
        damaged[prefix] = wrong
    if found:
        raise InputError(f'cannot read checkpoint {found[0]} ({damaged[found[0]]}), and no older one is whole: delete '
                         f'{os.path.join(folder, NAME)}-* to begin anew')
    return None


def without_index(folder):
    """Steps, ascending, of checkpoints in `folder` that have data but no index, and were not set aside."""
    entries = {entry for entry in listed(folder) if not os.path.isdir(os.path.join(folder, entry))}
    matches = [re.fullmatch(rf'({re.escape(NAME)}-(\d+))\.data-\d+-of-\d+', entry) for entry in entries]
    return sorted({int(match[2]) for match in matches
                   if match and not entries & {f'{match[1]}.index', match[1] + DAMAGED}})


def forget_after(folder, step):
    """Renames the index of checkpoints of steps after `step`, where a run is resumed that has such: they are damaged,
    and must not be found, nor counted among those that are kept.

    Raises:
        InputError: the folder cannot be written.
    """
    for prefix in all_in(folder):
        if step_of(prefix) > step:
            try:
                os.replace(f'{prefix}.index', prefix + DAMAGED)
            except OSError as error:
                raise InputError(f'cannot write {folder}: {error.strerror}') from error


def step_of(prefix):
    """The images that were seen when the checkpoint with this prefix was saved."""
    return int(prefix.rpartition('-')[2])


def is_whole(prefix):
    """Whether a checkpoint can be read through."""
    return not _damage(prefix)


def _damage(prefix):
    """What is wrong with a checkpoint, in one line; '' if all of it can be read and is what was written (checksums).

    Raises:
        InputError: it may not be read: it need not be damaged, and no older one takes its place.
    """
    try:
        reader = tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except tf.errors.PermissionDeniedError as error:
        raise InputError(f'cannot read checkpoint {prefix}: {one_line(error)}') from error
    except DAMAGED_RAISES as error:
        return one_line(error)
    return ''


def saver(variables):
    """A Saver of these variables; older checkpoints are removed by `save`, not by it."""
    return tf.compat.v1.train.Saver(variables, max_to_keep=0)


def save(session, saver, folder, step, keep):
    """Writes `<folder>/model.ckpt-<step>` and removes all but the newest `keep`, also ones of earlier processes.

    The files are written in a folder beside and renamed, the index last, so that a checkpoint that can be found is
    whole, also after a power cut; older ones are removed when it is on the disk.

    Raises:
        InputError: the folder is full or cannot be written.
    """
    name = f'{NAME}-{step:08d}'
    temporary = os.path.join(folder, SAVING.format(os.getpid()))
    try:
        os.makedirs(temporary, exist_ok=True)
        saver.save(session, os.path.join(temporary, name), write_meta_graph=False, write_state=False)
        for entry in sorted(os.listdir(temporary)):  # data before index
            durable.replace(os.path.join(temporary, entry), os.path.join(folder, entry))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name + DAMAGED))
        for old in all_in(folder)[:-keep]:
            _remove(old)
        _write_state(folder)
    except (OSError, tf.errors.OpError) as error:
        # TensorFlow's begins with the path of a file that is not there any more.
        reason = one_line(getattr(error, 'strerror', None) or error).rpartition('; ')[2]
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
    entries = [entry for entry in listed(folder) if entry.startswith(name + '.')]
    for entry in sorted(entries, key=lambda entry: not entry.endswith('.index')):
        os.unlink(os.path.join(folder, entry))


def restore(session, saver, path, variables, needed=None):
    """Restores `variables` by name from the checkpoint with prefix `path`; what else it holds is left.

    Args:
        needed: names of those that it must have; all of them unless given. Others that are missing in it, or have
            another shape there, get their initial values when the rest is restored.
    Returns:
        list of the names of those others.
    Raises:
        InputError: the file is damaged, or a variable that is needed is missing in it or has another shape.
    """
    try:
        shapes = tf.train.load_checkpoint(path).get_variable_to_shape_map()
        lacking = [v for v in variables if shapes.get(v.op.name) != v.shape.as_list()]
        _check_shapes(path, shapes, variables, [v for v in lacking if needed is None or v.op.name in needed])
        names = [v.op.name for v in lacking]
        if names:
            with session.graph.as_default():
                saver = tf.compat.v1.train.Saver([v for v in variables if v.op.name not in names])
        saver.restore(session, path)
        session.run([v.initializer for v in lacking])
        return names
    except DAMAGED_RAISES as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'cannot read checkpoint {path}: {one_line(error)}') from error


def ops_behind(tensors, begins=lambda op: False):
    """dict name -> op of all ops that tensors of a graph are computed from; none behind those that `begins` says."""
    waiting, found = [tensor.op for tensor in tensors], {}
    while waiting:
        op = waiting.pop()
        if op.name not in found:
            found[op.name] = op
            if not begins(op):
                waiting += [tensor.op for tensor in op.inputs]
    return found


def restore_network(session, model, path):
    """As `restore`, all variables of a train.Model; needed is what its predictions are computed from: the network and
    its averages."""
    found = ops_behind([model.ops.classify_raw, model.ops.classify_op])
    needed = {v.op.name for v in model.variables if v.handle.op.name in found}
    restore(session, model.saver, path, model.variables, needed)


def resume(session, model, path):
    """As `restore`, all variables of a train.Model, to train on; the state of trackers (trackers.state_variable) may be
    missing, which a line tells."""
    state = {v.op.name for v in model.graph.get_collection(trackers.STATE)}
    needed = {v.op.name for v in model.variables} - state - {fingerprint.NAME}
    lacking = sorted(state.intersection(restore(session, model.saver, path, model.variables, needed)))
    if lacking:
        print(f'{path} lacks {", ".join(lacking)}: training goes on with their initial values (such as rates of 1 '
              'and equal shares of the classes)')


def _check_shapes(path, shapes, variables, lacking):
    """InputError that names one of the variables `lacking`, if any: they are not in `shapes`, or have others there."""
    if not lacking:
        return
    missing = [v.op.name for v in lacking if v.op.name not in shapes]
    if missing:
        raise InputError(f'checkpoint {path} lacks {len(missing)} of {len(variables)} variables, first {missing[0]}: '
                         'it is of another model')
    name = lacking[0].op.name
    raise InputError(f'checkpoint {path}: {name} has shape {shapes[name]}, this model needs '
                     f'{lacking[0].shape.as_list()}')


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
