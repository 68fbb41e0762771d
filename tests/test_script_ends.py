"""How scripts end, as processes: utils.run_main with closed, full and unread streams, at signals and errors."""

import os

import runner

import pytest


@pytest.mark.parametrize('lines, args, code', [(1, [], 141), (9999, [], 141), (1, ['--help'], 1)])
def test_no_one_reads(monkeypatch, lines, args, code):
    """Quiet, whether the buffer of stdout is written by a print, at the end or by --help, whose own code is 1."""
    monkeypatch.delenv('PYTHONUNBUFFERED', raising=False)
    reader, writer = os.pipe()
    os.close(reader)
    program = f'from libml import utils; utils.run_main(lambda argv: print("some line\\n" * {lines}))'
    process = runner.start('-c', program, *args, stdout=writer)
    os.close(writer)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, '')


@pytest.mark.parametrize('unbuffered', ['', '1'])
@pytest.mark.parametrize('lines, args', [(1, []), (9999, []), (1, ['--help'])])
def test_no_room_for_stdout(monkeypatch, lines, args, unbuffered):
    """One line, wherever it is noticed; also of a stdout that is open for reading."""
    monkeypatch.setenv('PYTHONUNBUFFERED', unbuffered)
    program = f'from libml import utils; utils.run_main(lambda argv: print("some line\\n" * {lines}))'
    for path, mode, reason in (('/dev/full', 'w', 'No space left on device'), (os.devnull, 'r', 'Bad file descriptor')):
        with open(path, mode) as f:
            process = runner.start('-c', program, *args, stdout=f)
            assert process.communicate(timeout=60)[1] == f'error: cannot write to standard output: {reason}\n'
            assert process.returncode == 1


def test_errors_of_files_are_not_taken_for_those_of_stdout():
    code, _, err = runner.run('-c', 'from libml import utils; utils.run_main(lambda argv: open("/dev/full/x"))')
    assert code == 1 and err.startswith('Traceback') and 'standard output' not in err


@pytest.mark.parametrize('args, code', [(['--help'], 1), ([], 0)])
@pytest.mark.parametrize('closed', [[1], [2], [1, 2]])
def test_closed_streams(args, code, closed):
    """Everything can be printed, and goes nowhere; what is for stderr does not go to stdout."""
    program = """
import csv, sys
from libml import utils

def main(argv):
    csv.writer(sys.stdout).writerow('1')
    print('2', file=sys.stderr)
    with utils.progress(total=2, disable=False) as bar:
        bar.update()

utils.run_main(main)
"""
    process = runner.start('-c', program, *args, preexec_fn=lambda: [os.close(number) for number in closed])
    out, err = process.communicate(timeout=60)
    assert process.returncode == code and 'Traceback' not in err
    assert (1 not in closed or not out) and (2 not in closed or not err)
    assert args or (out or '1\n') == '1\n' and (err or '2').startswith('2')


@pytest.mark.parametrize('number', [1, 2])
def test_a_closed_stream_is_no_file_that_is_opened_next(number):
    code = (f'import libml, os, sys; same = os.path.samestat(os.fstat({number}), os.stat(os.devnull)); '
            f'sys.exit(7 * (same and open("setup.py").fileno() > 2))')
    process = runner.start('-c', code, preexec_fn=lambda: os.close(number))
    process.communicate(timeout=60)
    assert process.returncode == 7


@pytest.mark.parametrize('number, after, code', [
    ('SIGINT', '', 130), ('SIGTERM', '', 143), ('SIGHUP', '', 129), ('SIGTERM', 'raise ValueError', 143),
    ('SIGTERM', 'raise utils.InputError', 143), ('SIGTERM', 'signal.raise_signal(signal.SIGTERM)', 143),
    ('SIGHUP', 'os.kill(os.getpid(), signal.SIGHUP)', 129)])
def test_signals_leave_nothing_half_written(tmp_path, number, after, code):
    """In one line, also where something fails because of the signal, or it comes twice."""
    program = f"""
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # It is ignored in the background of a script.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from libml import files, utils

def main(argv):
    with files.written_whole({str(tmp_path / 'new')!r}) as f:
        f.write('half')
        try:
            signal.raise_signal(signal.{number})
        finally:
            {after or 'pass'}

utils.run_main(main)
"""
    assert runner.run('-c', program) == (code, '', f'Stopped by {number}.') and not os.listdir(tmp_path)


def test_signals_that_are_ignored():
    program = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from libml import utils
utils.run_main(lambda argv: signal.raise_signal(signal.SIGHUP))
"""
    assert runner.run('-c', program) == (0, '', '')


def test_names_that_are_no_unicode_can_be_printed(monkeypatch):
    """And letters that the encoding of the terminal does not have."""
    monkeypatch.setenv('PYTHONIOENCODING', 'ascii')
    program = 'from libml import utils; utils.run_main(lambda argv: print(*argv[1:], "±"))'
    assert runner.run('-c', program, 'a\udcff') == (0, 'a\\udcff \\xb1\n', '')


def test_log_lines_of_libraries_about_fonts_are_not_shown():
    """Written once a machine, when matplotlib looks for its fonts; absl shows what is INFO."""
    program = """
import logging
from libml import utils

def main(argv):
    log = logging.getLogger('matplotlib.font_manager')
    log.info('generated new fontManager')
    log.warning('Matplotlib is building the font cache; this may take a moment.')
    logging.getLogger('matplotlib').warning('something else')

utils.run_main(main)
"""
    code, out, err = runner.run('-c', program)
    assert (code, out) == (0, '') and err.count('\n') == 0 and err.endswith('something else')


def test_ends_of_scripts():
    """One line and exit code 1 of errors that users see; what main returns is the code."""
    code = '''
import sys
from libml import utils

def end(error):
    def main(argv):
        if not isinstance(error, BaseException):
            return error
        raise error
    try:
        utils.run_main(main)
    except SystemExit as end:
        print(end.code)

for error in (utils.InputError('x'), utils.Diverged('y'), None, 143):
    end(error)
sys.argv.append('--a\\nb=1')
end(None)
'''
    exit_code, out, err = runner.run('-c', code)
    assert (exit_code, out, err) == (
        0, '1\n1\nNone\n143\n1\n', 'error: x\nerror: y\nerror: '
        r"Unknown command line flag 'a\nb'" ' (--help lists the flags)')
