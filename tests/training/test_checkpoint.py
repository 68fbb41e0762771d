"""Checkpoints: found, whole, kept, restored; errors in one line."""

import os
import pathlib

import disk_calls
import toy
from libml.training import checkpoint
from libml.training.run_folder import RunFolder
from libml.utils import InputError
from refusals import refused
from remixmatch import ReMixMatch
from short_runs import arrays, assert_same_bits, metrics, save_without, trained

import numpy as np
import pytest
import tensorflow as tf


def variables(**shapes):
    return [tf.compat.v1.get_variable(name, initializer=np.full(shape, i + 1, np.float32), use_resource=True)
            for i, (name, shape) in enumerate(shapes.items())]


def test_checkpoint_errors_and_scopes(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[3])
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoint.save(session, checkpoint.saver(vs), str(tmp_path), 7, 5)
    path = checkpoint.find(str(tmp_path))
    assert os.path.basename(path) == 'model.ckpt-00000007' and checkpoint.find(path + '.index') == path
    assert checkpoint.find('~') == path
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[4], c=[1])
        with pytest.raises(InputError, match='^checkpoint .* lacks 1 of 3 variables, first c'):
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


def test_a_checkpoint_is_on_the_disk_before_older_ones_go(tmp_path, monkeypatch):
    """Its files before their names, its index last, and the file that names it after all."""
    folder = tmp_path / 'tf'
    save_without(folder, dict(a=np.float32([1])), 8, keep=1)
    calls = disk_calls.recorded(monkeypatch)
    save_without(folder, dict(a=np.float32([2])), 16, keep=1)
    new, old = ('model.ckpt-00000016', 'model.ckpt-00000008')
    data, index = 'data-00000-of-00001', 'index'
    calls = [call for call in calls if not call.startswith('unlink') or old in call]
    assert calls == [f'fsync {new}.{data}', f'replace {new}.{data}', 'fsync tf',
                     f'fsync {new}.{index}', f'replace {new}.{index}', 'fsync tf',
                     f'unlink {old}.{index}', f'unlink {old}.{data}',
                     'fsync checkpoint.part', 'replace checkpoint', 'fsync tf']


def test_what_is_not_needed_may_be_missing(tmp_path):
    """It gets its initial value then; so does what has another shape."""
    path = save_without(tmp_path, dict(a=np.float32([7, 8]), b=np.float32([9])), 8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[3], c=[1])
        assert checkpoint.restore(session, checkpoint.saver(vs), path, vs, {'a'}) == ['b', 'c']
        assert [value.tolist() for value in session.run(vs)] == [[7, 8], [2, 2, 2], [3]]
        for needed, text in (('ac', 'lacks 1 of 3 variables, first c'), ('ab', r'b has shape [1], this model')):
            with refused(text):
                checkpoint.restore(session, checkpoint.saver(vs), path, vs, set(needed))


@pytest.fixture(scope='module')
def remixmatch(tmp_path_factory):
    """A model with an optimizer's state, trackers, and a head that only a loss uses; the values of its variables."""
    folder = str(tmp_path_factory.mktemp('runs'))
    model = ReMixMatch(folder, toy.dataset(size=8), cta=False, arch='convnet', **toy.SMALL)
    with model.session() as session:
        return model, {v.op.name: value for v, value in zip(model.variables, session.run(model.variables))}


@pytest.mark.parametrize('left_out, evaluated, trained_on', [
    (('p_', 'fingerprint'), True, True), (('Adam',), True, False), (('classify_rot',), True, False),
    (('global_step',), True, False), (('Average',), False, False), (('classify/conv2d/bias',), False, False)])
