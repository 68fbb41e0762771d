"""Starts the scripts as a user does: as processes."""

import contextlib
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from libml import interrupts

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A MixMatch that takes milliseconds a step.
TINY = ['--dataset=digits.1@40-100', '--filters=4', '--repeat=1', '--batch=64', '--bn_momentum=0.9', '--ema=0.9',
        '--w_match=5', '--warmup_kimg=8', '--report_kimg=1', '--report_raw', '--save_kimg=2']


def hear():
    """The preexec_fn of a process that is sent signals: one of a job in the background, as the tests may be, ignores
    them."""
    for number in interrupts.SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def start(script, *args, **kwargs):
    """A process of `python <script> <args>` from the project's folder."""
    kwargs = dict(dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE), **kwargs)
    return subprocess.Popen([sys.executable, script, *map(str, args)], cwd=ROOT, text=True,
                            env=environment(), **kwargs)


def environment():
    return dict(os.environ, PYTHONPATH=str(ROOT))


def run(script, *args, seconds=300):
    """(exit code, stdout, stderr without the end of its last line); a script is run by a copy of fork_server.py, which
    is killed after so many seconds."""
    if script == '-c':
        process = start(script, *args)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err.removesuffix('\n')
    with tempfile.NamedTemporaryFile('r') as out, tempfile.NamedTemporaryFile('r') as err:
        copy, lines = copied(script, args, out, err)
        with timeout(seconds, copy):
            code = int(lines.readline())
        return code, out.read(), err.read().removesuffix('\n')


def copied(script, args, out, err):
    """Has a copy of fork_server.py run a script.

    Args:
        out, err: named files for stdout and stderr.
    Returns:
        (number of its process, the file whose next line is its exit code).
    """
    _, lines = fork_server()
    print(json.dumps([str(script), [*map(str, args)], environment(), out.name, err.name]), file=lines, flush=True)
    return int(lines.readline()), lines


@functools.cache
def fork_server():
    """A process of fork_server.py, which ends with this one, and the file for requests to it."""
    ours, other = socket.socketpair()
    with other:
        process = start('tests/fork_server.py', other.fileno(), pass_fds=[other.fileno()], stdout=subprocess.DEVNULL,
                        stderr=None)
    return process, ours.makefile('rw')


@contextlib.contextmanager
def timeout(seconds, number):
    """A context in which a process is killed after so many seconds."""
    timer = threading.Timer(seconds, os.kill, [number, signal.SIGKILL])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def wait_for(condition, process, seconds=120):
    """Waits until condition() is true, or fails when the process ends or the time is up."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, f'ended with {process.returncode}: {process.communicate()}'
        assert time.monotonic() < end, 'waited too long'
        time.sleep(0.02)
