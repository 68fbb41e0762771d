"""Run folders: whose they are, their metrics, and where their model's class can be imported from."""

import json
import os
import platform
import types

import disk_calls
import toy
from libml import open_run
from libml.training import checkpoint, leftovers, run_folder
from libml.training.run_folder import NoFolder, RunFolder
from libml.utils import Diverged, InputError
from mixmatch import MixMatch
from refusals import refused
from short_runs import trained

import pytest
import tensorflow as tf


def test_run_folder_of_other_arguments_is_refused(tmp_path):
    trained(tmp_path, 32)
    for change, text in ((dict(seed=7), 'seed=1, not seed=7'), (dict(T=1.), 'T=0.5, not T=1.0')):
        with pytest.raises(InputError, match=text) as error:
            trained(tmp_path, 64, **change)
        assert '--rerun' in str(error.value) and '\n' not in str(error.value)
    beside = trained(tmp_path, 32, seed=7, rerun='seven')
    assert os.path.basename(os.path.dirname(beside.folder.path)) == 'seven'
    trained(tmp_path, 64, train_kimg=3)  # The length does not shape MixMatch: a run may be prolonged.


def test_args_json_holds_arguments_and_versions_alone(tmp_path, monkeypatch):
    """Nothing of the environment, where passwords and tokens are."""
    monkeypatch.setenv('https_proxy', 'http://user:hunter2@host:1')
    folder = RunFolder(str(tmp_path))
    folder.open(dict(lr=1., data_dir='x'), [], None, {})
    args = json.loads((tmp_path / 'args' / 'args.json').read_text())
    assert args.pop('versions').keys() == {'python', 'tensorflow', 'numpy'} and args == dict(lr=1., data_dir='x')


def test_another_lr_in_the_same_folder_is_refused(tmp_path):
    """lr is in the folder's name; a folder that was renamed by hand is still recognised."""
    model = trained(tmp_path, 32)
    os.rename(model.folder.path, model.folder.path.replace('lr0.002', 'lr0.003'))
    with pytest.raises(InputError, match='lr=0.002, not lr=0.003'):
        trained(tmp_path, 64, lr=0.003)


def test_run_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write'):
        trained(tmp_path / 'file', 32)


def test_name_of_a_script_that_is_run(monkeypatch):
    cls = type('Method', (), dict(__module__='__main__', __qualname__='Method'))

    def main(**attributes):
        module = types.SimpleNamespace(__spec__=None, **attributes)
        monkeypatch.setitem(run_folder.sys.modules, '__main__', module)
        return run_folder.class_path(cls)

    root = run_folder.ROOT
    assert main(__file__=str(root / 'fixmatch.py')) == 'fixmatch:Method'
    assert main(__file__=os.path.relpath(root / 'ablation' / 'ab_fixmatch_adam.py')) == (
        'ablation.ab_fixmatch_adam:Method')
    assert main(__file__='/elsewhere/mine.py') == 'mine:Method'
    assert main() == '__main__:Method'
    monkeypatch.setitem(run_folder.sys.modules, '__main__',
                        types.SimpleNamespace(__spec__=types.SimpleNamespace(name='ablation.ab_x')))
    assert run_folder.class_path(cls) == 'ablation.ab_x:Method'
    assert run_folder.class_path(MixMatch) == 'mixmatch:MixMatch'
    assert open_run.load_class('mixmatch:MixMatch', '') is MixMatch


def test_a_folder_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    folder = RunFolder('~/run')
    folder.open(dict(lr=1.), [], None, {})
    assert (tmp_path / 'run' / 'args' / 'args.json').exists() and folder.path == str(tmp_path / 'run')


def test_metrics_of_a_run_that_was_killed(tmp_path):
    """What was reported after the checkpoint is forgotten, and so is a line that was cut off."""
    folder = RunFolder(str(tmp_path))
    assert folder.metrics() == [] and RunFolder.of(str(tmp_path / 'tf' / 'model.ckpt-00000008')).path == folder.path
    rows = [dict(step=8 * i, kimg=i / 128, accuracy=10. * i) for i in (1, 2, 3)]
    for row in rows:
        folder.add_metrics(row)
    assert folder.metrics() == rows and folder.ends_whole()
    with open(folder.metrics_file, 'a') as f:
        f.write('{"step": 32')
    assert folder.metrics() == rows and not folder.ends_whole()
    folder.forget_after(16)
    assert folder.metrics() == rows[:2] and folder.ends_whole()


