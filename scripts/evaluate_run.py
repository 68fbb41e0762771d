"""Where a run fails: accuracy of each class, confusions, calibration, and the mistakes that it was most sure of.

python scripts/evaluate_run.py --run=experiments/cifar10.3@250-5000/FOLDER
python scripts/evaluate_run.py --run=FOLDER --dataset=cifar10.1@40-100     # on the test images of another dataset

The network has the averaged weights of the run's newest checkpoint; the test images are read as the run reads them.
Prints a table and writes evaluation.json, classes.csv, confusion.csv, confusion.png, reliability.png and mistakes.png
to `<run>/stats/evaluation`, or with --dataset to `<run>/stats/evaluation_<dataset>`.
"""

import csv
import json
import math
import os
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.files import written_whole
from libml.training import figures
from libml.training.run_folder import RunFolder
from libml.utils import InputError, no_arguments, require, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
BINS = 15  # of the confidence, equally wide; as in On Calibration of Modern Neural Networks (arXiv:1706.04599)
TOP = 5
MOST_PRINTED = 20  # classes
MOST_WITH_NUMBERS = 20  # classes in the picture of the confusion matrix
MISTAKES, COLUMNS = 40, 8  # in the sheet, and in a line of it


def test_set(model, text):
    """The Subset to evaluate on: the run's own test images, or those that --dataset names.

    Raises:
        InputError: the dataset has other classes, or images of another size.
    """
    data = model.dataset
    if not text:
        return data.test
    if text in data.more_tests:
        return data.more_tests[text]
    flag_values = {name: spec.default for name, spec in model.LOOP_FLAGS.items()}
    other = model.load_dataset({**flag_values, **model.arguments(), 'dataset': text, 'source': '', 'target': ''})
    mine, found = [f'{len(d.class_names)} classes ({textwrap.shorten(", ".join(d.class_names), 60)}) and images of '
                   f'{d.height}x{d.width}x{d.colors}' for d in (data, other)]
    if data.class_names != other.class_names or data.test.pixels.shape[1:] != other.test.pixels.shape[1:]:
        raise InputError(f'--dataset={text} has {found}, the run was trained with {mine}')
    return other.test


def measures(p, labels, names):
    """The numbers of evaluation.json.

    Args:
        p: float32 [n, C], class probabilities.
        labels: int [n].
        names: of the C classes.
    Returns:
        dict: images, accuracy, balanced_accuracy, top5_accuracy (with more than 10 classes), all in percent; nll,
        mean negative logarithm of the probability of the true class; ece, expected calibration error, from 0 to 1;
        classes, name -> dict of images, accuracy and how many images were taken for it; confusion [C][C], how many
        images of a class (rows) were taken for another; reliability, as `reliability`.
    """
    from libml.training import evaluate  # Late: --help answers without TensorFlow.

    from sklearn import metrics

    taken, classes = p.argmax(1), np.arange(len(names))
    found = dict(images=len(labels), accuracy=evaluate.accuracy(p, labels))
    present = np.unique(labels)
    recall = metrics.recall_score(labels, taken, labels=present, average=None)
    found['balanced_accuracy'] = 100 * float(recall.mean())
    if len(names) > 2 * TOP:
        found[f'top{TOP}_accuracy'] = 100 * float(metrics.top_k_accuracy_score(labels, p, k=TOP, labels=classes))
    # In float64 the rows must sum to 1 more exactly than float32 can.
    exact = p.astype(np.float64)
    found['nll'] = float(metrics.log_loss(labels, exact / exact.sum(1, keepdims=True), labels=classes))
    bins = reliability(p, labels)
    found['ece'] = sum(b['images'] * abs(b['accuracy'] - b['confidence']) for b in bins) / len(labels)
    of_class = dict(zip(present, recall))
    found['classes'] = {name: dict(images=int(np.sum(labels == k)), taken_for_it=int(np.sum(taken == k)),
                                   accuracy=100 * float(of_class[k]) if k in of_class else None)
                        for k, name in enumerate(names)}
    found['confusion'] = metrics.confusion_matrix(labels, taken, labels=classes).tolist()
    found['reliability'] = bins
    return found


