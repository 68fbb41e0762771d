"""The folder of one run: its arguments, its metrics, and whether a run may be resumed in it."""

import json
import os
import pathlib
import platform
import sys

from libml.utils import InputError, written_whole

import numpy as np
import tensorflow as tf

# Arguments that may differ when a run is resumed. They only say where files are (also the file of the model class), how
# often files are written, what is printed, and the method's name, which follows from the others.
NOT_SHAPING = ('data_dir', 'eval_ckpt', 'keep_ckpt', 'method', 'model', 'report_kimg', 'rerun', 'save_kimg',
               'show_rates', 'train_dir', 'train_kimg')
ROOT = pathlib.Path(__file__).resolve().parents[2]


class RunFolder:
    """`args/args.json`, `tf/` and `metrics.jsonl` under one path."""

    def __init__(self, path):
        self.path = path
        self.tf = os.path.join(path, 'tf')
        self.args_file = os.path.join(path, 'args', 'args.json')
        self.metrics_file = os.path.join(path, 'metrics.jsonl')

    @classmethod
    def of(cls, checkpoint):
        """The folder that a checkpoint's prefix, `<folder>/tf/model.ckpt-...`, lies in; it need not be a run's."""
        return cls(os.path.dirname(os.path.dirname(os.path.abspath(checkpoint))))

    def open(self, args, shaping, started):
        """Makes the folder and writes args.json, unless a run of other arguments has `started` here.

        Args:
            args: dict of everything to record.
            shaping: names out of NOT_SHAPING that affect this model's training.
            started: whether there is a checkpoint to resume from.
        Raises:
            InputError: an argument that shapes training differs, or the folder cannot be written.
        """
        if started:
            self._check_same(args, [name for name in NOT_SHAPING if name not in shaping])
        versions = dict(python=platform.python_version(), tensorflow=tf.__version__, numpy=np.__version__)
        with written_whole(self.args_file) as f:
            json.dump(dict(args, versions=versions), f, sort_keys=True, indent=4)
        try:
            os.makedirs(self.tf, exist_ok=True)
        except OSError as error:
            raise InputError(f'cannot write {self.tf}: {error.strerror}') from error

    def read_args(self):
        """dict of args.json; empty if there is none (a folder of the original code may have lost it)."""
        try:
            with open(self.args_file) as f:
                args = json.load(f)
            if not isinstance(args, dict):
                raise ValueError('it is no JSON object')
            return args
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InputError(f'cannot read {self.args_file}: {error}') from error

    def _check_same(self, args, ignored):
        """Only what both know is compared: the original's args.json holds the model's hyper-parameters alone."""
        old = self.read_args()
        for name in sorted(set(args) & set(old) - set(ignored)):
            if args[name] != old[name]:
                raise InputError(f'{self.path} was trained with {name}={old[name]}, not {name}={args[name]}: '
                                 'resume it with what it had, or give --rerun=NAME for another run')

    def metrics(self):
        """list of the dicts in metrics.jsonl, one a report; a last line that was cut off does not count.

        Raises:
            InputError: the file cannot be read, or one of its lines is no report.
        """
        try:
            with open(self.metrics_file) as f:
                rows = [json.loads(line) for line in f if line.endswith('\n')]
            if not all(isinstance(row, dict) and {'step', 'kimg'} <= set(row) for row in rows):
                raise ValueError('a line is no report')
            return rows
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise InputError(f'cannot read {self.metrics_file}: {error}') from error

    def ends_whole(self):
        """Whether the last line of metrics.jsonl is whole: it is not if a process was killed while it wrote."""
        with open(self.metrics_file, 'rb') as f:
            return f.read().endswith(b'\n')

    def forget_after(self, step):
        """Drops the metrics of steps after `step`: a run that was killed does them again."""
        kept = [row for row in self.metrics() if row['step'] <= step]
        with written_whole(self.metrics_file) as f:
            f.writelines(json.dumps(row) + '\n' for row in kept)

    def add_metrics(self, row):
        """Appends one dict to metrics.jsonl."""
        try:
            with open(self.metrics_file, 'a') as f:
                f.write(json.dumps(row) + '\n')
        except OSError as error:
            raise InputError(f'cannot write {self.metrics_file}: {error.strerror}') from error


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
