"""TensorFlow is imported without the lines that it logs then, which no setting of it silences, and without Keras.

What else is written to stderr meanwhile, such as Python's warnings or the lines of other threads, comes out after the
import; if that fails, everything does. With TF_CPP_MIN_LOG_LEVEL=0 in the environment nothing is kept back.

Keras takes two fifths of TensorFlow's import, which tries to import it and does without where it fails. Nothing here
uses it; `tf.keras` imports it when it is asked for. A signal waits for the end of the import.
"""

import contextlib
import faulthandler
import functools
import importlib.abc
import importlib.machinery
import os
import re
import sys
import tempfile
import threading

from libml import interrupts

STDERR = 2
# What begins a line of TensorFlow's log, of absl's or its older form, that is not fatal.
NOISE = re.compile(rb'[IWE]\d{4} \d\d:|\d{4}-\d\d-\d\d [\d:.]+: [IWE] |WARNING: All log messages before absl::|'
                   rb'To enable the following instructions: ')


class Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow and Keras as Python does, and changes how they are executed."""

    importing = None  # the thread that imports TensorFlow

    def find_spec(self, name, path=None, target=None):
        if name == 'tensorflow':
            execute = self.quietly
        elif name == 'keras' and self.importing == threading.get_ident():
            execute = refuse
        else:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and spec.loader:
            spec.loader.exec_module = functools.partial(execute, spec.loader)
        return spec

    def quietly(self, loader, module):
        """Does what the loader's `exec_module` does, which is its class's again from now on."""
        del loader.exec_module
        self.importing = threading.get_ident()
        try:
            with interrupts.delayed(), kept_back():
                loader.exec_module(module)
        finally:
            self.importing = None


def refuse(loader, module):
    """In place of a loader's `exec_module`."""
    del loader
    raise ImportError(f'{module.__name__} is not imported by TensorFlow here, but when it is asked for')


@contextlib.contextmanager
def kept_back():
    """Holds what is written to the file descriptor of stderr, by C++ as well, and lets out what is no NOISE."""
    with contextlib.ExitStack() as stack:
        kept, failed = None, False
        with contextlib.suppress(OSError):  # It is closed, or there is no room for a file.
            real = os.dup(STDERR)
            stack.callback(os.close, real)
            kept = stack.enter_context(tempfile.TemporaryFile())
        if not kept:
            yield
            return
        try:
            _flush()
            os.dup2(kept.fileno(), STDERR)
            with _crashes_told(real):
                yield
        except Exception:
            failed = True
            raise
        finally:
            _flush()
            os.dup2(real, STDERR)
            kept.seek(0)
            for line in kept:
                if failed or not NOISE.match(line):
                    os.write(STDERR, line)


@contextlib.contextmanager
def _crashes_told(stderr):
    """Has Python tell of a crash, whose own last words would be lost, unless it does already."""
    if faulthandler.is_enabled():
        yield
        return
    faulthandler.enable(stderr)
    try:
        yield
    finally:
        faulthandler.disable()


def _flush():
    with contextlib.suppress(AttributeError, ValueError, OSError):  # Python's stderr may be None or closed.
        sys.stderr.flush()


def install():
    """Changes how TensorFlow is imported; to be called before it is."""
    sys.meta_path.insert(0, Finder())
