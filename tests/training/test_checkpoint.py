"""Checkpoints: found, whole, kept, restored; errors in one line."""

import os

from libml.training import checkpoint
from libml.utils import InputError
from short_runs import trained

import numpy as np
import pytest
import tensorflow as tf


def variables(**shapes):
    return [tf.compat.v1.get_variable(name, initializer=np.full(shape, i + 1, np.float32), use_resource=True)
            for i, (name, shape) in enumerate(shapes.items())]


def test_checkpoint_errors_and_scopes(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[3])
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoint.save(session, checkpoint.saver(vs), str(tmp_path), 7, 5)
    path = checkpoint.find(str(tmp_path))
    assert os.path.basename(path) == 'model.ckpt-00000007' and checkpoint.find(path + '.index') == path
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[4], c=[1])
        with pytest.raises(InputError, match='lacks 1 of 3 variables, first c'):
            checkpoint.restore(session, checkpoint.saver(vs), path, vs)
        with pytest.raises(InputError, match=r'b has shape \[3\]'):
            checkpoint.restore(session, checkpoint.saver(vs[:2]), path, vs[:2])
        checkpoint.restore_part(session, path, vs[:1], lambda name: name == 'a')
        assert session.run(vs[0]).tolist() == [1, 1]
        with pytest.raises(InputError, match='has 1 more variables than this network, first b'):
            checkpoint.restore_part(session, path, vs[:1], lambda name: name in 'ab')
    with open(path + '.index', 'r+b') as f:
        f.truncate(10)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2])
        with pytest.raises(InputError, match='cannot read checkpoint') as error:
            checkpoint.restore(session, checkpoint.saver(vs), path, vs)
        assert '\n' not in str(error.value)
    with pytest.raises(InputError, match='no checkpoint'):
        checkpoint.find(str(tmp_path / 'none'))


def test_keep_ckpt_holds_across_restarts(tmp_path):
    for nimg in (96, 160):
        model = trained(tmp_path, nimg, keep_ckpt=2)
        assert len(checkpoint.all_in(model.folder.tf)) == 2
    files = [entry for entry in os.listdir(model.folder.tf) if entry.startswith('model')]
    assert sorted(files) == [f'model.ckpt-00000{step}.{end}' for step in (128, 160)
                             for end in ('data-00000-of-00001', 'index')]


def test_full_disk_is_one_line_and_leaves_whole_checkpoints(tmp_path, monkeypatch):
    model = trained(tmp_path, 32)
    before = checkpoint.all_in(model.folder.tf)

    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'replace', full)
    with pytest.raises(InputError, match='No space left on device') as error:
        trained(tmp_path, 64)
    assert '\n' not in str(error.value)
    assert checkpoint.all_in(model.folder.tf) == before
    assert not [entry for entry in os.listdir(model.folder.tf) if entry.startswith('.')]


def test_what_can_be_found(tmp_path):
    """In the order of their steps, by the index alone, of a folder, of `tf/` below it, of a prefix and of a file."""
    (tmp_path / 'tf').mkdir()
    for name in ('model.ckpt-00000008.index', 'model.ckpt-123456789.index', 'model.ckpt-00000016.index',
                 'model.ckpt-00000032.data-00000-of-00001', 'other.ckpt-1.index', 'model.ckpt-1.index.part'):
        (tmp_path / 'tf' / name).write_text('')
    prefixes = [str(tmp_path / 'tf' / f'model.ckpt-{step}') for step in ('00000008', '00000016', '123456789')]
    assert checkpoint.all_in(str(tmp_path / 'tf')) == prefixes and checkpoint.all_in(str(tmp_path / 'none')) == []
    assert checkpoint.find(str(tmp_path)) == checkpoint.find(str(tmp_path / 'tf')) == prefixes[-1]
    for end in ('', '.index', '.meta', '.data-00000-of-00001'):
        assert checkpoint.find(prefixes[0] + end) == prefixes[0]
    with pytest.raises(InputError, match='no checkpoint at .*00000032'):
        checkpoint.find(str(tmp_path / 'tf' / 'model.ckpt-00000032'))
