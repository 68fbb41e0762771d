"""Draws accuracy and losses over kimg: python scripts/plot_runs.py --out=FILE.png DIR ...

DIR is a run folder or contains some. Runs of one method and its settings, one dataset and number of labels are one
curve: the mean over their seeds, with a band from the lowest to the highest, at the reports that all of them have.
"""

import itertools
import math
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.training import figures, run_groups
from libml.utils import InputError, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
LOSSES = 'losses/'
TITLES = dict(accuracy='Test accuracy of the averaged weights, percent')
PANEL = 5, 3.6  # inches
COLUMNS = 3
LEGEND_WIDTH = 56  # characters that fit under a panel
# More curves than there are colours are told apart by dashes.
STYLES = [dict(color=f'C{i}', linestyle=dashes) for dashes, i in itertools.product(('-', '--', ':', '-.'), range(10))]


def curves(runs):
    """dict: name of a curve -> list of its runs."""
    return {f'{title} {dataset}' + ('' if labels == run_groups.ALL_LABELS else f'@{labels}'.replace('@@', '@')): members
            for (dataset, title, labels), members in run_groups.group(runs).items()}


def curve(runs, tag):
    """kimg [n] and values [runs, n] of a tag at the reports that all of these runs have."""
    values = [{row['kimg']: row[tag] for row in run.rows if tag in row} for run in runs]
    kimg = sorted(set.intersection(*map(set, values)))
    return kimg, np.array([[run[k] for k in kimg] for run in values])


def chosen(found, text):
    """list of the tags to draw: those in the comma-separated `text`, else the accuracy and all losses.

    Raises:
        InputError: no run has such a tag.
    """
    known = sorted({tag for runs in found.values() for run in runs for row in run.rows for tag in row})
    tags = text.split(',') if text else [tag for tag in known if tag == 'accuracy' or tag.startswith(LOSSES)]
    for tag in tags:
        if tag not in known:
            raise InputError(f'--tags={text}: no run reports {tag}; there are {", ".join(known)}')
    return tags


def draw(axes, found, tag):
    """One panel: a line and a band for each curve. Returns dict name -> line."""
    lines = {}
    for (name, runs), style in zip(found.items(), itertools.cycle(STYLES)):
        kimg, values = curve(runs, tag)
        if kimg:
            lines[name], = axes.plot(kimg, values.mean(0), **style, marker='.' if len(kimg) == 1 else None)
            axes.fill_between(kimg, values.min(0), values.max(0), alpha=0.2, color=style['color'], linewidth=0)
        elif any(tag in row for run in runs for row in run.rows):
            print(f'warning: {name}: no curve of {tag}: its runs share no report', file=sys.stderr)
    axes.set_title(TITLES.get(tag, tag))
    axes.set_xlim(0, max(run.rows[-1]['kimg'] for runs in found.values() for run in runs))  # the same in all panels
    axes.set_xlabel('kimg (1,024 labelled images)')
    axes.grid(alpha=0.3)
    return lines


def picture(found, tags):
    """The Figure: a grid of panels, and below it the legend."""
    ncols = min(len(tags), COLUMNS)
    nrows = math.ceil(len(tags) / ncols)
    names = [textwrap.fill(f'{name} ({len(runs)} runs)' if len(runs) > 1 else name, LEGEND_WIDTH)
             for name, runs in found.items()]
    per_line = max(1, min(ncols, len(names)))
    lines = sum(name.count('\n') + 1 for name in names) / per_line
    figure = figures.new_figure(PANEL[0] * ncols, PANEL[1] * nrows + 0.2 * lines + 0.4)
    panels = figure.subplots(nrows, ncols, squeeze=False).ravel()
    drawn = {}
    for axes, tag in zip(panels, tags):
        drawn.update(draw(axes, found, tag))
    for axes in panels[len(tags):]:
        axes.remove()
    titles = dict(zip(found, names))
    seeds = 'line: mean over seeds, band: lowest to highest' if any(len(runs) > 1 for runs in found.values()) else None
    shown = [name for name in found if name in drawn]
    figure.legend([drawn[name] for name in shown], [titles[name] for name in shown], title=seeds, ncols=per_line,
                  loc='outside lower center', frameon=False, fontsize=9)
    return figure


def main(argv):
    if len(argv) < 2:
        raise InputError('give at least one folder that contains run folders')
    runs, damaged = run_groups.find(argv[1:])
    run_groups.tell(argv[1:], runs, damaged)
    for run in runs:
        if run_groups.unfinished(run):
            print(f'warning: {run.path}: {run_groups.unfinished(run)}: its group\'s curve ends there', file=sys.stderr)
    found = curves(runs)
    figures.save(picture(found, chosen(found, FLAGS.tags)), FLAGS.out)
    print(FLAGS.out)


if __name__ == '__main__':
    flags.DEFINE_string('out', 'runs.png', 'Picture to write.')
    flags.DEFINE_string('tags', '', 'Comma-separated tags to draw; without it accuracy and all losses.')
    run_main(main)
