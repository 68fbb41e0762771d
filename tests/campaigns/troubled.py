"""Runs a script that something happens to: python tests/campaigns/troubled.py '<JSON>' <script> <arguments>

The JSON is a dict:
    at      [end of a file's name, name of a function in it, n]: something happens at its n-th call,
    files   n: or at the n-th operation on files of this process (fsync, rename, mkdir, open to write ...);
    then    what: a signal's number, sent to itself; [an error's number], that the operation fails with; or a path,
            where a file is made, so that another process knows;
    limit   bytes that a file can have at most;
    bound   that permissions bind it, also if it is root (on Linux).

Started by copies.py: nothing of libml is imported here.
"""

import builtins
import ctypes
import json
import os
import resource
import runpy
import sys

# Of linux/capability.h and linux/prctl.h.
CAPABILITY_VERSION, DAC_OVERRIDE, DAC_READ_SEARCH, PR_CAPBSET_DROP = 0x20080522, 1, 2, 24
OPERATIONS = ('fsync', 'replace', 'rename', 'mkdir', 'rmdir', 'unlink')
FAILING = ('fsync', 'replace', 'rename', 'mkdir')


def happen(what, path=None):
    """Sends the signal, raises the error, or makes the file."""
    if isinstance(what, list):
        raise OSError(what[0], os.strerror(what[0]), path)
    if isinstance(what, int):
        os.kill(os.getpid(), what)
    else:
        os.close(os.open(what, os.O_CREAT))


def at_call(file, function, n, what):
    """Has it happen at the n-th call of a function of Python."""
    left = [n]

    def profile(frame, event, arg):
        code = frame.f_code
        if event == 'call' and code.co_name == function and code.co_filename.endswith(file):
            left[0] -= 1
            if not left[0]:
                sys.setprofile(None)
                happen(what)

    sys.setprofile(profile)


def at_operation(n, what):
    """Has it happen before the n-th operation on files."""
    left = [n]

    def watch(module, name, counts=lambda *args, **kwargs: True):
        call = getattr(module, name)

        def watched(*args, **kwargs):
            if counts(*args, **kwargs):
                left[0] -= 1
                if not left[0]:
                    happen(what, args[0] if isinstance(args[0], str) else None)
            return call(*args, **kwargs)

        setattr(module, name, watched)

    for name in FAILING if isinstance(what, list) else OPERATIONS:
        watch(os, name)
    watch(builtins, 'open', lambda path, mode='r', *_, **__: mode[0] in 'wax' and path != os.devnull)


def be_bound():
    """Gives up what root may do with files whatever their permissions, also for its children."""
    libc = ctypes.CDLL(None)
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION), (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    for right in DAC_OVERRIDE, DAC_READ_SEARCH:
        libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0)
        for i in range(3):  # effective, permitted, inheritable
            sets[i] &= ~(1 << right)
    libc.capset(header, sets)


def main(trouble, script, args):
    """Becomes the script."""
    sys.argv = [script, *args]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    if 'bound' in trouble:
        be_bound()
    if 'limit' in trouble:
        resource.setrlimit(resource.RLIMIT_FSIZE, (trouble['limit'], trouble['limit']))
    if 'files' in trouble:
        at_operation(trouble['files'], trouble['then'])
    if 'at' in trouble:
        at_call(*trouble['at'], trouble['then'])
    runpy.run_path(script, run_name='__main__')


main(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:])
