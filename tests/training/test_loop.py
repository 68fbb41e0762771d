"""The training loop, on real processes: resume to the bit, signals, reports, numbers that are not finite."""

import glob
import json
import math
import os
import signal

import extract_accuracy
import runner
import toy
from libml.training import checkpoint, events
from libml.training.loop import accuracy_line, final_accuracy, mask_lines
from libml.training.run_folder import RunFolder
from libml.utils import Diverged
from mixmatch import MixMatch
from refusals import refused
from short_runs import assert_same_bits, folder_in, metrics, trained

import numpy as np
import pytest
import tensorflow as tf


def interrupted(train_dir, data_dir, number, kimg):
    """Starts the run of `straight`, sends a signal after the report of `kimg`; returns the process, which has ended."""
    args = [*runner.TINY, '--train_kimg=6', f'--data_dir={data_dir}', f'--train_dir={train_dir}']
    process = runner.start('mixmatch.py', *args, preexec_fn=runner.hear)
    runner.wait_for(lambda: any(row['kimg'] >= kimg for row in RunFolder(folder_in(train_dir)).metrics()), process)
    with refused(f'in use by process {process.pid} on'):
        with RunFolder(folder_in(train_dir)).locked():
            pass
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err.removesuffix('\n'), args


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
            'accuracy/raw/valid', 'accuracy/raw/train_labeled', 'accuracy/balanced',
            *(f'class_accuracy/{digit}' for digit in range(10))}
    assert set(rows[0]) == tags | {'step', 'kimg'}
    np.testing.assert_allclose(rows[-1]['accuracy/balanced'],
                               np.mean([rows[-1][f'class_accuracy/{digit}'] for digit in range(10)]))
    seen = {(event.step, value.tag) for path in glob.glob(f'{folder}/tf/events*') for event in events.read(path)
            for value in event.summary.value}
    assert {(row['step'], tag) for row in rows for tag in tags} <= seen
    assert {(row['step'], tag) for row in rows for tag in ('views/labeled', 'views/unlabeled', 'confusion')} <= seen
    names = [os.path.basename(path) for path in checkpoint.all_in(f'{folder}/tf')]
    assert names == [f'model.ckpt-{1024 * i:08d}' for i in (0, 2, 4, 6)]
    with open(f'{folder}/args/args.json') as f:
        args = json.load(f)
    assert args['dataset'] == 'digits.1@40-100' and args['seed'] == 1 and args['nclass'] == 10
    assert args['train_kimg'] == 6 and args['whiten'] is False and args['versions']['tensorflow'] == tf.__version__
    assert tf.train.latest_checkpoint(f'{folder}/tf') == f'{folder}/tf/{names[-1]}'


class Settling(MixMatch):
    """Records the steps at which it is asked to settle."""

    def settle(self, session):
        self.settled = getattr(self, 'settled', []) + [int(session.run(self.step))]


def test_settles_once_before_a_report_and_its_checkpoint(tmp_path):
    model = Settling(str(tmp_path), toy.dataset(), **toy.SMALL)
    model.train(64, 32, 16)
    assert model.settled == [0, 16, 32, 48, 64]


def test_divergence_names_the_step_and_keeps_the_checkpoint(tmp_path):
    with pytest.raises(Diverged, match=r'at step \d+ \(losses/xe .*smaller lr or loss weight; the last') as error:
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


def test_line_of_a_report():
    accuracies = {'accuracy': 47.849, 'accuracy/valid': 50., 'accuracy/train_labeled': 100., 'accuracy/mnist': 7.125,
                  'accuracy/raw': 52.8, 'accuracy/raw/valid': 9., 'losses/valid': 3.,
                  'accuracy/balanced': 5., 'accuracy/top5': 99., 'class_accuracy/cat': 6.}
    line = 'kimg 64     accuracy test/valid/train/mnist  47.85  50.00  100.00  7.12'
    assert accuracy_line(64 * 1024 + 1, accuracies) == line
    accuracies['accuracy/raw'] = 52.9
    assert accuracy_line(64 * 1024 + 1, accuracies) == (
        f'{line} (averaged weights)  test/valid  52.90  9.00 (live weights)')


def test_accuracy_at_the_end_is_of_both_weights_where_they_differ(tmp_path, capsys):
    assert final_accuracy({'accuracy': 13.349, 'accuracy/raw': 18.3}) == '13.35%'
    assert final_accuracy({'accuracy': 18.4}) == '18.40%'
    model = MixMatch(str(tmp_path), toy.dataset(nclass=2), **dict(toy.SMALL, scales=2, ema=0.999999, lr=0.01))
    model.train(160, 160)
    row, = model.folder.metrics()
    averaged, live = [f'{row[tag]:.2f}' for tag in ('accuracy', 'accuracy/raw')]
    lines = capsys.readouterr().out.splitlines()
    assert abs(row['accuracy'] - row['accuracy/raw']) > 5
    assert lines[-1] == (f'MixMatch on toy: test accuracy {averaged}% (averaged weights), {live}% (live weights)')
    report, = [line for line in lines if line.startswith('kimg')]
    assert f'{averaged} (averaged weights)' in report and report.endswith(f'{live} (live weights)')


def test_reports_without_the_live_weights(tmp_path):
    """After 12 steps averages of 0.75 still remember where they started, after 24 no more."""
    model = MixMatch(str(tmp_path), toy.dataset(), **dict(toy.SMALL, ema=0.75))
    model.train(24 * 8, 12 * 8)
    first, last = [{tag for tag in row if tag.startswith('accuracy')} for row in model.folder.metrics()]
    assert last == {'accuracy', 'accuracy/valid', 'accuracy/train_labeled', 'accuracy/balanced'}
    assert first - last == {'accuracy/raw', 'accuracy/raw/valid', 'accuracy/raw/train_labeled'}


def test_line_of_the_mask():
    assert mask_lines({'losses/xe': 1., 'monitors/mask': 0.634, 'losses/mask_sup': 0.5}) == ['mask 0.63']
    assert mask_lines({'losses/xe': 1.}) == []


def test_predictions_that_are_not_finite_are_not_reported(tmp_path):
    """Weights that are too large for the network, and still numbers: all images would count as of the first class."""
    model = MixMatch(str(tmp_path), toy.dataset(), **toy.SMALL)
    with model.graph.as_default():
        with tf.control_dependencies([model.ops.train_op]):
            model.ops.train_op = tf.group(*[v.assign(np.full(v.shape, 3e38)) for v in model.variables
                                            if 'kernel' in v.op.name])
    with pytest.raises(Diverged, match=r'what the network says of \d+ of \d+ images is not finite after step 8: try a'):
        model.train(8, 8)
    assert not model.folder.metrics()
