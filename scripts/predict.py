"""Classifies pictures with a trained network.

python scripts/predict.py --run=FOLDER [--out=predictions.csv] PICTURE_OR_FOLDER ...
python scripts/predict.py --checkpoint=FILE --dataset=cifar10 [--arch= --filters= --repeat= --scales=] PICTURE ...

Writes a row for each picture: path, class, probability, second_class, second_probability, entropy (in nats), error;
with --probabilities also p_<class> of each class. Pictures become images as those of the run's dataset did; of two
domains, as the target's. In folders, what is hidden or no picture is passed over. The network has its averaged weights.
--checkpoint takes a file of the original code, too. A picture that cannot be read has a row with the error, and the
exit code is 2. `--out=-` writes to standard output.
"""

import contextlib
import csv
import json
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.files import written_whole
from libml.utils import InputError, progress, require, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
COLUMNS = ('path', 'class', 'probability', 'second_class', 'second_probability', 'entropy', 'error')
NETWORK = ('arch', 'filters', 'repeat', 'scales')
MOST_PRINTED = 20  # classes


def opened():
    """The train.Model and the checkpoint that the flags name."""
    if bool(FLAGS.run) == bool(FLAGS.checkpoint) or bool(FLAGS.checkpoint) != bool(FLAGS.dataset):
        raise InputError('give --run=FOLDER, or --checkpoint=FILE and --dataset=NAME')
    if FLAGS.run:
        network = [name for name in NETWORK if FLAGS[name].present]
        if network:
            raise InputError(f'--{network[0]} is for --checkpoint: a run folder says what its network is')
        from libml import open_run  # Late: --help answers without TensorFlow.

        return open_run.open_run(FLAGS.run, FLAGS.data_dir)
    from libml.methods import classifier
    from libml.training import checkpoint

    path = checkpoint.find(FLAGS.checkpoint)
    dataset = classifier.described(FLAGS.dataset, FLAGS.data_dir)
    return classifier.Classifier('', dataset, **{name: FLAGS[name].value for name in NETWORK}), path


def predictions(model, checkpoint, paths):
    """Yields (path, error or '', probabilities float32 [C] or None) of each picture."""
    from libml.datasets import on_demand
    from libml.pictures import batches
    from libml.training import evaluate

    dataset = model.dataset
    dataset.check_stored()
    if 'classify_op' not in model.ops:
        raise InputError(f'{checkpoint} is of a network that does not classify: give a run that does')
    with model.session(checkpoint) as session, on_demand.as_tested(dataset) as made, \
            progress(total=len(paths), unit='img', desc='Predicting') as bar:
        for chunk, bad, images in batches.batches(paths, dataset.stored, evaluate.BATCH, made):
            found = iter(evaluate.predict(session, model.ops.classify_op, model.ops.x, images))
            for path in chunk:
                yield path, bad.get(path, ''), None if path in bad else next(found)
            bar.update(len(chunk))


def row_of(path, error, p, names, probabilities=False):
    """dict of COLUMNS, and if wanted p_<class> of each class; what is not known of a bad picture is None."""
    row = dict.fromkeys(COLUMNS)
    # A name that is no Unicode cannot be written as it is.
    row.update(path=os.fsencode(path).decode(errors='replace'), error=error or None)
    if p is not None:
        first, *others = np.argsort(-p, kind='stable')[:2]
        row.update({'class': names[first], 'probability': _number(p[first])})
        for second in others:  # Of a single class there is none.
            row.update(second_class=names[second], second_probability=_number(p[second]))
        some = p[p > 0].astype(np.float64)
        row['entropy'] = _number(np.float32(max(-np.sum(some * np.log(some)), 0.)))
    if probabilities:
        row.update({f'p_{name}': p if p is None else _number(p[k]) for k, name in enumerate(names)})
    return row


def _number(value):
    """A float32 as the float of fewest digits that is read as it."""
    return float(str(value))


def writer(f, kind):
    """A function that writes a dict to the open file, as csv or jsonl."""
    if kind == 'jsonl':
        return lambda row: print(json.dumps(row, ensure_ascii=False), file=f)
    lines = csv.writer(f, lineterminator='\n')
    header = []

    def write(row):
        if not header:
            header.extend(row)
            lines.writerow(header)
        lines.writerow(['' if value is None else value for value in row.values()])

    return write


def write_all(model, checkpoint, paths, f):
    """Writes a row for each picture to the open file, of a train.Model with the variables of a checkpoint.

    Returns:
        dict class -> how many pictures were taken for it; list of those that cannot be read, with the reason.
    """
    names, write, bad = model.dataset.class_names, writer(f, FLAGS.format), []
    counts = dict.fromkeys(names, 0)
    for path, error, p in predictions(model, checkpoint, paths):
        row = row_of(path, error, p, names, FLAGS.probabilities)
        write(row)
        if error:
            bad.append(f'{row["path"]!r}: {error}')
        else:
            counts[row['class']] += 1
    return counts, bad


def main(argv):
    require('pictures need', 'PIL')
    from libml.pictures import batches

    paths, out, stdout = batches.listed(argv[1:]), FLAGS.out or f'predictions.{FLAGS.format}', sys.stdout
    warnings.filterwarnings('ignore', module='PIL')  # They are about oddities.
    # In what is written to standard output there must be nothing else.
    with contextlib.redirect_stdout(sys.stderr if out == '-' else stdout):
        model, checkpoint = opened()
        with contextlib.nullcontext(stdout) if out == '-' else written_whole(out) as f:
            counts, bad = write_all(model, checkpoint, paths, f)
        print(f'{out}: {len(paths) - len(bad):,} pictures classified, {len(bad):,} that cannot be read')
        most = sorted(counts, key=lambda name: -counts[name])[:MOST_PRINTED]
        print(', '.join(f'{name} {counts[name]:,}' for name in most if counts[name]))
    if bad:
        print(f'error: {InputError(bad[0])}' + (f' (and {len(bad) - 1:,} more)' if bad[1:] else ''), file=sys.stderr)
        return 2
    return None


if __name__ == '__main__':
    flags.DEFINE_string('run', '', 'Run folder (its newest checkpoint), or a checkpoint in one.')
    flags.DEFINE_string('checkpoint', '', 'Checkpoint that is in no run folder, in place of --run.')
    flags.DEFINE_string('dataset', '', 'With --checkpoint: the dataset that it was trained on, such as cifar10.')
    flags.DEFINE_string('arch', 'resnet', 'With --checkpoint: its network.')
    flags.DEFINE_integer('filters', 32, 'With --checkpoint: filters of the first scale.', lower_bound=1)
    flags.DEFINE_integer('repeat', 4, 'With --checkpoint: residual blocks in a scale.', lower_bound=1)
    flags.DEFINE_integer('scales', 0, 'With --checkpoint: scales; 0 means ceil(log2(width)) - 2.', lower_bound=0)
    flags.DEFINE_string('data_dir', '', 'Folder of the datasets; unless given, that of the run.')
    flags.DEFINE_string('out', '', 'File to write, or - for standard output; unless given, predictions.csv or '
                        'predictions.jsonl.')
    flags.DEFINE_enum('format', 'csv', ['csv', 'jsonl'], 'A CSV file, or a JSON object a line.')
    flags.DEFINE_bool('probabilities', False, 'Write the probability of each class, too.')
    run_main(main)
