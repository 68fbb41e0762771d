"""The lock of a run folder: one process trains there at a time.

It is an flock, which dies with its process, however that ends. NFS makes it a lock of the server, for all hosts. A file
system without locks is warned of; one that does not answer is refused.
"""

import contextlib
import errno
import os
import platform
import threading

from libml import durable
from libml.utils import InputError

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None

# What flock fails with on a file system that has none: NFS without a lock daemon, Lustre without its option, FUSE.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
PATIENCE = 30  # seconds


class RunLock:
    """The file `path`, whose text says which process holds it, on which host."""

    def __init__(self, path):
        self.path = path
        self._file = None  # open while this process holds it

    @contextlib.contextmanager
    def held(self):
        """A context in which no other process holds it.

        Raises:
            InputError: another process holds it; it cannot be written; its file system does not answer.
        """
        try:
            f = open(self.path, 'a+b', buffering=0)
        except OSError as error:
            raise InputError(f'cannot write {self.path}: {error.strerror}') from error
        with f:
            self._take(f)
            self._file = f
            try:
                self.check()
                yield
            finally:
                self._file = None

    def is_mine(self):
        """Whether the file at the path is the one that this process holds."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.path))
        except FileNotFoundError:
            return False

    def check(self):
        """To be called before anything is written while this process trains.

        Raises:
            InputError: the file was removed or replaced, so that another process can hold it.
        """
        if self._file and not self.is_mine():
            raise InputError(f'{self.path} was removed or replaced while this process trained: another one may train '
                             'there, so that nothing more is written')

    def _take(self, f):
        """Locks an open file and writes into it whose it is."""
        folder = os.path.dirname(self.path)
        try:
            if fcntl:
                _flock(f)
        except (BlockingIOError, PermissionError) as error:  # The latter on some network file systems.
            f.seek(0)
            owner = f.read().decode(errors='replace') or 'another process'
            raise InputError(f'{folder} is in use by {owner}, which trains there: wait for its end, or give '
                             '--rerun=NAME for another run') from error
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise InputError(f'cannot lock {self.path}: {error.strerror}; give a --train_dir on another file '
                                 'system') from error
            print(f'warning: {self.path} cannot be locked ({error.strerror}): nothing keeps a second process from '
                  'training there', flush=True)
        with contextlib.suppress(OSError):  # A full disk, which the first file that counts tells.
            f.truncate(0)
            f.write(f'process {os.getpid()} on {platform.node()}'.encode())
            durable.sync(self.path)  # Other hosts of a network file system then see it.


def _flock(f):
    """Locks an open file, without waiting for another process that has it, nor for ever for a server.

    Raises:
        OSError: it is another's; it cannot be locked; no answer.
    """
    answers = []

    def ask():
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            answers.append(error)
        else:
            answers.append(None)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not answers:
        raise TimeoutError(errno.ETIMEDOUT, f'its file system does not answer for {PATIENCE} seconds')
    if answers[0]:
        raise answers[0]
