"""Run folders found on disk, and grouped: what tables and pictures take together as one method over several seeds."""

import collections
import os
import re
import sys

from libml.datasets import names as dataset_names
from libml.training.run_folder import NOT_SHAPING, RunFolder
from libml.utils import InputError

# Runs that differ only in these arguments belong to one group. `train_kimg` is not among them, because it changes the
# results.
NOT_SETTINGS = {*NOT_SHAPING, 'dataset', 'seed', 'versions'} - {'train_kimg'}
ALL_LABELS = 'all'
# Of `@all`, which also trains on unlabelled images where there are any.
ALL_AND_UNLABELED = '@all'
# How a dataset was loaded, where it was loaded in a special way.
ORIGIN = ('source', 'target', 'p_unlabeled', 'enlarge')
# Hyper-parameters that earlier versions did not have, with the values that are what those versions did.
LATER = dict(accumulate=1, bn_epsilon=0., cta_version='fixmatch', ema_statistics=False, init='', lr_decay_kimg=10240.,
             lr_warmup_kimg=0., recipe='mixmatch', schedule='cosine', use_logit_interpolation=True, wd_bias=False)
# Settings that are paths of other runs: their folders, above the last, name the seed.
OTHER_RUNS = ('init', 'pretrained', 'teacher')

# One run: its folder, its model's class, its dataset without the seed, the number of labels (or ALL_LABELS, or
# ALL_AND_UNLABELED), its settings (name -> value) and the rows of its metrics.
Run = collections.namedtuple('Run', 'path method dataset labels settings rows')


def find(paths):
    """The runs in folders and in the folders below them, each once.

    Args:
        paths: run folders, or folders that contain some.
    Returns:
        list of Run, sorted by path, and dict path -> what is wrong with it, of run folders that are half-written: they
        are no Run, except those where only the last report is cut off.
    Raises:
        InputError: a path is no folder, or has no run folder in it.
    """
    folders = {}
    for path in paths:
        found = [folder for folder, inside, files in os.walk(path) if 'args' in inside or 'metrics.jsonl' in files]
        if not found:
            raise InputError(f'{path} has no run folder (args/args.json and metrics.jsonl) in it' if os.path.isdir(path)
                             else f'{path} is no folder')
        folders.update((os.path.realpath(folder), os.path.normpath(folder)) for folder in found)
    runs, damaged = [], {}
    for path in sorted(folders.values()):
        try:
            runs.append(read(path))
            if not RunFolder(path).ends_whole():
                damaged[path] = 'the last line of metrics.jsonl is cut off'
        except InputError as error:
            damaged[path] = str(error)
    return runs, damaged


def tell(paths, runs, damaged):
    """Prints a warning for each of the run folders in dict `damaged` of what was found in `paths`.

    Raises:
        InputError: `runs` is empty; it names the first reason.
    """
    for path, wrong in damaged.items():
        print(f'warning: {path}: {wrong}', file=sys.stderr)
    if not runs:
        (path, wrong), *others = damaged.items()
        more = f' (and {len(others)} more)' if others else ''
        raise InputError(f'no run in {" ".join(paths)} can be used: {path}: {wrong}{more}')


def read(path):
    """The Run of a run folder.

    Raises:
        InputError: its arguments or its metrics are not there or damaged, or it has no report yet.
    """
    folder = RunFolder(path)
    args, rows = folder.read_args(), folder.metrics()
    if 'dataset' not in args:
        raise InputError('args/args.json names no dataset' if args else 'no args/args.json')
    if not rows:
        raise InputError('no report in metrics.jsonl')
    settings = {name: value for name, value in args.items() if name not in NOT_SETTINGS}
    # Runs of earlier versions recorded what was not given, others do not: both are the same.
    settings = {name: value for name, value in settings.items()
                if (value or name not in ORIGIN) and not (name in LATER and value == LATER[name])}
    settings.update({name: os.path.basename(settings[name].rstrip('/')) for name in OTHER_RUNS if name in settings})
    try:
        name = dataset_names.parse(args['dataset'])
        dataset = name.name
        labels = {None: ALL_LABELS, dataset_names.ALL: ALL_AND_UNLABELED}.get(name.labels, name.labels)
        settings.update(valid=name.valid, imbalance_labeled=name.imbalance_labeled,
                        imbalance_unlabeled=name.imbalance_unlabeled)
    except InputError:  # Two domains: `mnist_to_usps`; the target's labelled images may be drawn by a seed.
        dataset, labels = args['dataset'], ALL_LABELS
        if 'target' in settings:
            settings['target'] = re.sub(r',seed=\d+', '', settings['target'])
    return Run(path, args.get('method') or method_of(path, args), dataset, labels, settings, rows)


def method_of(path, args):
    """Method of a run that did not record it, from its folder's name, which the original code may have given.

    The name is the method, then a hyper-parameter and its value; all may have underscores. A folder without any (a
    NoisyStudent's is its --id) does not tell: then it is the name of the model's class.
    """
    base = os.path.basename(os.path.abspath(path))
    ends = [end for end in (base.find(f'_{name}{value}') for name, value in args.items()) if end > 0]
    return base[:min(ends)] if ends else str(args.get('model', base)).rpartition(':')[2]


def group(runs):
    """Runs that differ in their seeds alone, taken together.

    Args:
        runs: list of Run.
    Returns:
        dict (dataset, title, labels) -> list of Run, sorted. The title is the method and those settings in which the
        runs of this method on this dataset differ: `AblationMixMatch T=1.0`.
    """
    methods = collections.defaultdict(list)
    for run in runs:
        methods[run.dataset, run.method].append(run)
    groups = collections.defaultdict(list)
    for (dataset, method), members in methods.items():
        differing = differences(members)
        for run in members:
            values = {name: run.settings.get(name, LATER.get(name, '?')) for name in differing}
            title = ' '.join([method] + [f'{name}={value}' for name, value in values.items()])
            groups[dataset, title, run.labels].append(run)
    return dict(sorted(groups.items(), key=lambda item: (item[0][:2], order(item[0][2]))))


def differences(runs):
    """Names of the settings in which some of these runs differ, sorted.

    Folders of other runs are long: they are named only where the runs would look the same without them.
    """
    def kinds(names):
        return len({tuple(repr(run.settings.get(name)) for name in names) for run in runs})

    names = [name for name in sorted(set().union(*(run.settings for run in runs))) if kinds([name]) > 1]
    for folder in OTHER_RUNS:
        others = [name for name in names if name != folder]
        if kinds(others) == kinds(names):
            names = others
    return names


def order(labels):
    """Sorts label counts: numbers ascending, then all labels."""
    return float('inf') if isinstance(labels, str) else labels


def unfinished(run):
    """`kimg 12 of 64` for a run that has not reached its --train_kimg, else ''."""
    kimg, length = run.rows[-1]['kimg'], run.settings.get('train_kimg', 0)
    return f'kimg {kimg:g} of {length}' if kimg < length else ''