def reliability(p, labels):
    """list of dicts, one for each of BINS intervals of confidence that has images.

    Each says where it is (`low`, `high`), how many `images` it has, their mean `confidence` and their `accuracy`, both
    from 0 to 1.
    """
    confidence, right = p.max(1).astype(np.float64), p.argmax(1) == labels
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [dict(low=k / BINS, high=(k + 1) / BINS, images=int(np.sum(place == k)),
                 confidence=float(confidence[place == k].mean()), accuracy=float(right[place == k].mean()))
            for k in np.unique(place).tolist()]


def worst_mistakes(p, labels):
    """Positions of the wrongly classified images with the highest confidence, at most MISTAKES, highest first."""
    wrong = np.flatnonzero(p.argmax(1) != labels)
    return wrong[np.argsort(-p[wrong].max(1), kind='stable')][:MISTAKES]


def rows_of_classes(found):
    """list of dicts class, images, accuracy, taken_for_it, most_taken_for, times: the lines of classes.csv."""
    rows = []
    for k, (name, values) in enumerate(found['classes'].items()):
        others = np.array(found['confusion'][k])
        others[k] = 0
        most = int(others.argmax())
        rows.append({'class': name, **values, 'most_taken_for': list(found['classes'])[most] if others[most] else '',
                     'times': int(others[most])})
    return rows


def print_table(found):
    """Prints the numbers, and the classes: all of few, the worst of many."""
    titles = dict(accuracy='accuracy', balanced_accuracy='balanced accuracy', top5_accuracy='top-5 accuracy')
    for key, title in titles.items():
        if key in found:
            print(f'{title:<30} {found[key]:6.2f} %')
    print(f'{"negative log likelihood":<30} {found["nll"]:6.4f}')
    print(f'{"expected calibration error":<30} {found["ece"]:6.4f}')
    rows = rows_of_classes(found)
    if len(rows) > MOST_PRINTED:
        print(f'The {MOST_PRINTED} worst of {len(rows)} classes:')
        rows = [row for row in rows if row['images']]
        rows = sorted(rows, key=lambda row: row['accuracy'])[:MOST_PRINTED]
    print(f'{"class":<20} {"images":>7} {"accuracy":>9}   most often taken for')
    for row in rows:
        accuracy = '-' if row['accuracy'] is None else f'{row["accuracy"]:.2f}'
        most = f'{row["most_taken_for"]} ({row["times"]})' if row['times'] else ''
        print(f'{row["class"]:<20} {row["images"]:>7} {accuracy:>9}   {most}'.rstrip())


def confusion_picture(found):
    """Figure of the confusion matrix: each row's shares as colours, with few classes its counts as numbers."""
    counts = np.array(found['confusion'])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    n = len(counts)
    side = min(max(5., 1.8 + 0.45 * n), 16.)
    figure = figures.new_figure(side + 0.8, side)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    if n <= MOST_WITH_NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                axes.text(column, row, count, ha='center', va='center', fontsize=8,
                          color='white' if shares[row, column] > 0.5 else 'black')
    names, size = list(found['classes']), min(8, 0.65 * 72 * side / n)  # in points
    axes.set_xticks(range(n), names, rotation=90, fontsize=size)
    axes.set_yticks(range(n), names, fontsize=size)
    axes.set_xlabel('taken for')
    axes.set_ylabel('true class')
    figure.colorbar(image, label='share of the images of the class', shrink=0.8)
    return figure


def reliability_picture(found):
    """Figure: accuracy over confidence, where the diagonal is right, and below it how many images there are."""
    figure = figures.new_figure(5, 6)
    axes, histogram = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = found['reliability']
    middles = [(b['low'] + b['high']) / 2 for b in bins]
    axes.bar(middles, [b['accuracy'] for b in bins], 0.9 / BINS, color='tab:blue', label='accuracy')
    axes.plot([b['confidence'] for b in bins], [b['accuracy'] for b in bins], 'k.', label='at the mean confidence')
    axes.plot([0, 1], [0, 1], '--', color='tab:red', label='calibrated')
    axes.set_ylabel('accuracy')
    axes.set_ylim(0, 1.02)
    axes.legend(loc='upper left')
    axes.set_title(f'expected calibration error {found["ece"]:.4f}', fontsize=10)
    histogram.bar(middles, [b['images'] for b in bins], 0.9 / BINS, color='tab:gray')
    histogram.set_ylabel('images')
    histogram.set_xlabel('confidence: probability of the class that is taken')
    histogram.set_xlim(0, 1)
    return figure


