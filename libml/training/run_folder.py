"""The folder of one run: its arguments, its metrics, and whether a run may be resumed in it."""

import contextlib
import json
import numbers
import os
import pathlib
import platform
import shutil
import sys

from libml import durable
from libml.files import in_unicode, read_json, written_whole
from libml.training.run_lock import RunLock
from libml.utils import InputError, expanded, one_line

import numpy as np

# Arguments that may differ when a run is resumed. They only say where files are (also the file of the model class), how
# often files are written, what is printed, and the method's name, which follows from the others.
NOT_SHAPING = ('data_dir', 'eval_ckpt', 'keep_ckpt', 'method', 'model', 'report_images', 'report_kimg',
               'report_raw', 'rerun', 'save_kimg', 'show_rates', 'train_dir', 'train_kimg')
# Types of arguments that scripts read in args.json, where they are there.
KINDS = {'train_kimg': numbers.Real, **dict.fromkeys(
    ('data_dir', 'dataset', 'init', 'method', 'model', 'pretrained', 'source', 'target', 'teacher', 'train_dir'), str)}
ROOT = pathlib.Path(__file__).resolve().parents[2]


class RunFolder:
    """`args/args.json`, `tf/`, `metrics.jsonl` and `lock` under one path, which may begin with `~`."""

    def __init__(self, path):
        path = self.path = expanded(path)
        self.lock = RunLock(os.path.join(path, 'lock'))
        self.tf = os.path.join(path, 'tf')
        self.args_file = os.path.join(path, 'args', 'args.json')
        self.metrics_file = os.path.join(path, 'metrics.jsonl')

    @classmethod
    def of(cls, checkpoint):
        """The folder that a checkpoint's prefix, `<folder>/tf/model.ckpt-...`, lies in; it need not be a run's."""
        return cls(os.path.dirname(os.path.dirname(os.path.abspath(checkpoint))))

    @contextlib.contextmanager
    def locked(self):
        """A context in which no other process trains in this folder. The lock dies with its process, however it ends.

        A folder that is made here is removed again where an InputError or an interrupt ends the context before a step
        was trained: what could not start leaves nothing.

        Raises:
            InputError: another process trains here, or the folder cannot be written.
        """
        new = durable.missing_folders(in_unicode(self.path))
        try:
            self._make(self.path)
            with self.lock.held():
                try:
                    yield
                except (InputError, KeyboardInterrupt):
                    if new and self.lock.is_mine() and not self._trained():
                        shutil.rmtree(self.path, ignore_errors=True)
                    raise
        except (InputError, KeyboardInterrupt):
            for path in new:  # Others may have files there by now.
                with contextlib.suppress(OSError):
                    os.rmdir(path)
            raise

    def _make(self, path):
        try:
            durable.make_folders(path)
        except OSError as error:
            raise InputError(f'cannot write {path}: {error.strerror}') from error

    def _trained(self):
        """Whether a step was trained, and reported or saved."""
        from libml.training import checkpoint  # Late, as TensorFlow: tables and curves only read.

        return bool(self.metrics()) or any(checkpoint.step_of(prefix) for prefix in checkpoint.all_in(self.tf))

    def open(self, args, shaping, checkpoint, table):
        """Makes the folder and writes args.json, unless a run of other arguments has started here.

        Args:
            args: dict of everything to record.
            shaping: names out of NOT_SHAPING that affect this model's training.
            checkpoint: prefix of the one to resume from, or None.
            table: as for fingerprint.of.
        Returns:
            the fingerprint of what shapes training.
        Raises:
            InputError: an argument that shapes training differs, or the folder cannot be written.
        """
        from libml.training import fingerprint  # Late, as TensorFlow: tables and curves only read.

        import tensorflow as tf

        shaped = {name: value for name, value in args.items() if name not in NOT_SHAPING or name in shaping}
        number = fingerprint.of(shaped, table)
        if checkpoint:
            self._check_same(shaped)
            fingerprint.check(checkpoint, number)
        versions = dict(python=platform.python_version(), tensorflow=tf.__version__, numpy=np.__version__)
        with written_whole(self.args_file) as f:
            json.dump(dict(args, versions=versions), f, sort_keys=True, indent=4)
        self._make(self.tf)
        return number

    def read_args(self):
        """dict of args.json; empty if there is none (a folder of the original code may have lost it).

        Raises:
            InputError: it cannot be read, or has a value of another type than those in KINDS.
        """
        if not os.path.exists(self.args_file):
            return {}
        try:
            args = read_json(self.args_file)
            wrong = 'it is no JSON object' if not isinstance(args, dict) else ', '.join(
                f'{name} is {args[name]!r}' for name, kind in KINDS.items()
                if name in args and (not isinstance(args[name], kind) or '\0' in str(args[name])))
            if wrong:
                raise InputError(f'{self.args_file} is damaged: {wrong}')
        except InputError as error:
            raise InputError(f'{error}; delete it, and the command that trained this run writes it again') from error
        if 'adepth' in args:  # Before there was a choice, every CTAugment was FixMatch's.
            args.setdefault('cta_version', 'fixmatch')
        return args

    def _check_same(self, args):
        """Only what both know is compared: the original's args.json holds the model's hyper-parameters alone."""
        old = self.read_args()
        for name in sorted(set(args) & set(old)):
            if args[name] != old[name]:
                raise InputError(f'{self.path} was trained with {name}={old[name]}, not {name}={args[name]}: '
                                 'resume it with what it had, or give --rerun=NAME for another run')

    def metrics(self):
        """list of the dicts in metrics.jsonl, one a step, ascending: the last of those that were written for it.

        A last line that was cut off does not count.

        Raises:
            InputError: the file cannot be read, or one of its lines is no report.
        """
        rows = {}
        try:
            with open(self.metrics_file, 'rb') as f:
                lines = f.read().split(b'\n')
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f'cannot read {self.metrics_file}: {error.strerror}') from error
        for number, line in enumerate(lines[:-1], 1):
            row, wrong = _report(line)
            if wrong:
                raise InputError(f'{self.metrics_file}: line {number} is no report: {wrong}; delete that line')
            rows[int(row['step'])] = row
        return [rows[step] for step in sorted(rows)]

    def ends_whole(self):
        """Whether the last line of metrics.jsonl is whole: it is not if a process was killed while it wrote."""
        with open(self.metrics_file, 'rb') as f:
            return f.read().endswith(b'\n')

    def forget_after(self, step):
        """Drops the metrics of steps after `step`: a run that was killed does them again."""
        kept = [row for row in self.metrics() if row['step'] <= step]
        with written_whole(self.metrics_file) as f:
            f.writelines(json.dumps(row) + '\n' for row in kept)

    def written(self, name, mode='w'):
        """A context with the open file of this name in the folder, as written_whole."""
        return written_whole(os.path.join(self.path, name), mode)

    def add_metrics(self, row):
        """Appends one dict to metrics.jsonl, where it survives a power cut."""
        try:
            with open(self.metrics_file, 'a') as f:
                f.write(json.dumps(row) + '\n')
            durable.sync(self.metrics_file)
        except OSError as error:
            raise InputError(f'cannot write {self.metrics_file}: {error.strerror}') from error


