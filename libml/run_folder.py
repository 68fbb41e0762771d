"""The folder of one run: its arguments, its metrics, and whether a run may go on in it."""

import json
import os
import platform

import numpy as np
import tensorflow as tf

from libml.utils import InputError, written_whole

# What may change when a run goes on: where files lie, and how often they are written.
NOT_SHAPING = ('data_dir', 'eval_ckpt', 'keep_ckpt', 'report_kimg', 'rerun', 'save_kimg', 'train_dir', 'train_kimg')


class RunFolder:
    """`args/args.json`, `tf/` and `metrics.jsonl` under one path."""

    def __init__(self, path):
        self.path = path
        self.tf = os.path.join(path, 'tf')
        self.args_file = os.path.join(path, 'args', 'args.json')
        self.metrics_file = os.path.join(path, 'metrics.jsonl')

    def open(self, args, shaping, started):
        """Makes the folder and writes args.json, unless a run of other arguments has `started` here.

        Args:
            args: dict of everything to record.
            shaping: names of those of NOT_SHAPING that do shape this model's training.
            started: whether there is a checkpoint to go on from.
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
                return json.load(f)
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
                                 f'give --{name}={old[name]} to go on, or --rerun=NAME for a run beside it')

    def metrics(self):
        """list of the dicts in metrics.jsonl, one a report."""
        if not os.path.exists(self.metrics_file):
            return []
        with open(self.metrics_file) as f:
            return [json.loads(line) for line in f if line.endswith('\n')]

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
