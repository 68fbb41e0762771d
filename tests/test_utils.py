"""Files that are whole or not there, errors in one line, the end of scripts."""

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


def test_progress(capsys):
    with utils.progress(total=2, disable=False) as bar:
        bar.update(2)
    assert '2/2' in capsys.readouterr().err