def test_evaluation_needs_the_network_and_training_all_but_trackers(remixmatch, tmp_path, capsys, left_out, evaluated,
                                                                     trained_on):
    model, values = remixmatch
    path = save_without(tmp_path, values, 8, *left_out)
    for training, right in ((False, evaluated), (True, trained_on)):
        if right:
            with model.session(path, training=training) as session:
                restored = session.run({v.op.name: v for v in model.variables})
            assert all((restored[name] == value).all() for name, value in values.items())
        else:
            with refused(path, 'lacks ', 'it is of another model'):
                with model.session(path, training=training):
                    pass
    lines = [line for line in capsys.readouterr().out.splitlines() if 'lacks' in line]
    assert [line[len(path):].partition(':')[0] for line in lines] == [' lacks p_data, p_model, p_target'] * trained_on


def shorten(path):
    with open(path, 'r+b') as f:
        f.truncate(os.path.getsize(path) - 8)


def alter(path):
    """Another bit in the middle."""
    with open(path, 'r+b') as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 1]))


def lie(path):
    """A block of 2 ** 41 bytes, says the end of an .index, which no checksum covers."""
    content = pathlib.Path(path).read_bytes()
    end = (b'\0\0\0' + b'\x80' * 5 + b'\x40').ljust(40, b'\0') + content[-8:]
    pathlib.Path(path).write_bytes(content[:-48] + end)


@pytest.mark.parametrize('damage, end', [(shorten, 'data-00000-of-00001'), (shorten, 'index'), (alter, 'index'),
                                         (lie, 'index'), (alter, 'data-00000-of-00001'),
                                         (os.unlink, 'data-00000-of-00001')])
def test_the_newest_whole_checkpoint(tmp_path, capsys, damage, end):
    older, newer, newest = [save_without(tmp_path, dict(a=np.full([50], step, np.float32)), step)
                            for step in (512, 1024, 2048)]
    assert checkpoint.newest_whole(str(tmp_path)) == newest and not capsys.readouterr().out
    damage(f'{newest}.{end}')
    assert checkpoint.find(str(tmp_path)) == newer
    out = capsys.readouterr().out
    assert out.startswith(f'{newest} is damaged (') and out.count('\n') == 1
    assert out.endswith('): model.ckpt-00001024, of kimg 1, takes its place\n')
    damage(f'{newer}.{end}')
    assert checkpoint.newest_whole(str(tmp_path)) == older
    assert [line.partition(' ')[0] for line in capsys.readouterr().out.splitlines()] == [newest, newer]
    damage(f'{older}.{end}')
    with refused(f'cannot read checkpoint {newest} (', f'no older one is whole: delete {tmp_path}/model.ckpt-*'):
        checkpoint.newest_whole(str(tmp_path))
    assert checkpoint.newest_whole(str(tmp_path / 'none')) is None


def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_damaged(tmp_path, monkeypatch):
    """No older one takes its place."""
    for step in (8, 16):
        newest = save_without(tmp_path, dict(a=np.float32([1])), step)
    load = tf.train.load_checkpoint

    def forbidden(prefix):
        if prefix == newest:
            raise tf.errors.PermissionDeniedError(None, None, f'{prefix}.index; Permission denied')
        return load(prefix)

    monkeypatch.setattr(checkpoint.tf.train, 'load_checkpoint', forbidden)
    with refused(f'cannot read checkpoint {newest}: {newest}.index; Permission denied'):
        checkpoint.newest_whole(str(tmp_path))


def test_a_folder_is_no_checkpoint(tmp_path):
    path = save_without(tmp_path, dict(a=np.float32([1])), 8)
    (tmp_path / 'model.ckpt-00000016.index').mkdir()
    assert checkpoint.all_in(str(tmp_path)) == [path]


