"""The training loop, on real processes: resume to the bit, signals, reports, run folders, bad input."""

import glob
import json
import math
import os
import re
import signal

import extract_accuracy
import runner
import toy
from libml import checkpoint
from libml.run_folder import RunFolder
from libml.utils import Diverged, InputError
from mixmatch import MixMatch

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


@pytest.fixture(scope='module')
def straight(tmp_path_factory, data_dir):
    """The run folder of six kimg without interruption, and what it printed."""
    train_dir = tmp_path_factory.mktemp('straight')
    code, out, err = runner.run('mixmatch.py', *runner.TINY, '--train_kimg=6', f'--data_dir={data_dir}',
                                f'--train_dir={train_dir}')
    assert code == 0, err
    return folder_in(train_dir), out


def folder_in(train_dir):
    """The only run folder below train_dir; it may not be there yet."""
    return (glob.glob(f'{train_dir}/digits.1@40-100/MixMatch_*') or [os.path.join(train_dir, 'none')])[0]


def arrays(folder):
    """name -> value of everything in the newest checkpoint."""
    reader = tf.train.load_checkpoint(checkpoint.all_in(os.path.join(folder, 'tf'))[-1])
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


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


def interrupted(train_dir, data_dir, number, kimg):
    """Starts the run of `straight`, sends a signal after the report of `kimg`; returns the process, which has ended."""
    args = [*runner.TINY, '--train_kimg=6', f'--data_dir={data_dir}', f'--train_dir={train_dir}']
    process = runner.start('mixmatch.py', *args)
    runner.wait_for(lambda: any(row['kimg'] >= kimg for row in RunFolder(folder_in(train_dir)).metrics()), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, runner.quiet(err), args


def test_killed_between_checkpoints_and_resumed_to_the_bit(tmp_path, data_dir, straight):
    code, _, _, args = interrupted(tmp_path, data_dir, signal.SIGKILL, 3)
    assert code == -signal.SIGKILL
    folder = folder_in(tmp_path)
    assert 0 < checkpoint_step(folder) < RunFolder(folder).metrics()[-1]['step'] < 6 * 1024
    code, _, err = runner.run('mixmatch.py', *args)
    assert code == 0, err
    assert_same_bits(folder, straight[0])
    assert metrics(folder) == metrics(straight[0])
    assert extract_accuracy.accuracies(folder) == extract_accuracy.accuracies(straight[0])
    assert len(extract_accuracy.accuracies(folder)) == 6


def checkpoint_step(folder):
    return int(checkpoint.all_in(os.path.join(folder, 'tf'))[-1].rpartition('-')[2])


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_and_leaves(tmp_path, data_dir, straight, number):
    code, out, err, args = interrupted(tmp_path, data_dir, number, 1)
    assert (code, err) == (128 + number, '')
    folder = folder_in(tmp_path)
    step = checkpoint_step(folder)
    assert 1024 <= step < 6 * 1024 and signal.Signals(number).name in out.splitlines()[-1]
    code, _, err = runner.run('mixmatch.py', *args)
    assert code == 0, err
    assert_same_bits(folder, straight[0])
    assert metrics(folder) == metrics(straight[0])


def test_what_a_run_leaves(straight):
    folder, out = straight
    lines = [line for line in out.splitlines() if line.startswith('kimg')]
    assert len(lines) == 6 and lines[0].startswith('kimg 1      accuracy train/valid/test  ')
    rows = metrics(folder)
    assert [row['step'] for row in rows] == [1024 * i for i in range(1, 7)]
    assert lines[-1].split()[-3:] == [f'{rows[-1][tag]:.2f}' for tag in
                                      ('accuracy/train_labeled', 'accuracy/valid', 'accuracy')]
    tags = {'losses/xe', 'losses/l2u', 'accuracy', 'accuracy/valid', 'accuracy/train_labeled', 'accuracy/raw',
            'accuracy/raw/valid', 'accuracy/raw/train_labeled'}
    assert set(rows[0]) == tags | {'step', 'kimg'}
    events = [event for path in glob.glob(f'{folder}/tf/events*')
              for event in tf.compat.v1.train.summary_iterator(path)]
    seen = {(event.step, value.tag) for event in events for value in event.summary.value}
    assert {(row['step'], tag) for row in rows for tag in tags} <= seen
    names = [os.path.basename(path) for path in checkpoint.all_in(f'{folder}/tf')]
    assert names == [f'model.ckpt-{1024 * i:08d}' for i in (0, 2, 4, 6)]
    with open(f'{folder}/args/args.json') as f:
        args = json.load(f)
    assert args['dataset'] == 'digits.1@40-100' and args['seed'] == 1 and args['nclass'] == 10
    assert args['train_kimg'] == 6 and args['whiten'] is False and args['versions']['tensorflow'] == tf.__version__
    assert tf.train.latest_checkpoint(f'{folder}/tf') == f'{folder}/tf/{names[-1]}'


def test_eval_ckpt_prints_the_table(straight, data_dir):
    folder, _ = straight
    code, out, err = runner.run('mixmatch.py', *runner.TINY, f'--data_dir={data_dir}',
                                f'--train_dir={os.path.dirname(os.path.dirname(folder))}', f'--eval_ckpt={folder}')
    assert code == 0 and not runner.quiet(err), err
    table = out.splitlines()[-5:]
    ends = {tuple(match.end() for match in re.finditer(r'\S+', line))[-3:] for line in table}
    assert len(ends) == 1, table  # Titles and values stand in the same columns.
    rows = [line.split() for line in table[1:]]
    assert [row[0] for row in rows] == ['raw', 'ema', 'tuned_raw', 'tuned_ema']
    last = metrics(folder)[-1]
    for row, kind in zip(rows, ('raw/', '')):
        assert row[1:] == [f'{last[tag.rstrip("/")]:.2f}' for tag in (
            f'accuracy/{kind}train_labeled', f'accuracy/{kind}valid', f'accuracy/{kind}')]
    assert rows[2][1:] != rows[0][1:] or rows[3][1:] != rows[1][1:]


def trained(folder, nimg, keep_ckpt=50, dataset=None, **params):
    """A toy model trained to nimg images; reports and checkpoints every 32 images."""
    model = MixMatch(str(folder), dataset or toy.dataset(), **{**toy.SMALL, **params})
    model.train(nimg, 32, 32, keep_ckpt)
    return model


def test_same_seed_same_bits_other_seed_other_bits(tmp_path):
    a, b, c = [trained(tmp_path / name, 64, seed=seed, arch='shake').folder.path
               for name, seed in (('a', 1), ('b', 1), ('c', 2))]
    assert_same_bits(a, b)
    assert metrics(a) == metrics(b)
    a, c = arrays(a), arrays(c)
    assert np.any(a['classify/conv2d/kernel'] != c['classify/conv2d/kernel'])


def test_run_folder_of_other_arguments_is_refused(tmp_path):
    trained(tmp_path, 32)
    for change, text in ((dict(seed=7), 'seed=1, not seed=7'), (dict(T=1.), 'T=0.5, not T=1.0')):
        with pytest.raises(InputError, match=text) as error:
            trained(tmp_path, 64, **change)
        assert '--rerun' in str(error.value) and '\n' not in str(error.value)
    beside = trained(tmp_path, 32, seed=7, rerun='seven')
    assert os.path.basename(os.path.dirname(beside.folder.path)) == 'seven'
    trained(tmp_path, 64, train_kimg=3)  # The length does not shape MixMatch: a run may be prolonged.


def test_another_lr_in_the_same_folder_is_refused(tmp_path):
    """lr is in the folder's name; a folder that was renamed by hand is still recognised."""
    model = trained(tmp_path, 32)
    os.rename(model.folder.path, model.folder.path.replace('lr0.002', 'lr0.003'))
    with pytest.raises(InputError, match='lr=0.002, not lr=0.003'):
        trained(tmp_path, 64, lr=0.003)


def test_keep_ckpt_holds_across_restarts(tmp_path):
    for nimg in (96, 160):
        model = trained(tmp_path, nimg, keep_ckpt=2)
        assert len(checkpoint.all_in(model.folder.tf)) == 2
    files = [entry for entry in os.listdir(model.folder.tf) if entry.startswith('model')]
    assert sorted(files) == [f'model.ckpt-00000{step}.{end}' for step in (128, 160)
                             for end in ('data-00000-of-00001', 'index')]


class Settling(MixMatch):
    """Records the steps at which it is asked to settle."""

    def settle(self, session):
        self.settled = getattr(self, 'settled', []) + [int(session.run(self.step))]


def test_settles_once_before_a_report_and_its_checkpoint(tmp_path):
    model = Settling(str(tmp_path), toy.dataset(), **toy.SMALL)
    model.train(64, 32, 16)
    assert model.settled == [0, 16, 32, 48, 64]


def test_divergence_names_the_step_and_keeps_the_checkpoint(tmp_path):
    with pytest.raises(Diverged, match=r'at step \d+ \(losses/xe .*smaller lr') as error:
        trained(tmp_path, 320, lr=1e30)
    assert '\n' not in str(error.value)
    model = MixMatch(str(tmp_path), toy.dataset(), **{**toy.SMALL, 'lr': 1e30})
    for path in checkpoint.all_in(model.folder.tf):
        reader = tf.train.load_checkpoint(path)
        assert all(np.isfinite(reader.get_tensor(name)).all() for name in reader.get_variable_to_shape_map())
    assert all(math.isfinite(value) for row in model.folder.metrics() for value in row.values())


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = MixMatch(str(tmp_path), toy.dataset(), **toy.SMALL)
    nan = np.full(model.variables[1].shape, np.nan, np.float32)
    with model.graph.as_default():
        with tf.control_dependencies([model.initializer]):
            model.initializer = tf.group(model.variables[1].assign(nan))
    with pytest.raises(Diverged, match='weights are not finite'):
        model.train(64, 32)
    assert not checkpoint.all_in(model.folder.tf)


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


def test_run_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write'):
        trained(tmp_path / 'file', 32)


@pytest.mark.parametrize('args, text', [
    (['--dataset=cifar10-3@250'], '<name>.<seed>@<labels>-<valid>'),
    (['--dataset=cifar11.3@250-5000'], 'cifar10'),
    (['--dataset=cifar10.3@250-5000'], 'scripts/create_datasets.py'),
    (['--dataset=digits.1@1401-0'], '1400'),
    (['--dataset=digits.1@40-1400'], 'can be 1360 at most'),
    (['--dataset=digits-100'], 'unlabeled'),
    (['--dataset=digits.1@40-100', '--mixmode=yy.'], 'xxy.yxy'),
    (['--dataset=digits.1@40-100', '--p_unlabeled=1,2'], '10 comma-separated'),
    (['--dataset=digits.1@40-100', '--eval_ckpt=nowhere'], 'no checkpoint at nowhere'),
    (['--dataset=digits.1@40-100', 'stray'], 'stray'),
])
def test_bad_command_is_one_line_and_exit_1(tmp_path, data_dir, args, text):
    code, _, err = runner.run('mixmatch.py', *args, f'--data_dir={data_dir}', f'--train_dir={tmp_path}')
    assert code == 1 and err.startswith('error: ') and text in err and len(err.splitlines()) == 1, err
    assert not os.listdir(tmp_path)
