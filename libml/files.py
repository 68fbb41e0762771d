"""Files and folders: whole or not there, and every error one line that names them."""

import contextlib
import json
import os
import shutil

from libml import durable
from libml.utils import InputError, expanded, one_line


def in_unicode(path):
    """The path; InputError if it is not in UTF-8, which TensorFlow cannot write to."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f'{path} must be in UTF-8: give a path of other letters') from error
    return path


def read_json(path):
    """What a JSON file holds, which may begin with a byte order mark.

    Raises:
        InputError: it cannot be read, is no JSON or not in UTF-8.
    """
    try:
        with open(path, encoding='utf-8-sig') as f:
            return json.load(f)
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from error
    except (ValueError, RecursionError) as error:
        raise InputError(f'{path} is damaged: {one_line(error)}') from error


def listed(folder):
    """Names in a folder, sorted; none where there is no folder.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f'cannot read {folder}: {error.strerror}') from error


def removed(path):
    """Removes a file if it is there; InputError if it cannot be removed."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f'cannot remove {path}: {error.strerror}') from error


@contextlib.contextmanager
def written_whole(path, mode='w'):
    """Opens a file beside `path` and renames it to `path` at the end, so that `path` is whole or not there, also after
    a power cut.

    A device or a pipe is written to as it is. A link stays, and what it points to is written.

    Raises:
        InputError: the folder cannot be written or is full.
    """
    path = os.path.realpath(expanded(path))
    temporary = _beside(path, 'part')
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, mode) as f:
                yield f
            return
        durable.make_folders(os.path.dirname(path))
        with open(temporary, mode) as f:
            yield f
        durable.replace(temporary, path)
    except OSError as error:
        raise InputError(f'cannot write {path}: {error.strerror or error}') from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


@contextlib.contextmanager
def folder_written_whole(path, belongs=None):
    """A new folder beside `path`, which becomes `path` at the end, so that `path` is whole or as it was before.

    The caller makes it.

    Args:
        belongs: name of a file; a folder with such a file may be replaced. Unless given, none may.
    Raises:
        InputError: there is a file, or a folder that holds something and may not be replaced; the folder cannot be
            written or is full.
    """
    path = os.path.realpath(expanded(path))
    temporary, old = _beside(path, 'part'), _beside(path, 'old')
    _check_replaceable(path, belongs)
    try:
        durable.make_folders(os.path.dirname(path))
        yield temporary
        durable.sync_tree(temporary)  # First, as it takes longest: there is no `path` between the next two lines.
        _check_replaceable(path, belongs)  # Another process may have made it meanwhile.
        if os.path.exists(path):
            os.rename(path, old)
        os.rename(temporary, path)
        durable.sync(os.path.dirname(path))
    except OSError as error:
        raise InputError(f'cannot write {path}: {error.strerror or error}') from error
    finally:
        if os.path.exists(old) and not os.path.exists(path):
            os.rename(old, path)
        for left in (temporary, old):
            shutil.rmtree(left, ignore_errors=True)


def _beside(path, ending):
    """A name beside `path` that no other process takes: in containers and on other hosts, process numbers are equal."""
    return f'{path}.{os.getpid()}-{os.urandom(4).hex()}.{ending}'


def _check_replaceable(path, belongs):
    """InputError if a file is there, or a folder that holds something and not the file `belongs`."""
    if not os.path.lexists(path):
        return
    replaced = belongs and os.path.exists(os.path.join(path, belongs))
    if not os.path.isdir(path) or os.listdir(path) and not replaced:
        unless = f', without {belongs}: give another --out' if belongs else ': give another --out, or --overwrite'
        raise InputError(f'{path} is there already{unless}')