@pytest.mark.parametrize('replaced', [False, True])
def test_a_checkpoint_whose_index_is_gone_is_told(tmp_path, capsys, replaced):
    """Until it is set aside."""
    older, newer = [save_without(tmp_path, dict(a=np.zeros(2, np.float32)), step) for step in (1024, 2048)]
    assert checkpoint.without_index(str(tmp_path)) == checkpoint.without_index(str(tmp_path / 'none')) == []
    os.unlink(f'{newer}.index')
    if replaced:
        os.mkdir(f'{newer}.index')
    assert checkpoint.without_index(str(tmp_path)) == [2048] and checkpoint.newest_whole(str(tmp_path)) == older
    assert capsys.readouterr().out == (f'{newer} is damaged (it has no .index file): model.ckpt-00001024, of kimg 1, '
                                       'takes its place\n')
    open(f'{newer}.index.damaged', 'x').close()
    assert checkpoint.without_index(str(tmp_path)) == []


def test_a_run_goes_on_from_the_newest_whole_checkpoint(tmp_path, capsys):
    """To the bit; the damaged one is not counted among those that are kept."""
    model = trained(tmp_path / 'a', 96)
    straight = model.folder
    model.folder = RunFolder(str(tmp_path / 'b'))
    model.train(64, 32, 32)
    newest = checkpoint.all_in(model.folder.tf)[-1]
    shorten(f'{newest}.data-00000-of-00001')
    with refused('lr=0.002, not lr=0.1'):
        model.params.lr = 0.1
        model.train(96, 32)
    model.params.lr = 0.002
    assert checkpoint.all_in(model.folder.tf)[-1] == newest  # Nothing has changed yet.
    model.train(48, 32, 16, keep_ckpt=1)
    assert f'{newest} is damaged' in capsys.readouterr().out
    assert [os.path.basename(path) for path in checkpoint.all_in(model.folder.tf)] == ['model.ckpt-00000048']
    assert os.path.exists(f'{newest}.index.damaged')
    model.train(96, 32, 32)
    assert checkpoint.newest_whole(model.folder.tf) and not os.path.exists(f'{newest}.index.damaged')
    assert_same_bits(model.folder.path, straight.path)
    assert [row for row in metrics(model.folder.path) if row['step'] != 48] == metrics(straight.path)
    assert arrays(model.folder.path)['global_step'] == 96


def test_keep_ckpt_holds_across_restarts(tmp_path):
    for nimg in (96, 160):
        model = trained(tmp_path, nimg, keep_ckpt=2)
        assert len(checkpoint.all_in(model.folder.tf)) == 2
    files = [entry for entry in os.listdir(model.folder.tf) if entry.startswith('model')]
    assert sorted(files) == [f'model.ckpt-00000{step}.{end}' for step in (128, 160)
                             for end in ('data-00000-of-00001', 'index')]
    known = tf.train.get_checkpoint_state(model.folder.tf)
    assert known.model_checkpoint_path == checkpoint.all_in(model.folder.tf)[-1]
    assert list(known.all_model_checkpoint_paths) == checkpoint.all_in(model.folder.tf)


def test_full_disk_is_one_line_and_leaves_whole_checkpoints(tmp_path, monkeypatch):
    model = trained(tmp_path, 32)
    before = checkpoint.all_in(model.folder.tf)

    replace = os.replace

    def full(source, target):
        if checkpoint.NAME in target:
            raise OSError(28, 'No space left on device')
        replace(source, target)

    monkeypatch.setattr(os, 'replace', full)
    with refused(f'cannot save {model.folder.tf}/model.ckpt-00000064: No space left on device'):
        model.train(64, 32, 32)
    assert checkpoint.all_in(model.folder.tf) == before
    assert not [entry for entry in os.listdir(model.folder.tf) if entry.startswith('.')]


def test_where_no_folder_can_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with refused(f'cannot save {tmp_path}/file/tf/model.ckpt-00000008: Not a directory'):
        save_without(tmp_path / 'file' / 'tf', dict(a=np.float32([1])), 8)


def test_what_can_be_found(tmp_path, monkeypatch):
    """In the order of their steps, by the index alone, of a folder, of `tf/` below it, of a prefix and of a file."""
    monkeypatch.setattr(checkpoint, '_damage', lambda prefix: '')
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
