"""Prints tables of test error rates, mean and deviation over seeds: python scripts/accuracy_table.py DIR ...

A table for each dataset (or pair of domains), a row for each method, a column for each number of labels. DIR is a run
folder or contains some. --column says which accuracy of the averaged weights counts: last20, as in the papers, last,
best, or all of these, each in its own table. A star marks what is within two standard errors of the best. Runs that are
not finished count and are named, and so are run folders that are half-written; with --format=csv, on stderr alone.
"""

import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.training import run_groups
from libml.utils import InputError, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
COLUMNS = dict(last20='median of the last 20', last='last', best='best (chosen on the test set)')
# The characters of LaTeX that stand in names and cells.
ESCAPES = str.maketrans({'±': r'$\pm$', **{character: '\\' + character for character in '_%&#'}})


def accuracies(run):
    """list of percent: the test accuracies of the averaged weights at the run's reports."""
    return [row['accuracy'] for row in run.rows if 'accuracy' in row]


def error(run, column):
    """Test error rate of a run in percent, of its last, its best, or the median of its last 20 accuracies."""
    values = accuracies(run)
    return 100 - dict(last20=np.median(values[-20:]), last=values[-1], best=max(values))[column]


def cell(runs, column):
    """(mean, sample standard deviation or None for one run, number of runs, number of those not finished)."""
    errors = [error(run, column) for run in runs]
    deviation = float(np.std(errors, ddof=1)) if len(errors) > 1 else None
    return float(np.mean(errors)), deviation, len(errors), sum(bool(run_groups.unfinished(run)) for run in runs)


def cell_text(mean, deviation, count, unfinished):
    """`12.30 ± 0.40 (3, 1 unfinished)`."""
    numbers = f'{mean:.2f}' + ('' if deviation is None else f' ± {deviation:.2f}')
    return f'{numbers} ({count}{f", {unfinished} unfinished" if unfinished else ""})'


def near_best(cells):
    """Names of the cells (name -> what `cell` returns) whose mean is at most two standard errors above the smallest.

    The standard error is that of the difference of the two means; a single run has none. Nothing is near the best where
    there is nothing else.
    """
    best = min(cells, key=lambda name: cells[name][0])
    squares = {name: deviation ** 2 / count for name, (_, deviation, count, _) in cells.items()
               if deviation is not None}
    near = [name for name in squares if name != best and best in squares
            and cells[name][0] - cells[best][0] <= 2 * (squares[name] + squares[best]) ** 0.5]
    return {best, *near} if len(cells) > 1 else set()


def tables(groups, column):
    """Yields (title, rows of texts, the heads' first) for each dataset."""
    for dataset in sorted({dataset for dataset, _, _ in groups}):
        cells = {key[1:]: cell(runs, column) for key, runs in groups.items() if key[0] == dataset}
        labels = sorted({count for _, count in cells}, key=run_groups.order)
        marked = {(method, count) for count in labels for method in near_best(
            {method: numbers for (method, other), numbers in cells.items() if other == count})}
        texts = {key: cell_text(*numbers) + ' *' * (key in marked) for key, numbers in cells.items()}
        rows = [['method'] + [f'{count} labels' for count in labels]]
        for method in sorted({method for method, _ in cells}):
            rows.append([method] + [texts.get((method, count), '') for count in labels])
        title = f'{dataset}: test error in percent, {COLUMNS[column]}; mean ± sample deviation (number of runs)'
        yield title + ('; * within two standard errors of the best' if marked else ''), rows


def markdown(groups, columns, notes):
    for column in columns:
        for title, (head, *rows) in tables(groups, column):
            print(f'{title}\n')
            for row in [head, ['---'] * len(head), *rows]:
                print(f'| {" | ".join(row)} |')
            print()
    for note in notes:
        print(f'- {note}')


def latex(groups, columns, notes):
    for column in columns:
        for title, (head, *rows) in tables(groups, column):
            print(f'\\begin{{table}}\n\\caption{{{title.translate(ESCAPES)}}}')
            print(f'\\begin{{tabular}}{{l{"r" * (len(head) - 1)}}}\n\\hline')
            for i, row in enumerate([head, *rows]):
                print(' & '.join(text.translate(ESCAPES) for text in row) + r' \\' + ('' if i else r' \hline'))
            print('\\hline\n\\end{tabular}\n\\end{table}')
    for note in notes:
        print(f'% {note}')


def comma_separated(groups, columns, notes):
    """One line a cell, in columns that say what it is."""
    lines = csv.writer(sys.stdout, lineterminator='\n')
    lines.writerow(['dataset', 'method', 'labels', 'accuracy', 'error', 'deviation', 'runs', 'unfinished'])
    for column in columns:
        for (dataset, method, labels), runs in groups.items():
            mean, deviation, count, unfinished = cell(runs, column)
            lines.writerow([dataset, method, labels, COLUMNS[column], f'{mean:.4f}',
                            '' if deviation is None else f'{deviation:.4f}', count, unfinished])
    for note in notes:
        print(note, file=sys.stderr)


FORMATS = dict(markdown=markdown, csv=comma_separated, latex=latex)


def main(argv):
    if len(argv) < 2:
        raise InputError('give at least one folder that contains run folders')
    for name, choices in (('column', [*COLUMNS, 'all']), ('format', FORMATS)):
        if FLAGS[name].value not in choices:
            raise InputError(f'--{name}={FLAGS[name].value}: choose one of {", ".join(choices)}')
    found, damaged = run_groups.find(argv[1:])
    runs = [run for run in found if accuracies(run)]
    damaged.update({run.path: 'no accuracy in metrics.jsonl' for run in found if not accuracies(run)})
    run_groups.tell(argv[1:], runs, damaged)
    columns = list(COLUMNS) if FLAGS.column == 'all' else [FLAGS.column]
    notes = [f'Not finished: {run.path}: {run_groups.unfinished(run)}' for run in runs if run_groups.unfinished(run)]
    if 'last20' in columns:
        few = sum(len(accuracies(run)) < 20 for run in runs)
        notes += [f'{few} of {len(runs)} runs have fewer than 20 reports: their median is of all.'] if few else []
    if FLAGS.format != 'csv':
        notes += [f'Half-written: {path}: {wrong}' for path, wrong in damaged.items()]
    FORMATS[FLAGS.format](run_groups.group(runs), columns, notes)


if __name__ == '__main__':
    flags.DEFINE_string('column', 'last20', f'Which accuracy counts: {", ".join(COLUMNS)} or all.')
    flags.DEFINE_string('format', 'markdown', f'One of {", ".join(FORMATS)}.')
    run_main(main)
