"""Accuracy of a classifier: on arrays of images, of a model in a session, of a checkpoint."""

import math
import textwrap

from libml.images.pixels import TO_FLOAT
from libml.training import checkpoint
from libml.training.loop import KIMG
from libml.utils import Diverged, progress
from libml.workers import turns

import numpy as np
import tensorflow as tf

# Rows in one call of the network: large enough for its full speed, small enough for any memory.
BATCH = 256
# With more classes, reports do not say anything of each, but have the accuracy among the TOP most probable ones.
MOST_CLASSES = 20
TOP = 5
# An average with the decay d follows after some 1 / (1 - d) steps; of the start, 0.7 % is left after LAG times as many.
LAG = 5


def predict(session, op, x, images):
    """Class probabilities of images. On several workers each classifies a part, and all get all.

    Args:
        op: tensor [b, C] computed from the images fed to `x`.
        x: placeholder, float32 [b, h, w, c] in [-1, 1].
        images: uint8 [n, h, w, c], or what gives slices of such an array.
    Returns:
        float32 [n, C].
    Raises:
        Diverged: one of them is not finite: it would be taken for the first class.
    """
    def chunk(i):
        pixels = images[i * BATCH:(i + 1) * BATCH]
        return session.run(op, {x: pixels.astype(np.float32) * np.float32(TO_FLOAT) - 1})

    rows = turns.rows(session, chunk, -(-len(images) // BATCH), (BATCH, op.shape[-1]))
    found = np.concatenate(rows)[:len(images)] if rows else np.zeros([0, op.shape[-1]], np.float32)
    wrong = np.count_nonzero(~np.isfinite(found).all(1))
    if wrong:
        raise Diverged(f'what the network says of {wrong} of {len(found)} images is not finite')
    return found


def accuracy(p, labels):
    """Percent of rows of p [n, C] whose largest entry is at labels [n]; nan for no rows."""
    return 100. * float(np.mean(p.argmax(1) == labels)) if len(labels) else float('nan')


def top_accuracy(p, labels):
    """Accuracy among the most probable classes: {} with at most 20 classes.

    Returns:
        dict: `accuracy/top5`, percent of rows of p [n, C] whose 5 largest entries include that at labels [n]. Of equal
        entries the first is taken for the largest, as in `accuracy`.
    """
    if p.shape[1] <= MOST_CLASSES:
        return {}
    own = p[np.arange(len(p)), labels][:, None]
    before = (p > own) | ((p == own) & (np.arange(p.shape[1]) < labels[:, None]))
    return {f'accuracy/top{TOP}': 100. * float(np.mean(before.sum(1) < TOP))}


def confusion(p, labels):
    """int64 [C, C]: how many images of class i (rows) were taken for class j."""
    nclass = p.shape[1]
    return np.bincount(labels.astype(np.int64) * nclass + p.argmax(1), minlength=nclass ** 2).reshape(nclass, nclass)


def by_class(counts, names):
    """Accuracies in percent that count each class alike, of a `confusion`; a class without images has none.

    Returns:
        dict: `accuracy/balanced`, the mean over the classes, and with at most 20 classes `class_accuracy/<name>` of
        each.
    """
    found = {name: 100. * row[k] / row.sum() for k, (name, row) in enumerate(zip(names, counts)) if row.any()}
    each = {f'class_accuracy/{name}': float(value) for name, value in found.items()}
    return {'accuracy/balanced': float(np.mean(list(found.values()))), **(each if len(counts) <= MOST_CLASSES else {})}


def tag(subset, kind=''):
    """TensorBoard tag of an accuracy: that on the test set is plain `accuracy` (or `accuracy/raw`)."""
    return f'accuracy/{kind}{subset}' if subset != 'test' else f'accuracy/{kind}'.rstrip('/')


def predictions(model, session, op):
    """What the classifier `op` says of a model's images, without augmentation.

    Args:
        model: a train.Model.
        session: a session of its graph.
        op: float32 [b, C], computed from the images fed to model.ops.x.
    Returns:
        dict train_labeled, valid, test, then further test sets -> (probabilities [n, C], labels [n]); without those
        that have no images.
    """
    dataset = model.dataset
    # Labels can be very many: the accuracy on the training set is then measured on a part of it.
    subsets = dict(train_labeled=dataset.labeled.take(10000), valid=dataset.valid, test=dataset.test,
                   **dataset.more_tests)
    # One set may have two names: a target domain's test set is also called `test`.
    values = {s: (predict(session, op, model.ops.x, s.images), s.labels)
              for s in dict.fromkeys(subsets.values()) if len(s)}
    return {name: values[s] for name, s in subsets.items() if len(s)}


def accuracies(model, session, op):
    """As `predictions`, but accuracies in percent."""
    return {name: accuracy(*found) for name, found in predictions(model, session, op).items()}


def of_report(model, session):
    """Accuracies of a report of a model in a session, and the `confusion` of the test images with averaged weights.

    Returns:
        dict tag -> percent: `accuracy`, `accuracy/train_labeled` ... are of the averaged weights, `accuracy/raw` ... of
        the live ones, where `live_counts`; those of `top_accuracy` and `by_class` are of the averaged weights on the
        test images.
    """
    averaged = predictions(model, session, model.ops.classify_op)
    raw = model.accuracies(session, model.ops.classify_raw) if live_counts(model, session) else {}
    counts = confusion(*averaged['test'])
    return {**{tag(name): accuracy(*found) for name, found in averaged.items()},
            **{tag(name, 'raw/'): value for name, value in raw.items()},
            **top_accuracy(*averaged['test']), **by_class(counts, model.dataset.class_names)}, counts


def live_counts(model, session):
    """Whether a report also evaluates the live weights: they are asked for, or averages may still be far from them."""
    steps = int(session.run(model.step)) // model.params.batch
    return model.params.get('report_raw', True) or round(steps * (1 - model.ema.decay), 6) < LAG


def class_lines(dataset):
    """Lines that say how many labelled and, where it is known, how many unlabelled images of each class there are."""
    lines = []
    for title, subset, known in (('Labelled', dataset.labeled, True),
                                 ('Unlabelled', dataset.unlabeled, dataset.labels_known)):
        counts = np.bincount(subset.labels, minlength=dataset.nclass)
        text = ', '.join(f'{name}: {count}' for name, count in zip(dataset.class_names, counts))
        if len(subset):
            lines += textwrap.wrap(f'{title} {len(subset)}' + (f' ({text})' if known else ''), 120,
                                   subsequent_indent='    ', break_long_words=False)
    return lines


def print_config(model):
    """Prints a model's settings, its images of each class and the sizes of its network's variables."""
    rows = [('Run', model.folder.path), ('Model', model.method_name()), ('Dataset', model.dataset.name)]
    rows += sorted(model.params.items())
    print(' Config '.center(80, '-'))
    for name, value in rows:
        print(f'{name:<32} {value}')
    print(' Images '.center(80, '-'), *class_lines(model.dataset), sep='\n')
    print(' Model '.center(80, '-'))
    with model.graph.as_default():
        variables = tf.compat.v1.trainable_variables()
    sizes = [math.prod(v.shape.as_list()) for v in variables]
    width = max(len(v.op.name) for v in variables)
    for v, size in zip(variables, sizes):
        print(f'{v.op.name:<{width}} {size:>10} {tuple(v.shape.as_list())}')
    print(f'{"Total":<{width}} {sum(sizes):>10}')
    print('-' * 80, flush=True)


def eval_checkpoint(model, path):
    """Prints a table of accuracies of a checkpoint, before and, with a `tune_op`, after tuning batch norm.

    Tuning runs `tune_op` on 16,384 training images in memory; nothing is saved.

    Args:
        model: a train.Model.
        path: prefix of a checkpoint, or a run folder.
    Returns:
        dict: row of the table -> dict of accuracies in percent.
    """
    path = checkpoint.find(path)
    kinds = ('', 'tuned_') if 'tune_op' in model.ops else ('',)
    with model.session(path) as session:
        step = int(session.run(model.step))
        print(f'{model.method_name()} {path}  kimg {step // KIMG}')
        table = {}
        for prefix in kinds:
            if prefix:
                _tune(model, session, step)
            for name, op in (('raw', model.ops.classify_raw), ('ema', model.ops.classify_op)):
                row = table[prefix + name] = model.accuracies(session, op)
                titles = [f' {key.removeprefix("train_"):>7}' for key in row]
                if len(table) == 1:
                    print(' ' * 16 + ''.join(titles))
                print(f'{prefix + name:<16}' + ''.join(f'{value:>{len(title)}.2f}' for title, value
                                                       in zip(titles, row.values())), flush=True)
    return table


def _tune(model, session, step, nimg=16384):
    """Moves the batch-norm statistics (nothing else) with `nimg` images of the streams from `step` on."""
    batch = model.rows
    model.streams.start(session, step // batch)
    for _ in progress(iterable=range(nimg // batch), desc='Tuning', unit='img', unit_scale=batch, leave=False):
        session.run(model.ops.tune_op)
