"""The calls that a power cut tears apart, in their order; and a disk that is full."""

import errno
import os
import re


def recorded(monkeypatch):
    """A list that gets a text for each call from here on: `fsync name` of a file or folder, `replace name`, `rename
    name` (what it becomes), `unlink name`. Numbers of this process are left out of names."""
    calls = []

    def note(kind, path):
        name = os.path.basename(os.path.realpath(path))
        calls.append(f'{kind} {re.sub(rf"[.]{os.getpid()}(-[0-9a-f]{{8}})?", "", name)}')

    def watch(kind, path_of):
        call = getattr(os, kind)

        def watched(*args, **kwargs):
            path = path_of(*args)
            result = call(*args, **kwargs)
            note(kind, path)
            return result

        monkeypatch.setattr(os, kind, watched)

    watch('fsync', lambda number: f'/proc/self/fd/{number}')
    watch('unlink', lambda path: path)
    for kind in ('replace', 'rename'):
        watch(kind, lambda _, path: path)
    return calls


def no_room_for(monkeypatch, name):
    """Has the disk be full where a file of this name would get it."""
    replace = os.replace

    def full(temporary, path):
        if os.path.basename(path) == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(temporary, path)

    monkeypatch.setattr(os, 'replace', full)
