"""What a run has left: that all of it is whole, and that it is the same as another's to the bit."""

import json
import logging
import os
import pathlib

from libml.training import checkpoint
from libml.training.run_folder import RunFolder

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

PIECES = ('.part', '.old', '.damaged')
CLOCK = 'img_per_s'
logging.getLogger('tensorboard').setLevel(logging.ERROR)  # It warns of pictures.


def run_folder(train_dir):
    """The RunFolder of the only run below a folder, or None."""
    found = [path.parents[1] for path in sorted(pathlib.Path(train_dir).rglob('args.json'))]
    return RunFolder(str(found[0])) if found else None


def pieces(folder):
    """What is half written or set aside below a folder."""
    return [str(path.relative_to(folder)) for path in sorted(pathlib.Path(folder).rglob('*'))
            if path.name.endswith(PIECES) or path.name.startswith('.saving')]


def arrays(prefix):
    """dict name -> value of a checkpoint."""
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def differing_bits(one, other):
    """How many bits of two arrays differ; 1 if they are of other sizes."""
    pair = [np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8) for array in (one, other)]
    return int(np.unpackbits(pair[0] ^ pair[1]).sum()) if len(pair[0]) == len(pair[1]) else 1


def damaged(folder):
    """Texts: what below a folder has a name and is not whole."""
    found = []
    for path in sorted(pathlib.Path(folder).rglob('*')):
        if path.parent.name.startswith('.saving') or not path.is_file():
            continue
        try:
            if path.suffix == '.json':
                json.loads(path.read_text())
            elif path.suffix == '.tfrecord':
                for _ in tf.data.TFRecordDataset(str(path)):
                    pass
            elif path.suffix == '.index':
                arrays(str(path.with_suffix('')))
            elif path.name == 'metrics.jsonl':
                RunFolder(str(path.parent)).metrics()
        except (ValueError, tf.errors.OpError) as error:
            found.append(f'{path.relative_to(folder)}: {str(error).splitlines()[0]}')
    return found


def scalars(folder):
    """dict (tag, step) -> list of values that TensorBoard shows of a run."""
    found = event_accumulator.EventAccumulator(folder, {event_accumulator.SCALARS: 0}).Reload()
    shown = {}
    for tag in found.Tags()['scalars']:
        for event in found.Scalars(tag) if tag != CLOCK else ():
            shown.setdefault((tag, event.step), []).append(event.value)
    return shown


def rows(folder):
    """The reports of a RunFolder without what the clock decides."""
    return [{tag: value for tag, value in row.items() if tag != CLOCK} for row in folder.metrics()]


def differences(train_dir, other):
    """Where the run below a folder is not that below another one: texts, and the number of bits of variables.

    It may have more checkpoints: a run that is stopped by SIGTERM saves.
    """
    one, two = run_folder(train_dir), run_folder(other)
    if not one or not two:
        return ['there is no run'], 0
    found, bits = [], 0
    names = [[os.path.basename(prefix) for prefix in checkpoint.all_in(folder.tf)] for folder in (one, two)]
    if set(names[1]) - set(names[0]):
        return [f'checkpoints {names[0]}, not {names[1]}'], 0
    for name in names[1]:
        a, b = [arrays(os.path.join(folder.tf, name)) for folder in (one, two)]
        if a.keys() != b.keys():
            found.append(f'{name} has other variables')
            continue
        for variable in a:
            apart = differing_bits(a[variable], b[variable])
            bits += apart
            if apart:
                found.append(f'{name}: {variable} differs by {apart} bits')
    for what, read in (('metrics.jsonl', rows), ('what TensorBoard shows', lambda folder: scalars(folder.tf))):
        if read(one) != read(two):
            found.append(f'{what} differs')
    for path in pathlib.Path(two.path).glob('*.npy'):
        mine = pathlib.Path(one.path) / path.name
        if not mine.exists() or mine.read_bytes() != path.read_bytes():
            found.append(f'{path.name} differs')
    return found, bits
