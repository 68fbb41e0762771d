"""Files that are whole or not there, errors in one line, the end of scripts."""

import os
import pathlib
import stat
import sys

from libml import utils
from libml.utils import InputError
from refusals import refused

import pytest
from absl import flags


def test_logarithms_are_rounded_up():
    assert [utils.ilog2(x) for x in (1, 2, 8, 28, 32, 33, 96)] == [0, 1, 3, 5, 5, 6, 7]


@pytest.mark.parametrize('error, line', [
    ('one', 'one'), (ValueError('first\nsecond'), 'first'), (ValueError(), 'ValueError'),
    ('Graph execution error:\n\nDetected at node x\nNode: x\nwhat happened\nmore', 'what happened'),
    ('nothing after it\nNode: x', 'nothing after it'),
    ('x\nNode: y\nFrom /job:worker/replica:0/task:1:\nwhat happened\nmore', 'what happened'),
    (UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid start byte'), 'it must be UTF-8'),
    (MemoryError('std::bad_alloc'), 'it asks for more memory than there is'), (MemoryError('array'), 'array')])
def test_one_line(error, line):
    assert utils.one_line(error) == line


@pytest.mark.parametrize('text, line', [
    ('--dataset=stl10.1\n@10: write', r'--dataset=stl10.1\n@10: write'),
    ('a\x00\u2028\udcff\té', r'a\x00\u2028\udcff\té'),
    (f'--id={"x" * 10000}: too long', f'--id={"x" * 195}...: too long'),
    (f'no {"/".join(["y" * 255] * 4)} here', f'no {"/".join(["y" * 255] * 4)} here'),
    (f'--id={"x " * 5000}: too long', f'--id={"x " * 97}x ... {"x " * 370}: too long')])
def test_errors_are_one_line_whatever_was_given(text, line):
    """Names of files are never cut: they are to be copied."""
    assert str(InputError(text)) == str(InputError(InputError(text))) == line


def test_packages_that_are_missing(monkeypatch):
    utils.require('pictures need', 'PIL', 'sklearn')
    monkeypatch.setitem(sys.modules, 'PIL', None)
    with refused('pictures need pillow and no_such: pip install pillow no_such'):
        utils.require('pictures need', 'PIL', 'sklearn', 'no_such')


@pytest.mark.parametrize('mode, content', [('w', 'text'), ('wb', b'bytes')])
def test_files_are_written_whole(tmp_path, mode, content):
    path = tmp_path / 'new' / 'deeper' / 'file'
    with utils.written_whole(path, mode) as f:
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
        with utils.written_whole(path) as f:
            f.write('text')
    assert os.read(reader, 9) == b'text' and stat.S_ISFIFO(os.stat(pipe).st_mode)
    os.close(reader)
    assert link.is_symlink() and target.read_text() == 'text'
    with refused(f'cannot write {tmp_path}: Is a directory'), utils.written_whole(tmp_path):
        pass
    target.unlink()
    target.mkdir()
    with utils.folder_written_whole(link) as folder:
        os.mkdir(folder)
    assert link.is_symlink() and sorted(os.listdir(tmp_path)) == ['link', 'pipe', 'target']


@pytest.mark.parametrize('old', ['old', None])
@pytest.mark.parametrize('error', [ValueError('stop'), KeyboardInterrupt(), OSError(28, 'No space left on device')])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, old, error):
    path = tmp_path / 'file'
    if old:
        path.write_text(old)
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)) as raised:
        with utils.written_whole(str(path)) as f:
            f.write('new')
            f.flush()
            raise error
    assert not isinstance(error, OSError) or str(raised.value) == f'cannot write {path}: No space left on device'
    assert os.listdir(tmp_path) == (['file'] if old else []) and (not old or path.read_text() == old)


def test_the_home_folder_in_arguments(tmp_path, monkeypatch):
    """Where a path begins, in every flag, argument and file of flags; nowhere else."""
    known = flags.FlagValues()
    for name in ('data_dir', 'run', 'name'):
        flags.DEFINE_string(name, '', '', known)
    monkeypatch.setattr(utils.flags, 'FLAGS', known)
    monkeypatch.setenv('HOME', '/home/me')
    (tmp_path / 'flags').write_text('--data_dir=~/data')
    found = utils.parse_flags([
        '~/script', f'--flagfile={tmp_path}/flags', '--run=~/a,b,~', '~/runs', '--name=a~b', 'c/~'])
    assert found == ['~/script', '/home/me/runs', 'c/~']
    assert (known.data_dir, known.run, known.name) == ('/home/me/data', '/home/me/a,b,/home/me', 'a~b')


