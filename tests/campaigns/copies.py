"""Scripts in copies of fork_server.py, which are sent signals and get into trouble (troubled.py), one at a time."""

import json
import os
import pathlib
import signal
import tempfile
import threading
import time

import runner

HANG = 60  # seconds of processor time, and of waiting for a machine that may be busy
PATIENCE = 240
TROUBLED = str(pathlib.Path(__file__).with_name('troubled.py'))


class Copy:
    """A script that runs.

    Args:
        trouble: dict for troubled.py; empty: nothing happens to it.

    Attributes:
        number: of its process.
        code, out, err: how it ended, once `wait` has returned True.
    """

    def __init__(self, script, args, **trouble):
        self.files = [tempfile.NamedTemporaryFile('r') for _ in range(2)]
        request = (TROUBLED, [json.dumps(trouble), script, *args]) if trouble else (script, args)
        self.number, self.lines = runner.copied(*request, *self.files)
        self.code = None
        self.thread = threading.Thread(target=self._end, daemon=True)
        self.thread.start()

    def _end(self):
        self.code = int(self.lines.readline())

    def wait(self, seconds):
        """Whether it has ended, after at most so many seconds."""
        self.thread.join(max(0., seconds))
        if self.code is None:
            return False
        if self.files:
            self.out, self.err = [f.read() for f in self.files]
            for f in self.files:
                f.close()
            self.files = []
        return True

    def finish(self):
        """Waits for its end; one that hangs is killed, and its code is `hangs`. Returns itself."""
        self.wait_until(lambda: False, 0.2)
        if self.code is None:
            self.send(signal.SIGKILL)
            self.wait(HANG)
            self.code = 'hangs'
        return self

    def send(self, number):
        """Sends a signal, if the process is still there."""
        if self.code is None:
            os.kill(self.number, number)

    def handles(self, number):
        """Whether it has a handler for a signal by now."""
        try:
            status = pathlib.Path(f'/proc/{self.number}/status').read_text()
        except OSError:
            return False
        return bool(int(status.partition('SigCgt:')[2].split()[0], 16) >> number - 1 & 1)

    def wait_until(self, condition, often=0.001):
        """Waits until a condition holds, the process has ended, or it hangs; returns whether it holds."""
        end = time.monotonic() + PATIENCE
        while not self.wait(often) and time.monotonic() < end and processor_seconds(self.number, 2) < HANG:
            if condition():
                return True
        return False


def processor_seconds(number, fields=4):
    """Of a process, with `fields=4` and of its children that have ended; 0 if it is not there."""
    try:
        text = pathlib.Path(f'/proc/{number}/stat').read_text()
    except OSError:
        return 0
    return sum(map(int, text.rpartition(')')[2].split()[11:11 + fields])) / os.sysconf('SC_CLK_TCK')


def all_seconds():
    """Of processor time of all copies that have ended, and of this process."""
    return processor_seconds(runner.fork_server()[0].pid) + time.process_time()


def run(script, args, **trouble):
    """A Copy that has ended."""
    return Copy(script, args, **trouble).finish()
