"""Runs a training on N workers of this machine: python scripts/workers.py 2 python fixmatch.py --dataset=cifar10.3@40-1

Each worker is a process of this command with its own TF_CONFIG, and if there are GPUs with one of them. The chief's
output is shown, and the errors of all. The exit code is that of the first worker that failed. Flags stand before N.
"""

import contextlib
import glob
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml import interrupts
from libml.utils import InputError, Lost, run_main
from libml.workers import cluster

from absl import flags

FLAGS = flags.FLAGS
SECONDS = 0.05  # between looks at the workers
# That workers have to end by themselves where one was lost: those that wait for one that never came would do so long.
PATIENCE = 60
# Of a worker that another start may help: it lost another one, or was killed. So the runs of SIGINT and SIGTERM end.
KILLED = {-number for number in signal.Signals if number not in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


def gpus():
    """list of the names of this machine's GPUs, as for CUDA_VISIBLE_DEVICES."""
    given = os.environ.get('CUDA_VISIBLE_DEVICES')
    if given is not None:  # What is after the first that is none, such as -1, does not count.
        return [*itertools.takewhile(lambda name: name not in ('', '-1', 'NoDevFiles'), given.split(','))]
    return [str(i) for i in range(len(glob.glob('/dev/nvidia[0-9]*')))]


def free_addresses(n):
    """list of n `localhost:port` whose ports are free."""
    with contextlib.ExitStack() as opened:
        try:
            sockets = [opened.enter_context(socket.create_server(('127.0.0.1', 0))) for _ in range(n)]
        except OSError as error:
            raise InputError(f'cannot have {n} workers on this machine: {error.strerror}') from error
        return [f'127.0.0.1:{one.getsockname()[1]}' for one in sockets]


def start(n, command):
    """list of n running processes of a command, the chief first.

    Raises:
        InputError: the command cannot be run, or there are GPUs but fewer.
    """
    found, addresses = gpus(), free_addresses(n)
    if 0 < len(found) < n:
        raise InputError(f'{n} workers: this machine has {len(found)} GPUs ({", ".join(found)}), one for each worker')
    processes = []
    for i in range(n):
        own = {cluster.VARIABLE: cluster.to_text(addresses, i, FLAGS.timeout)}
        if found:
            own['CUDA_VISIBLE_DEVICES'] = found[i]
        try:
            # In a group of its own: a terminal's Ctrl-C comes to this process, which passes it on, once.
            processes.append(subprocess.Popen(command, env=dict(os.environ, **own), start_new_session=True,
                                              stdout=None if i == 0 else subprocess.DEVNULL))
        except OSError as error:
            send(processes, signal.SIGKILL)
            raise InputError(f'cannot run {command[0]}: {error.strerror}') from error
    return processes


def send(processes, number):
    """Sends a signal to those that still run."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def first_failure(processes):
    """The exit code of the first process that did not end with 0, after all have ended; 0 if all did."""
    first, end = 0, None
    while True:
        codes = [process.poll() for process in processes]
        first = first or next((code for code in codes if code), 0)
        if None not in codes:
            return first
        if first:  # Also of a signal: before it ends by one, a worker waits until the chief has saved.
            end = end or time.monotonic() + PATIENCE
            if time.monotonic() > end:
                send(processes, signal.SIGKILL)
        time.sleep(SECONDS)


def run(n, command):
    """The exit code of one start of n workers; of what ends this process it tells them first."""
    processes = []
    try:
        with interrupts.delayed():  # A worker that is not in the list could not be told.
            processes = start(n, command)
        return first_failure(processes)
    except KeyboardInterrupt as stopped:
        try:
            send(processes, getattr(stopped, 'number', signal.SIGINT))
            first_failure(processes)
        except KeyboardInterrupt:  # Again: they end at once.
            send(processes, signal.SIGTERM)
            first_failure(processes)
        raise
    finally:
        send(processes, signal.SIGKILL)  # After a third one.


def main(argv):
    """Starts the workers, and again where one was lost, --restarts times."""
    numbers, command = argv[1:2], argv[2:]
    if not numbers or not re.fullmatch('[1-9][0-9]{,2}', numbers[0]) or not command:
        raise InputError(f'{" ".join(argv[1:]) or "no arguments"}: give the number of workers and the command of a '
                         'training: 2 python fixmatch.py --dataset=cifar10.3@40-1 (at most 999 workers)')
    for left in range(FLAGS.restarts, -1, -1):
        code = run(int(numbers[0]), command)
        if not left or code != Lost.CODE and code not in KILLED:
            return 128 - code if code < 0 else code
        print(f'Workers were lost ({code}): all of them start again, {left - 1} more times if need be', file=sys.stderr)
    return code


if __name__ == '__main__':
    FLAGS.set_gnu_getopt(False)  # What stands after N is the command's.
    flags.DEFINE_integer('restarts', 0, 'How many times all workers are started again where one was lost.', 0)
    flags.DEFINE_float('timeout', cluster.SECONDS, 'Seconds after which a worker without answer of the others ends.', 1,
                       cluster.LONGEST)
    run_main(main)
