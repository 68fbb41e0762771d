"""A process that has imported TensorFlow, and runs scripts in copies of itself: TensorFlow's import, most of what a
short run takes, is done once.

A copy is what `python <script>` is: nothing of libml is imported, and the exit code is the interpreter's. Started by
runner.py with the file descriptor of a socket, on which each line is a JSON list: script, its arguments, environment,
files for stdout and stderr. The answers are the copy's number, and when it has ended its exit code.
"""

import json
import os
import runpy
import signal
import socket
import sys

import libml  # noqa: F401  It silences TensorFlow's import.

import numpy as np
import PIL.Image  # noqa: F401
import tensorflow  # noqa: F401


def serve(number):
    """Answers until the other end is closed.

    Returns:
        in a copy: script, its arguments, environment, files for stdout and stderr; else None.
    """
    at_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_IGN)  # It is for the copies.
    with socket.socket(fileno=number) as channel, channel.makefile('rw') as lines:
        for line in lines:
            copy = os.fork()
            if not copy:
                signal.signal(signal.SIGINT, at_ctrl_c)
                return json.loads(line)
            for answer in (lambda: copy, lambda: os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])):  # noqa: B023
                print(answer(), file=lines, flush=True)
    return None


def forget_libml():
    """Has libml be imported again, by the script."""
    for name in [name for name in sys.modules if name.partition('.')[0] == 'libml']:
        del sys.modules[name]
    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith('libml')]


def become(script, args, environment, *outputs):
    """Sets what `python <script> <args>` has when it begins."""
    for number, path in enumerate(outputs, 1):
        with open(path, 'wb') as f:
            os.dup2(f.fileno(), number)
    os.environ.clear()
    os.environ.update(environment)
    np.random.seed()  # The copies would draw the same.
    sys.argv = [script, *args]
    sys.path[0] = os.path.dirname(os.path.abspath(script))


if __name__ == '__main__':
    request = serve(int(sys.argv[1]))
    if request:
        forget_libml()
        become(*request)
        runpy.run_path(request[0], run_name='__main__')
