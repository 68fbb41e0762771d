"""Files and folders that are whole or not there."""

import os
import pathlib
import stat

from libml import files
from libml.utils import InputError
from refusals import refused

import pytest


@pytest.mark.parametrize('mode, content', [('w', 'text'), ('wb', b'bytes')])
def test_files_are_written_whole(tmp_path, mode, content):
    path = tmp_path / 'new' / 'deeper' / 'file'
    with files.written_whole(path, mode) as f:
        f.write(content)
        assert not path.exists()
    assert (path.read_text() if mode == 'w' else path.read_bytes()) == content
    assert os.listdir(path.parent) == ['file']


def test_what_is_no_file_is_not_replaced(tmp_path):
    """A pipe is written to, and a link to a file or a folder stays one."""
    pipe, link, target = (tmp_path / name for name in ('pipe', 'link', 'target'))
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    link.symlink_to(target)
    for path in (pipe, link):
        with files.written_whole(path) as f:
            f.write('text')
    assert os.read(reader, 9) == b'text' and stat.S_ISFIFO(os.stat(pipe).st_mode)
    os.close(reader)
    assert link.is_symlink() and target.read_text() == 'text'
    with refused(f'cannot write {tmp_path}: Is a directory'), files.written_whole(tmp_path):
        pass
    target.unlink()
    target.mkdir()
    with files.folder_written_whole(link) as folder:
        os.mkdir(folder)
    assert link.is_symlink() and sorted(os.listdir(tmp_path)) == ['link', 'pipe', 'target']


@pytest.mark.parametrize('old', ['old', None])
@pytest.mark.parametrize('error', [ValueError('stop'), KeyboardInterrupt(), OSError(28, 'No space left on device')])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, old, error):
    path = tmp_path / 'file'
    if old:
        path.write_text(old)
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)) as raised:
        with files.written_whole(str(path)) as f:
            f.write('new')
            f.flush()
            raise error
    assert not isinstance(error, OSError) or str(raised.value) == f'cannot write {path}: No space left on device'
    assert os.listdir(tmp_path) == (['file'] if old else []) and (not old or path.read_text() == old)


@pytest.mark.parametrize('path', ['~nouser/x', pathlib.Path('~nouser')])
def test_no_folder_is_called_as_an_unknown_user(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    for write in (files.written_whole, files.folder_written_whole):
        with refused(f'{path}: the home folder of nouser is not known'):
            with write(path):
                pass
    assert not os.listdir(tmp_path)
    with files.written_whole('./~nouser/x'):
        pass
    assert os.listdir('~nouser') == ['x']


def test_json(tmp_path):
    path = tmp_path / 'a.json'
    for encoding in ('utf-8', 'utf-8-sig'):
        path.write_text('{"a": ["é"]}', encoding)
        assert files.read_json(path) == {'a': ['é']}
    for content, text in (('{"a": 1}'.encode('utf-16'), 'it must be UTF-8'), (b'{', 'Expecting'), (b'[' * 100000, '')):
        path.write_bytes(content)
        with refused(f'{path} is damaged: {text}'):
            files.read_json(path)
    for missing in (tmp_path, tmp_path / 'b'):
        with refused(f'cannot read {missing}: '):
            files.read_json(missing)


def test_names_in_a_folder(tmp_path, monkeypatch):
    for name in ('b', 'a', 'c'):
        (tmp_path / name).write_text('')
    assert files.listed(tmp_path) == ['a', 'b', 'c']
    assert files.listed(tmp_path / 'none') == files.listed(tmp_path / 'a') == []

    def unreadable(folder):
        raise PermissionError(13, 'Permission denied', folder)

    monkeypatch.setattr(os, 'listdir', unreadable)
    with refused(f'cannot read {tmp_path}: Permission denied'):
        files.listed(tmp_path)


def test_a_file_that_is_removed(tmp_path):
    (tmp_path / 'file').write_text('')
    files.removed(tmp_path / 'file')
    files.removed(tmp_path / 'file')
    with refused(f'cannot remove {tmp_path}: '):
        files.removed(tmp_path)


def test_the_home_folder_in_python(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with files.written_whole('~/new/file') as f:
        f.write('text')
    assert (tmp_path / 'new' / 'file').read_text() == 'text'


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with refused('cannot write', 'file/below'):
        with files.written_whole(str(tmp_path / 'file' / 'below')):
            pass


def test_a_folder_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / 'some' / 'out'

    def write(text, belongs=None):
        with files.folder_written_whole(path, belongs) as folder:
            os.mkdir(folder)
            with open(os.path.join(folder, 'a'), 'w') as f:
                f.write(text)
            if text == 'bad':
                raise InputError('stopped')

    def content():
        assert os.listdir(tmp_path / 'some') == ['out']
        return (path / 'a').read_text()

    path.mkdir(parents=True)
    write('first')
    assert content() == 'first'
    for text, belongs, expected in (('second', None, 'is there already: give'), ('bad', 'a', 'stopped'),
                                    ('second', 'b', 'is there already, without b')):
        with pytest.raises(InputError, match=expected):
            write(text, belongs)
        assert content() == 'first'
    write('second', 'a')
    assert content() == 'second'
    with pytest.raises(InputError, match='cannot write .*Not a directory|is there already'):
        with files.folder_written_whole(path / 'a'):
            pass
    with pytest.raises(InputError, match=r'cannot write .*: Not a directory|cannot write .*File exists'):
        with files.folder_written_whole(path / 'a' / 'b'):
            pass


def test_a_folder_that_another_process_made_meanwhile_stays(tmp_path):
    with refused(f'{tmp_path}/out is there already'):
        with files.folder_written_whole(tmp_path / 'out') as folder:
            os.mkdir(folder)
            (tmp_path / 'out').mkdir()
            (tmp_path / 'out' / 'theirs').write_text('')
    assert os.listdir(tmp_path) == ['out'] and os.listdir(tmp_path / 'out') == ['theirs']


def test_paths_that_tensorflow_cannot_take():
    assert files.in_unicode('a/\u00e9') == 'a/\u00e9'
    with refused('a\\udcff must be in UTF-8'):
        files.in_unicode('a\udcff')
