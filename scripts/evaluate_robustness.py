"""Accuracy of runs on corrupted test images, per corruption and severity; the published CIFAR-10-C is read as it is.

python scripts/evaluate_robustness.py --run=experiments/cifar10-500/FOLDER --corrupted=CIFAR-10-C --severities=5

A run's network has the averaged weights of its newest checkpoint. Clean accuracy is the one on the test images as the
run itself reads them. Writes `<run>/stats/robustness.json`, a heat map for each run, and for several runs bars of their
accuracies at severity 5.
"""

import json
import os
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.corruptions import arrays as corrupted_set
from libml.corruptions.arrays import BENCHMARK, NAMES, SEVERITIES, SHAPE
from libml.files import written_whole
from libml.training import figures
from libml.utils import InputError, no_arguments, progress, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
# name of a mean -> the corruptions that it is over; severities are in its name.
MEANS = {f'mean of all {len(NAMES)}': NAMES, f'mean of the {len(BENCHMARK)} of the benchmark': BENCHMARK}


def read(folder):
    """labels uint8 [n], and dict name -> uint8 [5, n, 32, 32, 3] of the corruptions that a folder holds.

    Raises:
        InputError: it holds none, or a file is damaged.
    """
    labels = corrupted_set.read_labels(folder)
    arrays = {name: corrupted_set.read(folder, name, len(labels)) for name in NAMES
              if os.path.exists(corrupted_set.array_path(folder, name))}
    if not arrays:
        raise InputError(f'{folder} holds none of the corruptions {", ".join(NAMES)}')
    return labels, arrays


def evaluate_run(path, labels, arrays, severities, data_dir=''):
    """dict of one run: checkpoint, clean (percent), accuracy (corruption -> severity -> percent), means.

    Raises:
        InputError: no run, not one of 32x32 colour images, or one with another test set.
    """
    from libml import open_run  # Late: --help answers without TensorFlow.
    from libml.datasets.on_demand import OnDemand
    from libml.training import evaluate

    model, found = open_run.open_run(path, data_dir)
    data, test = model.dataset, model.dataset.test
    shape = data.height, data.width, data.colors
    if data.frame:  # Made of images of this size.
        shape = (*(side and side + 2 * data.stored.border for side in (data.stored.height, data.stored.width)),
                 data.colors)
    if shape != SHAPE:
        raise InputError(f'{path} was trained on {"x".join(map(str, shape))} images: corrupted ones are 32x32x3')
    if not np.array_equal(labels, test.labels):
        raise InputError(f'the labels of the {len(labels)} corrupted images differ from those of the {len(test)} test '
                         f'images of {data.name}, which {path} was trained on')
    total = (1 + len(arrays) * len(severities)) * len(labels)
    with model.session(found) as session, progress(total=total, unit='img', unit_scale=True) as bar:

        def accuracy(images):
            p = evaluate.predict(session, model.ops.classify_op, model.ops.x, images)
            bar.update(len(labels))
            return evaluate.accuracy(p, labels)

        def framed(images):
            return OnDemand(images, SHAPE, frame=data.frame).at(np.arange(len(images))) if data.frame else images

        clean = accuracy(test.images)
        table = {name: {severity: accuracy(framed(array[severity - 1])) for severity in severities}
                 for name, array in arrays.items()}
    return dict(checkpoint=found, clean=clean, accuracy=table, **means(table))


def means(table):
    """dict of the means over MEANS at severity 5 and, if there are all, at all severities: name -> percent.

    Args:
        table: corruption -> severity -> percent. A mean over corruptions that are not all there is left out.
    """
    found = {}
    for title, names in MEANS.items():
        if set(names) <= set(table):
            for severities, text in (((5,), 'severity 5'), (SEVERITIES, 'severities 1-5')):
                if set(severities) <= set(table[names[0]]):
                    found[f'{title}, {text}'] = float(np.mean([table[name][s] for name in names for s in severities]))
    return found


def print_table(result):
    """Prints the result of a run: a row for each corruption, a column for each severity, then the means."""
    rows = result['accuracy']
    severities = list(next(iter(rows.values())))
    print(f'{result["checkpoint"]}, accuracy in percent')
    print(f'{"severity":<18}' + ''.join(f' {severity:>6}' for severity in severities) + '   mean')
    for name, row in rows.items():
        values = [*row.values(), np.mean(list(row.values()))]
        print(f'{name:<18}' + ''.join(f' {value:6.2f}' for value in values))
    for title, value in result.items():
        if title.startswith(('clean', 'mean')):
            print(f'{title:<50} {value:6.2f}')


