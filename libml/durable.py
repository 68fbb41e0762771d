"""Writes that survive a power cut: a file is on the disk before its name is, and its name before anything says so."""

import errno
import os

# What fsync and open fail with where a folder cannot be asked: some network file systems, and folders that may be
# written but not read.
CANNOT = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)


def sync(path):
    """Returns when the disk has what was written to a file, by whatever process, or the entries of a folder.

    Raises:
        OSError: the disk did not take it, such as a quota that is only noticed then.
    """
    folder = os.path.isdir(path)
    if folder and os.name == 'nt':  # There, folders cannot be opened.
        return
    number = None
    try:
        number = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
        os.fsync(number)
    except OSError as error:
        if not folder or error.errno not in CANNOT:
            raise
    finally:
        if number is not None:
            os.close(number)


def sync_tree(path):
    """As `sync`, for all files and folders below a folder, and the folder."""
    for folder, _, files in os.walk(path, topdown=False):
        for entry in (*files, '.'):
            sync(os.path.join(folder, entry))


def missing_folders(path):
    """Paths from a folder up that are not there yet, the lowest first."""
    missing, path = [], os.path.abspath(path)
    while not os.path.exists(path):
        missing.append(path)
        path = os.path.dirname(path)
    return missing


def make_folders(path):
    """As os.makedirs; the new names are on the disk."""
    path = os.path.abspath(path)
    new = missing_folders(path)
    os.makedirs(path, exist_ok=True)
    for folder in new:
        sync(os.path.dirname(folder))


def replace(temporary, path):
    """As os.replace, of a file: whatever is cut, `path` is what it was, or all of `temporary`."""
    sync(temporary)
    os.replace(temporary, path)
    sync(os.path.dirname(os.path.abspath(path)))
