"""Killed runs that are read from files or trained in micro-batches; files that are damaged while they are read."""

import os
import shutil
import signal

import runner
from libml.training.run_folder import RunFolder
from short_runs import assert_same_bits, folder_in, metrics


def test_killed_and_resumed_it_ends_with_the_bits_of_the_run_in_memory(tmp_path, data_dir, straight):
    args = [*runner.TINY, '--train_kimg=6', f'--data_dir={data_dir}', f'--train_dir={tmp_path}', '--memory=disk']
    process = runner.start('mixmatch.py', *args)
    runner.wait_for(lambda: any(row['kimg'] >= 3 for row in RunFolder(folder_in(tmp_path)).metrics()), process)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    # What was read from files goes on in memory, and the other way round.
    code, _, err = runner.run('mixmatch.py', *args[:-1], '--memory=ram')
    assert code == 0, err
    assert_same_bits(folder_in(tmp_path), straight[0])
    assert metrics(folder_in(tmp_path)) == metrics(straight[0])


def test_damage_during_a_run_is_one_line(tmp_path, data_dir):
    """The records are overwritten after the start: their size and time are as before, their pictures are none."""
    folder = tmp_path / 'data'
    shutil.copytree(data_dir, folder)
    args = [*runner.TINY, '--train_kimg=6', f'--data_dir={folder}', f'--train_dir={tmp_path}', '--memory=disk']
    process = runner.start('mixmatch.py', *args)
    runner.wait_for(lambda: any(row['kimg'] >= 1 for row in RunFolder(folder_in(tmp_path)).metrics()), process)
    path = folder / 'digits-train.tfrecord'
    with open(path, 'r+b') as f:
        f.write(bytes(os.path.getsize(path)))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    last = err.strip().splitlines()
    assert len(last) == 1 and last[0].startswith(f'error: {path}: record ') and 'is no PNG or JPEG of 8x8x1' in last[0]


def test_micro_batches_end_with_the_bits_of_an_unbroken_run(tmp_path, data_dir):
    args = [*runner.TINY, '--train_kimg=3', f'--data_dir={data_dir}', '--accumulate=2']
    code, _, err = runner.run('mixmatch.py', *args, f'--train_dir={tmp_path}/whole')
    assert code == 0, err
    process = runner.start('mixmatch.py', *args, f'--train_dir={tmp_path}/killed')
    runner.wait_for(lambda: len(list((tmp_path / 'killed').rglob('model.ckpt-*.index'))) > 1, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    code, _, err = runner.run('mixmatch.py', *args, f'--train_dir={tmp_path}/killed')
    assert code == 0, err
    folders = [str(next((tmp_path / name).rglob('metrics.jsonl')).parent) for name in ('whole', 'killed')]
    assert_same_bits(*folders)
