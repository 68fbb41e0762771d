"""Trainings that take seconds, and what they left in their folders."""

import glob
import os

import toy
from libml.training import checkpoint
from libml.training.run_folder import RunFolder
from mixmatch import MixMatch

import tensorflow as tf


def trained(folder, nimg, keep_ckpt=50, dataset=None, **params):
    """A toy model trained to nimg images; reports and checkpoints every 32 images."""
    model = MixMatch(str(folder), dataset or toy.dataset(), **{**toy.SMALL, 'arch': 'convnet', **params})
    model.train(nimg, 32, 32, keep_ckpt)
    return model


def folder_in(train_dir):
    """The only run folder below train_dir; it may not be there yet."""
    return (glob.glob(f'{train_dir}/digits.1@40-100/MixMatch_*') or [os.path.join(train_dir, 'none')])[0]


def arrays(folder):
    """name -> value of everything in the newest checkpoint."""
    reader = tf.train.load_checkpoint(checkpoint.all_in(os.path.join(folder, 'tf'))[-1])
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def save_without(folder, arrays, step, *left_out, keep=50):
    """Writes a checkpoint, as all do, of `arrays` (name -> value) but those whose names have one of these parts.

    Returns:
        its prefix.
    """
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = {name: tf.compat.v1.Variable(value, use_resource=True) for name, value in arrays.items()
                     if not any(part in name for part in left_out)}
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoint.save(session, checkpoint.saver(variables), str(folder), step, keep)
    return os.path.join(folder, f'model.ckpt-{step:08d}')


def arrays_after(model, folder, stops, report_nimg, save_nimg, **kwargs):
    """The arrays of the last checkpoint of a run in `folder` that is started again for each of `stops`, in images."""
    model.folder = RunFolder(str(folder))
    for nimg in stops:
        model.train(nimg, report_nimg, save_nimg, **kwargs)
    return arrays(model.folder.path)


def assert_same_bits(folder_a, folder_b):
    a, b = arrays(folder_a), arrays(folder_b)
    assert a.keys() == b.keys() and len(a) > 20
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def metrics(folder):
    """The rows of metrics.jsonl without what the clock decides."""
    rows = RunFolder(folder).metrics()
    for row in rows:
        assert row.pop('img_per_s') > 0
    return rows