@pytest.mark.parametrize('text', ['--data_dir=~nouser/x', '~nouser', '--run=a,~nouser/b'])
def test_users_that_there_are_not(monkeypatch, capsys, text):
    monkeypatch.setattr(utils.flags, 'FLAGS', flags.FlagValues())
    with pytest.raises(SystemExit) as end:
        utils.parse_flags(['script', text])
    assert end.value.code == 1 and capsys.readouterr().err == (
        f'error: {text}: the home folder of nouser is not known; for a folder with this name write ./~nouser '
        '(--help lists the flags)\n')


def test_a_file_of_flags_in_another_encoding(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(utils.flags, 'FLAGS', flags.FlagValues())
    (tmp_path / 'flags').write_text('--data_dir=x', 'utf-16')
    with pytest.raises(SystemExit) as end:
        utils.parse_flags(['script', f'--flagfile={tmp_path}/flags'])
    assert end.value.code == 1 and capsys.readouterr().err == 'error: --flagfile: the file must be UTF-8\n'


@pytest.mark.parametrize('path', ['~nouser/x', pathlib.Path('~nouser')])
def test_no_folder_is_called_as_an_unknown_user(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    for write in (utils.written_whole, utils.folder_written_whole):
        with refused(f'{path}: the home folder of nouser is not known'):
            with write(path):
                pass
    assert not os.listdir(tmp_path)
    with utils.written_whole('./~nouser/x'):
        pass
    assert os.listdir('~nouser') == ['x']


def test_json(tmp_path):
    path = tmp_path / 'a.json'
    for encoding in ('utf-8', 'utf-8-sig'):
        path.write_text('{"a": ["é"]}', encoding)
        assert utils.read_json(path) == {'a': ['é']}
    for content, text in (('{"a": 1}'.encode('utf-16'), 'it must be UTF-8'), (b'{', 'Expecting'), (b'[' * 100000, '')):
        path.write_bytes(content)
        with refused(f'{path} is damaged: {text}'):
            utils.read_json(path)
    for missing in (tmp_path, tmp_path / 'b'):
        with refused(f'cannot read {missing}: '):
            utils.read_json(missing)


def test_names_in_a_folder(tmp_path, monkeypatch):
    for name in ('b', 'a', 'c'):
        (tmp_path / name).write_text('')
    assert utils.listed(tmp_path) == ['a', 'b', 'c']
    assert utils.listed(tmp_path / 'none') == utils.listed(tmp_path / 'a') == []

    def unreadable(folder):
        raise PermissionError(13, 'Permission denied', folder)

    monkeypatch.setattr(os, 'listdir', unreadable)
    with refused(f'cannot read {tmp_path}: Permission denied'):
        utils.listed(tmp_path)


def test_a_file_that_is_removed(tmp_path):
    (tmp_path / 'file').write_text('')
    utils.removed(tmp_path / 'file')
    utils.removed(tmp_path / 'file')
    with refused(f'cannot remove {tmp_path}: '):
        utils.removed(tmp_path)


def test_the_home_folder_in_python(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with utils.written_whole('~/new/file') as f:
        f.write('text')
    assert (tmp_path / 'new' / 'file').read_text() == 'text'


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with refused('cannot write', 'file/below'):
        with utils.written_whole(str(tmp_path / 'file' / 'below')):
            pass


def test_progress(capsys):
    with utils.progress(total=2, disable=False) as bar:
        bar.update(2)
    assert '2/2' in capsys.readouterr().err


def test_a_folder_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / 'some' / 'out'

    def write(text, belongs=None):
        with utils.folder_written_whole(path, belongs) as folder:
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
        with utils.folder_written_whole(path / 'a'):
            pass
    with pytest.raises(InputError, match=r'cannot write .*: Not a directory|cannot write .*File exists'):
        with utils.folder_written_whole(path / 'a' / 'b'):
            pass