@pytest.mark.parametrize('line, reason', [
    (b'{"step": 1}', 'kimg is missing'), (b'[]', 'it is no JSON object'), (b'7', 'it is no JSON object'),
    (b'"step"', 'it is no JSON object'), (b'NaN', 'it is no JSON object'), (b'{"step":', 'Expecting value'),
    (b'', 'Expecting value'), (b'\xff\0', 'it must be UTF-8'), (b'[' * 100000, 'maximum recursion depth'),
    (b'{"step": "x", "kimg": 1}', 'step is "x", no number'), (b'{"step": [], "kimg": 1}', 'step is [], no number'),
    (b'{"step": 8, "kimg": null}', 'kimg is null, no number'),
    (b'{"step": 8, "kimg": 1, "accuracy": "high"}', 'accuracy is "high", no number'),
    (b'{"step": 8, "kimg": 1, "accuracy": {"a": 1}}', 'accuracy is {"a": 1}, no number'),
    (b'{"step": 8, "kimg": 1, "accuracy": NaN}', 'accuracy is NaN, no number'),
    (b'{"step": 8, "kimg": 1, "losses/xe": -Infinity}', 'losses/xe is -Infinity, no number'),
    (b'{"step": 8, "kimg": true}', 'kimg is true, no number'),
    (b'{"step": 1' + b'0' * 400 + b', "kimg": 1}', 'step is 10000')])
def test_a_damaged_line_of_the_metrics_is_named(tmp_path, line, reason):
    whole = b'{"step": 8, "kimg": 1}\n'
    (tmp_path / 'metrics.jsonl').write_bytes(whole + whole + line + b'\n' + whole)
    with refused('metrics.jsonl: line 3 is no report: ' + reason, '; delete that line'):
        RunFolder(str(tmp_path)).metrics()


def test_the_last_row_of_a_step_counts(tmp_path):
    """Two processes of a version without a lock trained here; one had begun before the other."""
    folder = RunFolder(str(tmp_path))
    for step, accuracy in ((8, 1.), (16, 2.), (8, 3.), (24, 4.), (16, 5.)):
        folder.add_metrics(dict(step=step, kimg=step / 1024, accuracy=accuracy))
    assert [(row['step'], row['accuracy']) for row in folder.metrics()] == [(8, 3.), (16, 5.), (24, 4.)]


def test_metrics_survive_a_power_cut(tmp_path, monkeypatch):
    folder = RunFolder(str(tmp_path))
    sizes, fsync = [], os.fsync

    def watched(number):
        fsync(number)
        sizes.append(os.fstat(number).st_size)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', watched)
        folder.add_metrics(dict(step=8, kimg=1))
    assert sizes == [os.path.getsize(folder.metrics_file)]
    calls = disk_calls.recorded(monkeypatch)
    folder.add_metrics(dict(step=16, kimg=2))
    folder.forget_after(8)
    assert calls[:4] == ['fsync metrics.jsonl', 'fsync metrics.jsonl.part', 'replace metrics.jsonl',
                         f'fsync {tmp_path.name}']
    assert folder.metrics() == [dict(step=8, kimg=1)]


def test_one_process_trains_in_a_folder(tmp_path):
    """Also where both begin at the same time: nothing is written before the lock is held."""
    model = MixMatch(str(tmp_path), toy.dataset(), arch='convnet', **toy.SMALL)
    mine = f'in use by process {os.getpid()} on {platform.node()}, which trains there'
    with model.folder.locked():
        with refused(model.folder.path, mine, '--rerun=NAME'):
            model.train(32, 32)
    assert os.listdir(model.folder.path) == ['lock']
    model.train(32, 32)
    assert len(model.folder.metrics()) == 1


class Robbed(MixMatch):
    """Loses its lock in its second report, or after it."""

    def evaluate(self, session):
        if self.folder.metrics() and not self.late:
            self.lose()
        return super().evaluate(session)

    def after_report(self, session, scalars):
        if len(self.folder.metrics()) == 2:
            self.lose()

    def lose(self):
        os.unlink(self.folder.lock.path)
        if self.late:
            with RunFolder(self.folder.path).locked():
                pass


@pytest.mark.parametrize('late', [False, True])
def test_a_run_that_loses_its_lock_writes_nothing_more(tmp_path, late):
    """Neither its report nor its checkpoint, whether the lock was removed or is another process's by now."""
    model = Robbed(str(tmp_path), toy.dataset(size=8), arch='convnet', **toy.SMALL)
    model.late = late
    with refused(model.folder.lock.path, 'was removed or replaced', 'nothing more is written'):
        model.train(64, 16, 16)
    assert [row['step'] for row in model.folder.metrics()] == [16, 32][:1 + late]
    names = [os.path.basename(path) for path in checkpoint.all_in(model.folder.tf)]
    assert names == ['model.ckpt-00000000', 'model.ckpt-00000016']


