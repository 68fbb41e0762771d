"""Signals that end a process: while modules are imported, in main, where no exception gets through; ignored ones."""

import os
import signal
import subprocess
import sys

import runner
from libml import interrupts

import pytest


def ended(*args, path='', before=runner.hear):
    """(exit code, stdout, stderr) of a Python process, with the folder `path` the first that it imports from."""
    done = subprocess.run([sys.executable, *map(str, args)], cwd=runner.ROOT, capture_output=True, text=True,
                          timeout=120, preexec_fn=before, env=dict(os.environ, PYTHONPATH=f'{path}:{runner.ROOT}'))
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize('script, args, number', [
    ('mixmatch.py', [], signal.SIGINT), ('ablation/ab_fixmatch_adam.py', [], signal.SIGTERM),
    ('scripts/create_split.py', ['--size=10', 'digits'], signal.SIGINT),
    ('scripts/create_split.py', ['--size=10', 'digits'], signal.SIGTERM)])
def test_while_tensorflow_is_imported(tmp_path, script, args, number):
    """Whether the script imports it at its beginning or late; there what an exception would become is not known."""
    (tmp_path / 'tensorflow').mkdir()
    (tmp_path / 'tensorflow' / '__init__.py').write_text(
        f'import signal\ntry:\n    signal.raise_signal({number:d})\n'
        'except BaseException as error:\n    raise ImportError("swallowed") from error')
    assert ended(script, *args, f'--data_dir={tmp_path}', path=tmp_path) == (
        128 + number, '', f'Stopped by {number.name}.\n')


PROGRAM = '''
import os, signal, sys, time, weakref
from libml import files, interrupts, utils

class Thing:
    pass

def main(argv):
    {}

utils.run_main(main)
'''


@pytest.mark.parametrize('number', interrupts.SIGNALS)
def test_what_is_half_written_is_removed(tmp_path, number):
    main = f'with files.written_whole("{tmp_path}/file") as f: signal.raise_signal({number:d}); time.sleep(60)'
    assert ended('-c', PROGRAM.format(main)) == (128 + number, '', f'Stopped by {number.name}.\n')
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize('first, second', [(signal.SIGTERM, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM),
                                           (signal.SIGINT, signal.SIGHUP)])
def test_another_signal_does_not_stop_what_the_first_one_began(tmp_path, first, second):
    # After the first one, in what follows in the same `finally` as the removal of the file.
    main = f'''
    try:
        with files.written_whole("{tmp_path}/file"):
            signal.raise_signal({first:d})
    finally:
        signal.raise_signal({second:d})
        print('removed')
'''
    assert ended('-c', PROGRAM.format(main)) == (128 + first, 'removed\n', f'Stopped by {first.name}.\n')
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_where_no_exception_gets_through(number):
    """Python swallows those of a callback; of others than an interrupt it tells as ever."""
    main = '''
    for name in ('int("x")', 'signal.raise_signal(NUMBER)'):
        thing = Thing()
        reference = weakref.ref(thing, lambda _: eval(name))
        del thing
        print('later', flush=True)
    time.sleep(60)
'''
    code, out, err = ended('-c', PROGRAM.format(main.replace('NUMBER', f'{number:d}')))
    assert (code, out) == (128 + number, 'later\nlater\n')
    assert err.startswith('Exception ignored in') and err.endswith(f"'x'\nStopped by {number.name}.\n")


def ignore():
    for number in interrupts.SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def test_what_the_parent_ignores_stays_ignored():
    main = '''
    with interrupts.delayed():
        for number in interrupts.SIGNALS:
            signal.raise_signal(number)
    print(interrupts.handle(print), [signal.getsignal(number).name for number in interrupts.SIGNALS])
'''
    assert ended('-c', PROGRAM.format(main), before=ignore) == (0, f'{{}} {["SIG_IGN"] * 3}\n', '')


def test_a_second_signal_does_not_wait():
    code = '''
from libml import interrupts
import signal
with interrupts.delayed():
    signal.raise_signal(signal.SIGINT)
    print('waits', flush=True)
    signal.raise_signal({})
    print('waits no longer', flush=True)
'''
    assert ended('-c', code.format('signal.SIGTERM')) == (143, 'waits\n', 'Stopped by SIGTERM.\n')
    code, out, err = ended('-c', code.format(0))
    assert (code, out) == (-signal.SIGINT, 'waits\nwaits no longer\n') and err.endswith('KeyboardInterrupt\n')


def test_who_only_imports_the_library_has_his_own_handlers():
    code = 'import signal, libml; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'
    assert ended('-c', code) == (0, 'True\n', '')
