"""Session configuration, the one kind of error that users see, and the entry point of every script."""

import errno
import importlib.util
import logging
import math
import os
import pathlib
import re
import signal
import sys

from libml import interrupts

from absl import app, flags
from tqdm import tqdm

# A value of more characters than a file's name can have is cut to SHOWN; a text of more than LONGEST loses its middle.
LONG_WORD = re.compile(r'[^\s/]{256,}(?<!:)')
SHOWN = 200
LONGEST = 1500
# Where a path begins in an argument: at its start, or in `--flag=one,another`.
HOME = re.compile(r'(?:^|(?<=[=,]))~[^/,]*')
CHECKOUT = (pathlib.Path(__file__).resolve().parents[1] / 'setup.py').exists()
COMMAND = re.compile(r'\bpython (?:(ablation|scripts)/)?(\w+)\.py\b')
PACKAGES = {None: '', 'ablation': 'ablation.', 'scripts': 'libml_scripts.'}
# Module -> the package that brings it, where that is called otherwise.
PACKAGE_OF = {'PIL': 'pillow', 'sklearn': 'scikit-learn', 'tensorflow_datasets': 'tensorflow-datasets'}


def as_installed(text):
    """A text with its commands as they are called here: `python scripts/x.py` in a checkout, else `python -m
    libml_scripts.x`."""
    return text if CHECKOUT else COMMAND.sub(lambda match: f'python -m {PACKAGES[match[1]]}{match[2]}', text)


def require(purpose, *modules):
    """Says which packages are missing, all at once, before any work is done.

    Args:
        purpose: begins the error: `pictures need`.
        modules: their names for `import`.
    Raises:
        InputError: one is not installed.
    """
    missing = [PACKAGE_OF.get(name, name) for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f'{purpose} {" and ".join(missing)}: pip install {" ".join(missing)}')


class InputError(ValueError):
    """Something that the user gave is wrong; its text is one line: the value given and what would be right.

    Values may be anything: what cannot be printed is escaped, and what is too long to read is cut. Commands are written
    as in a checkout.
    """

    def __init__(self, text):
        text = ''.join(char if char.isprintable() else repr(char)[1:-1] for char in as_installed(str(text)))
        text = LONG_WORD.sub(lambda word: f'{word[0][:SHOWN]}...', text)
        if len(text) > LONGEST:
            text = f'{text[:SHOWN]} ... {text[-LONGEST // 2:]}'
        super().__init__(text)


# What a write to standard output fails with where no one reads it (`| head`, a terminal that is closed), and where
# it takes no more (a full disk, a quota, a limit, a file that is open for reading). Errors of files are InputErrors.
NO_READER = (errno.EPIPE, errno.EIO)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF)
# Loggers of libraries -> the least level that is shown: of every checkpoint read, twice; of fonts, once a machine.
LEVELS = {'tensorflow': logging.WARNING, 'matplotlib.font_manager': logging.ERROR}


class Diverged(RuntimeError):
    """Training met a number that is not finite; its text is one line: the step, the losses, what is left."""


class Lost(RuntimeError):
    """Another worker of this run is gone; its text is one line. The same command resumes, on all workers."""

    CODE = 75  # EX_TEMPFAIL of sysexits.h


def ilog2(x):
    """ceil(log2(x)): 32 -> 5, 96 -> 7 (spec: the default `scales` of a network is ilog2(width) - 2)."""
    return math.ceil(math.log2(x))


def session_config():
    """ConfigProto of every session: memory of accelerators grows as needed."""
    import tensorflow as tf  # Late: scripts that read reports do without it, and answer at once.

    config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    return config


def one_line(error):
    """The line of an exception's text (or of a text) that says what happened, for an InputError that passes it on.

    It is the first, but TensorFlow's errors of a graph say first where the graph was built, then of which worker they
    are. Python's of an encoding, and C++'s of a size that is not true, say nothing that helps.
    """
    if isinstance(error, UnicodeDecodeError):
        return 'it must be UTF-8'
    if isinstance(error, MemoryError) and str(error) == 'std::bad_alloc':
        return 'it asks for more memory than there is'
    lines = str(error).splitlines() or [type(error).__name__]
    nodes = [i for i, line in enumerate(lines[:-1]) if line.startswith('Node: ')]
    lines = lines[nodes[0] + 1:] if nodes else lines
    return lines[1 if lines[0].startswith('From /job:') and lines[1:] else 0]


def expanded(path, shown=None):
    """A path with the home folder in place of a `~` or `~user` that begins it.

    Args:
        path: text or os.PathLike.
        shown: what an error names, the path unless given.
    Raises:
        InputError: there is no such user.
    """
    found = os.path.expanduser(path)
    name = re.match('~([^/]*)', str(found))
    if name:
        raise InputError(f'{shown or path}: the home folder of {name[1] or "this user"} is not known; for a folder '
                         f'with this name write ./{name[0]}')
    return found


def progress(disable=None, **kwargs):
    """A tqdm progress bar on stderr, if that is a terminal (with disable=False also elsewhere)."""
    return tqdm(disable=disable, **kwargs)


def parse_flags(argv):
    """The arguments that are no flags; a wrong flag becomes one line and exit code 1, like what run_main catches.

    A `~` where a path begins is the home folder: a shell does not see to it in `--data_dir=~/data`.
    """
    def at_home(text):
        return HOME.sub(lambda home: expanded(home[0], text), text)

    try:
        given = flags.FLAGS.read_flags_from_files(argv[1:], force_gnu=False)
        return flags.FLAGS(argv[:1] + [at_home(text) for text in given])
    except UnicodeDecodeError:
        print('error: --flagfile: the file must be UTF-8', file=sys.stderr)
    except (flags.Error, InputError) as error:
        print(f'error: {InputError(error)} (--help lists the flags)', file=sys.stderr)
    sys.exit(1)


def no_arguments(argv):
    """InputError if arguments are left that are no flags, of a program that takes none."""
    if len(argv) > 1:
        raise InputError(f'unexpected argument {argv[1]!r}: flags are written --name=value')


def run_main(main):
    """Runs main(argv) after the flags are parsed; what it returns is the exit code.

    InputError, Diverged and a standard output that takes no more become one line and exit code 1, Lost one line and 75,
    a signal one line and its own (interrupts.py): nothing half-written is left. Where no one reads standard output any
    more, it ends quietly with that of SIGPIPE.
    """
    def guarded(argv):
        for name, level in LEVELS.items():
            logging.getLogger(name).setLevel(level)
        try:
            return main(argv)
        except (InputError, Diverged, Lost) as error:
            if came:  # What fails then fails because of it.
                raise interrupts.Stopped(came[0]) from error
            print(f'error: {error}', file=sys.stderr)
            return getattr(error, 'CODE', 1)

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):  # Names of files need not be text, and not all encodings have all letters.
            stream.reconfigure(errors='backslashreplace')
    script = sys.modules['__main__']
    script.__doc__ = as_installed(script.__doc__ or '')  # --help shows it.
    code = None
    try:
        try:
            with interrupts.stopping() as came:
                app.run(guarded, flags_parser=parse_flags)
        except SystemExit as end_of_main:
            code = end_of_main.code
            print(end='', flush=True)
            raise
    except OSError as error:
        if error.errno not in NO_READER + FULL or error.filename is not None:
            raise
        # Python would else write what is left to stdout again, and say that it cannot.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno in FULL:
            print(f'error: cannot write to standard output: {error.strerror}', file=sys.stderr)
        sys.exit(code or (1 if error.errno in FULL else 128 + signal.SIGPIPE))
