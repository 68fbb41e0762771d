"""The lock of a run folder: its owner, its end, and file systems without locks or without answers."""

import errno
import os
import platform
import subprocess
import sys
import threading

from libml.training import run_lock
from libml.training.run_folder import RunFolder
from refusals import refused

import pytest


def test_the_lock_dies_with_its_process(tmp_path):
    code = ('import sys, time; from libml.training.run_lock import RunLock; '
            'lock = RunLock(sys.argv[1]).held(); lock.__enter__(); print("locked", flush=True); time.sleep(100)')
    process = subprocess.Popen([sys.executable, '-c', code, str(tmp_path / 'lock')], stdout=subprocess.PIPE,
                               cwd=run_lock.__file__.rpartition('/libml/')[0])
    assert process.stdout.readline() == b'locked\n'
    folder = RunFolder(str(tmp_path))
    with refused(f'{tmp_path} is in use by process {process.pid} on {platform.node()}, which trains there'):
        with folder.locked():
            pass
    process.kill()
    process.communicate()
    with folder.locked():
        assert (tmp_path / 'lock').read_text() == f'process {os.getpid()} on {platform.node()}'


def failing(monkeypatch, number):
    def flock(f, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(run_lock.fcntl, 'flock', flock)


@pytest.mark.parametrize('number', [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_file_systems_without_locks(tmp_path, monkeypatch, capsys, number):
    """A run there goes on, and says that nothing keeps a second one away."""
    failing(monkeypatch, number)
    with RunFolder(str(tmp_path)).locked(), RunFolder(str(tmp_path)).locked():
        pass
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f'warning: {tmp_path}/lock cannot be locked ({os.strerror(number)}): nothing keeps a second '
                     'process from training there'] * 2


@pytest.mark.parametrize('number, said', [
    (errno.EAGAIN, 'is in use by another process, which trains there'),
    (errno.EACCES, 'is in use by another process, which trains there'),
    (errno.EIO, 'lock: Input/output error; give a --train_dir on another file system')])
def test_a_lock_that_is_refused(tmp_path, monkeypatch, number, said):
    """Network file systems may answer EACCES where others say EAGAIN."""
    failing(monkeypatch, number)
    (tmp_path / 'run').mkdir()
    with refused(said), RunFolder(str(tmp_path / 'run')).locked():
        pass


def test_a_file_system_that_does_not_answer(tmp_path, monkeypatch):
    """The thread that asks is left behind: it ends with the process."""
    answer = threading.Event()
    monkeypatch.setattr(run_lock.fcntl, 'flock', lambda f, operation: answer.wait())
    monkeypatch.setattr(run_lock, 'PATIENCE', 0.05)
    with refused(f'cannot lock {tmp_path}/lock: its file system does not answer for 0.05 seconds; give a --train_dir'):
        with RunFolder(str(tmp_path)).locked():
            pass
    answer.set()


def test_other_hosts_see_the_owner(tmp_path, monkeypatch):
    """A network file system shows them what it was told to keep."""
    synced = []
    monkeypatch.setattr(os, 'fsync', lambda number: synced.append(os.pread(number, 99, 0)))
    with RunFolder(str(tmp_path)).locked():
        assert synced == [f'process {os.getpid()} on {platform.node()}'.encode()]


def test_what_cannot_start_leaves_no_folders(tmp_path, monkeypatch):
    def no_room(*args, **kwargs):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(run_lock, 'open', no_room, raising=False)
    with refused(f'cannot write {tmp_path}/a/b/lock: No space left on device'):
        with RunFolder(str(tmp_path / 'a' / 'b')).locked():
            pass
    assert not os.listdir(tmp_path)
