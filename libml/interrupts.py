"""Signals that end a process: one line and the exit code 128 + number, wherever it is.

While the modules of a script are imported, they end it at once (`begin`). While its main runs, they raise Stopped, so
that what is half written is removed (`stopping`); a training saves first (loop.py). What the parent of the process
ignores, as a shell does for a job in the background, stays ignored.
"""

import contextlib
import os
import signal
import sys
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.05  # seconds
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
stderr = 2  # the file descriptor that the line is written to
SCRIPTS = [os.path.join(ROOT, folder).rstrip(os.sep) for folder in ('', 'ablation', 'scripts', 'libml_scripts')]


class Stopped(KeyboardInterrupt):
    """Raised by the signal `number`."""

    def __init__(self, number):
        super().__init__(f'Stopped by {signal.Signals(number).name}.')
        self.number = number


def handle(handler):
    """Sets the handler of the SIGNALS that are not ignored; none outside of the main thread.

    Returns:
        dict number -> handler before, for `restore`.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in SIGNALS
            if signal.getsignal(number) != signal.SIG_IGN}


def restore(handlers):
    """Sets the handlers that `handle` returned."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


def begin():
    """Has the signals end a process that is a script of this library, but none that only imports it."""
    path = getattr(sys.modules.get('__main__'), '__file__', None)
    if (path and os.path.dirname(os.path.realpath(path)) in SCRIPTS
            and not sys.flags.interactive and not hasattr(sys, 'ps1')):
        global stderr
        stderr = os.dup(stderr)  # While TensorFlow is imported, its number is another file's (quiet_tensorflow.py).
        handle(_end)


def _end(number, frame):
    del frame
    _tell(Stopped(number))
    os._exit(128 + number)


def _pass(number, frame):
    """Ignores a signal. With SIG_IGN Python would print of one that came just before that it was ignored."""


def _tell(stopped):
    with contextlib.suppress(OSError):  # The terminal may be closed.
        os.write(stderr, f'{stopped}\n'.encode())


@contextlib.contextmanager
def delayed():
    """A context in which a signal that would raise an exception waits for its end: C++ may turn that into another, or
    crash. A second one ends the process."""
    if _end in map(signal.getsignal, SIGNALS):
        yield
        return
    came = []

    def note(number, frame):
        if came:
            _end(number, frame)
        came.append(number)

    old = handle(note)
    try:
        yield
    finally:
        restore(old)
        if came:
            signal.raise_signal(came[0])


@contextlib.contextmanager
def stopping():
    """A context, the list of the signals that came, in which they raise Stopped. At its end a KeyboardInterrupt, and
    any exception after a signal, becomes a line and a SystemExit."""
    came = []

    def stop(number, frame):
        del frame
        came.append(number)
        # They come twice or together, as of `timeout`; another one would stop the removal of what is half written.
        for other in SIGNALS:
            if not number == other == signal.SIGINT:
                signal.signal(other, _pass)
        raise Stopped(number)

    def again(found):
        """Python cannot raise an exception in a weakref's callback or in __del__, and would print it and continue."""
        if not isinstance(found.exc_value, Stopped):
            return hook(found)
        number = found.exc_value.number

        def stop_again(*_):
            raise Stopped(number)

        signal.signal(signal.SIGALRM, stop_again)
        return signal.setitimer(signal.ITIMER_REAL, AGAIN)

    old, hook = {}, sys.unraisablehook
    try:
        sys.unraisablehook = again
        old = handle(stop)
        yield came
    except (Exception, KeyboardInterrupt) as error:
        if not came and not isinstance(error, KeyboardInterrupt):
            raise
        stopped = Stopped(came[0] if came else signal.SIGINT)
        _tell(stopped)
        sys.exit(128 + stopped.number)
    finally:
        sys.unraisablehook = hook
        restore(old)