def mistakes_picture(subset, p, names, shown):
    """Figure of the images of a Subset at the positions `shown`, each below its position, its true class, and the class
    that it is taken for with its probability."""
    lines = math.ceil(len(shown) / COLUMNS)
    figure = figures.new_figure(1.5 * COLUMNS, 1.9 * lines)
    for axes in figure.subplots(lines, COLUMNS, squeeze=False).ravel():
        axes.axis('off')
    for axes, i in zip(figure.axes, shown):
        at, taken = subset.positions[i], p[i].argmax()
        axes.imshow(subset.pixels[at].squeeze(), cmap='gray', vmin=0, vmax=255)
        axes.set_title(f'{i}: {names[subset.targets[at]][:16]}\ntaken for {names[taken][:16]}\n{p[i, taken]:.4f}',
                       fontsize=7)
    return figure


def write_csv(path, rows):
    """Writes lists of values as lines."""
    with written_whole(path) as f:
        csv.writer(f, lineterminator='\n').writerows(rows)


def write(folder, found, subset, p):
    """Writes all files of an evaluation of a Subset with the probabilities p [n, C]."""
    names, rows = list(found['classes']), rows_of_classes(found)
    with written_whole(os.path.join(folder, 'evaluation.json')) as f:
        json.dump(found, f, indent=2)
    write_csv(os.path.join(folder, 'classes.csv'), [list(rows[0]), *(list(row.values()) for row in rows)])
    write_csv(os.path.join(folder, 'confusion.csv'),
              [['true class', *names], *([name, *counts] for name, counts in zip(names, found['confusion']))])
    pictures = dict(confusion=confusion_picture(found), reliability=reliability_picture(found))
    shown = worst_mistakes(p, subset.labels)
    if len(shown):
        pictures['mistakes'] = mistakes_picture(subset, p, names, shown)
    for name, picture in pictures.items():
        figures.save(picture, os.path.join(folder, f'{name}.png'))
    print(f'{folder}: evaluation.json, classes.csv, confusion.csv, {".png, ".join(pictures)}.png')


def main(argv):
    no_arguments(argv)
    require('the evaluation needs', 'sklearn', 'matplotlib')
    from libml import open_run  # Late: --help answers without TensorFlow.
    from libml.training import evaluate

    model, checkpoint = open_run.open_run(FLAGS.run, FLAGS.data_dir)
    subset = test_set(model, FLAGS.dataset)
    with model.session(checkpoint) as session:
        p = evaluate.predict(session, model.ops.classify_op, model.ops.x, subset.images)
    found = dict(checkpoint=checkpoint, dataset=FLAGS.dataset or model.dataset.name,
                 **measures(p, subset.labels, model.dataset.class_names))
    print(f'{checkpoint} on {found["images"]} test images of {found["dataset"]}')
    print_table(found)
    name = f'evaluation_{FLAGS.dataset}' if FLAGS.dataset else 'evaluation'
    write(FLAGS.out or os.path.join(RunFolder.of(checkpoint).path, 'stats', name), found, subset, p)


if __name__ == '__main__':
    flags.DEFINE_string('run', None, 'Run folder (its newest checkpoint), or a checkpoint in one.', required=True)
    flags.DEFINE_string('dataset', '', 'Dataset whose test images to take; unless given, those of the run. Of a run on '
                        'two domains also a pair that it reports, such as mnist_to_mnist.')
    flags.DEFINE_string('out', '', 'Folder to write to; unless given, stats/evaluation of the run.')
    flags.DEFINE_string('data_dir', '', 'Data folder; unless given, the one that the run was trained with.')
    run_main(main)