class NoFolder(RunFolder):
    """In place of the folder, for a worker that writes nothing: nothing is in it. Its `path` is the run's, beside which
    are others that a model may read."""

    def __init__(self, path):
        super().__init__(path)
        self.lock = RunLock(os.path.join(os.devnull, 'lock'))
        for name in ('tf', 'args_file', 'metrics_file'):
            setattr(self, name, os.path.join(os.devnull, name))

    def locked(self):
        return contextlib.nullcontext()

    def open(self, args, shaping, checkpoint, table):
        return 0  # The fingerprint is only in the chief's checkpoints.

    def written(self, name, mode='w'):
        return open(os.devnull, mode)

    def metrics(self):
        return []

    def forget_after(self, step):
        pass

    def add_metrics(self, row):
        pass


def _report(line):
    """The dict of a line of metrics.jsonl, tag -> number, and what is wrong with it, '' if nothing is."""
    try:
        row = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        return None, one_line(error)
    if not isinstance(row, dict):
        return row, 'it is no JSON object'
    missing = [f'{tag} is missing' for tag in ('step', 'kimg') if tag not in row]
    others = [f'{tag} is {json.dumps(value)}, no number' for tag, value in row.items()
              if isinstance(value, bool) or not isinstance(value, numbers.Real) or not abs(value) <= sys.float_info.max]
    return row, ', '.join(missing + others)


def class_path(cls):
    """Where a class can be imported from, as `module:Class`: `fixmatch:FixMatch`, `ablation.ab_x:Y`.

    A script that is run is the module `__main__`; what counts is the name under which others import it: its path from
    the project's folder, or for a script elsewhere its own name.
    """
    module = cls.__module__
    main = sys.modules['__main__']
    if module == '__main__' and main.__spec__:  # python -m
        module = main.__spec__.name
    elif module == '__main__' and hasattr(main, '__file__'):
        path = pathlib.Path(main.__file__).resolve().with_suffix('')
        module = '.'.join(path.relative_to(ROOT).parts) if path.is_relative_to(ROOT) else path.name
    return f'{module}:{cls.__qualname__}'


def check_component(flag, value):
    """InputError if a text that a flag gives cannot be the name of one folder of a run's path, or is hidden there."""
    if value.startswith(('.', '-')) or set(value) & {'/', '\\'} or not value.isprintable():
        raise InputError(f'{flag}={value}: give the name of one folder, without slashes and control characters, '
                         'that begins with neither . nor -')