def heat_map(result, title):
    """Figure of the accuracies of one run: corruptions by severities."""
    rows = result['accuracy']
    severities = list(next(iter(rows.values())))
    values = np.array([list(row.values()) for row in rows.values()])
    figure = figures.new_figure(6, 2 + 0.3 * len(rows))
    axes = figure.subplots()
    axes.imshow(values, aspect='auto', cmap='viridis', vmin=0, vmax=100)
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f'{value:.1f}', ha='center', va='center', fontsize=8,
                  color='black' if value > 60 else 'white')
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(severities)), severities)
    axes.set_xlabel('severity')
    figure.suptitle(f'{title}\naccuracy in percent (clean {result["clean"]:.1f})', fontsize=8)
    return figure


def bars(results, titles):
    """Figure of the accuracies at severity 5 of several runs side by side, clean ones first."""
    names = list(results[0]['accuracy'])
    figure = figures.new_figure(3 + 0.22 * len(names) * len(results), 4.5)
    axes = figure.subplots()
    width = 0.8 / len(results)
    for i, (result, title) in enumerate(zip(results, titles)):
        values = [result['clean'], *(result['accuracy'][name][5] for name in names)]
        axes.bar(np.arange(len(values)) + (i + 0.5) * width - 0.4, values, width, label=title)
    axes.set_xticks(range(1 + len(names)), ['clean', *names], rotation=60, ha='right', fontsize=8)
    axes.set_xlim(-0.6, len(names) + 0.6)
    axes.set_ylabel('accuracy at severity 5, percent')
    figure.legend(loc='outside upper left', fontsize=7)
    return figure


def run_titles(paths):
    """Short names of runs for figures: their paths below the folder that they share."""
    paths = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath(paths) if len(paths) > 1 else os.path.dirname(paths[0])
    return [textwrap.fill(os.path.relpath(path, common).replace('_', ' '), 70) for path in paths]


def main(argv):
    no_arguments(argv)
    paths = [path for text in FLAGS.run for path in ([text] if os.path.exists(text) else text.split(','))]
    severities = sorted({int(s) if s and s in '12345' else s for s in FLAGS.severities.split(',')}, key=str)
    corrupted_set.check_severities(severities)
    labels, arrays = read(FLAGS.corrupted)
    missing = [name for name in NAMES if name not in arrays]
    if missing:
        print(f'{FLAGS.corrupted} lacks {", ".join(missing)}: no means over sets with these')
    figures.new_figure(1, 1)  # Without matplotlib it is better to end now.
    results, titles = [], run_titles(paths)
    for number, (path, title) in enumerate(zip(paths, titles), 1):
        result = evaluate_run(path, labels, arrays, severities, FLAGS.data_dir)
        results.append(result)
        print_table(result)
        stats = os.path.join(os.path.dirname(os.path.dirname(result['checkpoint'])), 'stats')
        with written_whole(os.path.join(stats, 'robustness.json')) as f:
            json.dump(dict(result, corrupted=FLAGS.corrupted), f, indent=2)
        picture = os.path.join(FLAGS.out or stats, f'robustness_{number}.png' if FLAGS.out else 'robustness.png')
        figures.save(heat_map(result, title), picture)
        print(picture)
    if len(results) > 1 and 5 in severities:
        picture = os.path.join(FLAGS.out or stats, 'robustness_runs.png')
        figures.save(bars(results, titles), picture)
        print(picture)


if __name__ == '__main__':
    flags.DEFINE_multi_string('run', None, 'Run folder; several are separated by commas, or given by several --run.',
                              required=True)
    flags.DEFINE_string('corrupted', None, 'Folder of corrupted test images, such as the published CIFAR-10-C.',
                        required=True)
    flags.DEFINE_string('severities', '1,2,3,4,5', 'Comma-separated severities.')
    flags.DEFINE_string('out', '', 'Folder for the pictures; stats/ of the run (bars: of the last run) if not given.')
    flags.DEFINE_string('data_dir', '', 'Data folder; unless given, the one that the run was trained with.')
    run_main(main)