class Failing(MixMatch):
    """Ends with `error` in its first report, if that is one."""

    def evaluate(self, session):
        if self.error:
            raise self.error
        return super().evaluate(session)


def test_a_first_start_that_fails_leaves_nothing(tmp_path):
    """Nor the folders above that were made for it, unless another run is there. After NaN there is its checkpoint."""
    model = Failing(str(tmp_path), toy.dataset(size=8), arch='convnet', **toy.SMALL)

    def left(error, images=32):
        model.error = error
        with pytest.raises(type(error)):
            model.train(images, 16)
        return [os.path.relpath(path, tmp_path) for path, _, _ in os.walk(tmp_path)][1:]

    assert not left(InputError('stop'))
    os.makedirs(tmp_path / 'toy' / 'another run')
    assert left(KeyboardInterrupt()) == ['toy', 'toy/another run']
    assert len(left(Diverged('stop'))) == 5
    model.error = None
    model.train(32, 16)
    assert len(left(InputError('stop'), 64)) == 5 and len(model.folder.metrics()) == 2


def test_lost_arguments_let_no_others_pass(tmp_path):
    """The checkpoint knows what shaped it, and the folder stays as it was."""
    model = trained(tmp_path, 32, arch='convnet')
    os.unlink(model.folder.args_file)
    with refused('model.ckpt-00000032 was trained with other settings', 'args.json', 'lost', '--rerun=NAME'):
        trained(tmp_path, 64, arch='convnet', T=1.)
    assert not os.path.exists(model.folder.args_file)
    model.params.train_kimg = 7
    model.train(64, 16, keep_ckpt=3)  # These do not shape it.
    assert model.folder.read_args()['T'] == 0.5 and model.folder.metrics()[-1]['step'] == 64


def test_arguments_of_older_folders(tmp_path):
    """Only what both know is compared; what does not shape training may differ."""
    folder = RunFolder(str(tmp_path))
    assert folder.read_args() == {}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        session.run(tf.compat.v1.get_variable('w', initializer=1., use_resource=True).initializer)
        path = tf.compat.v1.train.Saver().save(session, str(tmp_path / 'model.ckpt'))
    folder.open(dict(lr=1., data_dir='x', train_kimg=1), [], None, {})
    folder.open(dict(lr=1., data_dir='y', train_kimg=2, new=3), [], path, {})
    args = folder.read_args()
    assert args.pop('versions').keys() == {'python', 'tensorflow', 'numpy'}
    assert args == dict(lr=1., data_dir='y', train_kimg=2, new=3) and os.path.isdir(folder.tf)
    with refused('was trained with train_kimg=2, not train_kimg=3', '--rerun=NAME'):
        folder.open(dict(train_kimg=3), ['train_kimg'], path, {})
    for text, wrong in (('[1]', 'it is no JSON object'), ('{"lr":', 'Expecting value'),
                        ('{"dataset": 7, "train_kimg": "x"}', "train_kimg is 'x', dataset is 7")):
        (tmp_path / 'args' / 'args.json').write_text(text)
        with refused(f'args.json is damaged: {wrong}', 'delete it, and the command that trained this run'):
            folder.read_args()
    (tmp_path / 'args' / 'args.json').write_text('{}', 'utf-16')
    with refused('args.json is damaged: it must be UTF-8; delete it'):
        folder.read_args()


def test_a_worker_that_writes_nothing(tmp_path):
    """It neither sees nor changes the folder of the run."""
    folder, none = RunFolder(str(tmp_path / 'run')), NoFolder(str(tmp_path / 'run'))
    with folder.locked(), none.locked():
        folder.open(dict(lr=1), [], None, {})
        folder.add_metrics(dict(step=1, kimg=1))
        before = sorted(path.read_bytes() for path in tmp_path.rglob('*') if path.is_file())
        assert none.open(dict(lr=2), [], None, {}) == 0 and none.metrics() == []
        none.lock.check()
        none.add_metrics(dict(step=2, kimg=2))
        none.forget_after(0)
        with none.written('predictions.npy', 'wb') as f:
            f.write(b'lost')
        assert not leftovers.newest(none, None) and not list(leftovers.lines(none, None))
    assert sorted(path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()) == before
    assert none.path == folder.path
