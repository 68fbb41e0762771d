"""Draws accuracy and losses over kimg for run folders: python scripts/plot_runs.py --out=FILE.png RUN_FOLDER ...

Runs of one model, data set and number of labels are one curve: the mean over their seeds, with a band from the lowest
to the highest.
"""

import collections
import os

import numpy as np
from absl import flags

from libml.run_folder import RunFolder
from libml.utils import InputError, run_main

FLAGS = flags.FLAGS
LOSSES = 'losses/'


def group_name(folder):
    """Name of a run's curve: its model, and its dataset without the seed."""
    dataset = folder.read_args().get('dataset', 'unknown')
    name, _, size = dataset.partition('@')
    return f'{os.path.basename(folder.path).partition("_")[0]} {name.partition(".")[0]}@{size}'


def groups(paths):
    """dict: name of a curve -> list of the rows of its runs' metrics.

    Raises:
        InputError: a folder has no metrics.
    """
    found = collections.defaultdict(list)
    for path in paths:
        folder = RunFolder(os.path.normpath(path))
        rows = folder.metrics()
        if not rows:
            raise InputError(f'{path} has no metrics.jsonl with a report: give run folders')
        found[group_name(folder)].append(rows)
    return dict(sorted(found.items()))


def curve(runs, tag):
    """kimg [n] and values [runs, n] at the reports that all runs have."""
    values = [{row['kimg']: row[tag] for row in rows if tag in row} for rows in runs]
    kimg = sorted(set.intersection(*map(set, values)))
    return kimg, np.array([[run[k] for k in kimg] for run in values])


def draw(axes, found, tag, title):
    """One panel: a line and a band for each group."""
    for name, runs in found.items():
        kimg, values = curve(runs, tag)
        if kimg:
            line, = axes.plot(kimg, values.mean(0), label=f'{name} ({len(runs)} runs)' if len(runs) > 1 else name)
            axes.fill_between(kimg, values.min(0), values.max(0), alpha=0.2, color=line.get_color(), linewidth=0)
    axes.set_title(title)
    axes.set_xlabel('kimg (1,024 labelled images)')
    axes.grid(alpha=0.3)


def main(argv):
    if len(argv) < 2:
        raise InputError('give at least one run folder')
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError('pictures need matplotlib: pip install libml[all]') from error
    found = groups(argv[1:])
    tags = sorted({tag for runs in found.values() for rows in runs for tag in rows[-1] if tag.startswith(LOSSES)})
    panels = [('accuracy', 'Test accuracy of the averaged weights, percent')] + [(tag, tag) for tag in tags]
    figure = Figure(figsize=(5 * len(panels), 4), layout='constrained')
    for axes, (tag, title) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        draw(axes, found, tag, title)
    figure.axes[0].legend()
    figure.savefig(FLAGS.out, dpi=90)
    print(FLAGS.out)


if __name__ == '__main__':
    flags.DEFINE_string('out', 'runs.png', 'Picture to write.')
    run_main(main)
