"""Writes that survive a power cut: what is called in which order, and disks that cannot be asked."""

import errno
import os

import disk_calls
from libml import durable, files
from refusals import refused

import pytest


def test_a_file_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    (tmp_path / 'a').mkdir()
    calls = disk_calls.recorded(monkeypatch)
    with files.written_whole(tmp_path / 'a' / 'b' / 'c' / 'file') as f:
        f.write('text')
        assert calls == ['fsync b', 'fsync a']
    assert calls[2:5] == ['fsync file.part', 'replace file', 'fsync c']


def test_a_folder_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    """And before the one that it replaces is moved away."""
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'mark').write_text('')
    calls = disk_calls.recorded(monkeypatch)
    with files.folder_written_whole(tmp_path / 'out', 'mark') as folder:
        os.makedirs(os.path.join(folder, 'below'))
        for name in ('mark', 'below/one'):
            with open(os.path.join(folder, name), 'w') as f:
                f.write(name)
    assert calls[:7] == ['fsync one', 'fsync below', 'fsync mark', 'fsync out.part', 'rename out.old', 'rename out',
                         f'fsync {tmp_path.name}']


def failing(monkeypatch, number, kind):
    """Has os.fsync fail with this error, for files or for folders."""
    def fsync(descriptor):
        if os.path.isdir(f'/proc/self/fd/{descriptor}') == (kind == 'folder'):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, 'fsync', fsync)


@pytest.mark.parametrize('number', [errno.EDQUOT, errno.EIO, errno.EINVAL])
def test_what_the_disk_does_not_take_is_not_there(tmp_path, monkeypatch, number):
    """A quota of a network file system is noticed when it is asked."""
    (tmp_path / 'file').write_text('old')
    failing(monkeypatch, number, 'file')
    with refused(f'cannot write {tmp_path}/file: {os.strerror(number)}'):
        with files.written_whole(tmp_path / 'file') as f:
            f.write('new')
    assert os.listdir(tmp_path) == ['file'] and (tmp_path / 'file').read_text() == 'old'


@pytest.mark.parametrize('number, said', [(errno.EINVAL, None), (errno.ENOTSUP, None), (errno.EIO, 'file: Input')])
def test_folders_that_cannot_be_asked(tmp_path, monkeypatch, number, said):
    """Of some network file systems: their files are written all the same."""
    failing(monkeypatch, number, 'folder')
    if said:
        with refused(said), files.written_whole(tmp_path / 'file'):
            pass
    else:
        with files.written_whole(tmp_path / 'file'):
            pass
    assert os.listdir(tmp_path) == ['file']


def test_folders_that_may_be_written_but_not_read(tmp_path, monkeypatch):
    opened = os.open

    def refusing(path, flags, *args, **kwargs):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, 'Permission denied')
        return opened(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, 'open', refusing)
    durable.make_folders(tmp_path / 'a' / 'b')
    durable.make_folders(tmp_path / 'a' / 'b')
    with files.written_whole(tmp_path / 'a' / 'b' / 'file') as f:
        f.write('text')
    assert (tmp_path / 'a' / 'b' / 'file').read_text() == 'text'
