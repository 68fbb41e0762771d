"""Classifies pictures with a trained network.

python scripts/predict.py --run=FOLDER [--out=predictions.csv] PICTURE_OR_FOLDER ...
python scripts/predict.py --checkpoint=FILE --dataset=cifar10 [--arch= --filters= --repeat= --scales=] PICTURE ...

Writes a row for each picture: path, class, probability, second_class, second_probability, entropy (in nats), error;
with --probabilities also p_<class> of each class. Pictures become images as those of the run's dataset did. The
network has its averaged weights. --checkpoint takes a file of the original code, too. A picture that cannot be read
has a row with the error, and the exit code is 2. `--out=-` writes to standard output.
"""

import contextlib
import csv
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.utils import InputError, progress, run_main, written_whole

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
COLUMNS = ('path', 'class', 'probability', 'second_class', 'second_probability', 'entropy', 'error')
NETWORK = ('arch', 'filters', 'repeat', 'scales')
flags.DEFINE_string('run', '', 'Run folder (its newest checkpoint), or a checkpoint in one.')
flags.DEFINE_string('checkpoint', '', 'Checkpoint that is in no run folder, in place of --run.')
flags.DEFINE_string('dataset', '', 'With --checkpoint: name of the dataset that it was trained on, such as cifar10.')
flags.DEFINE_string('arch', 'resnet', 'With --checkpoint: its network.')
flags.DEFINE_integer('filters', 32, 'With --checkpoint: filters of the first scale.', lower_bound=1)
flags.DEFINE_integer('repeat', 4, 'With --checkpoint: residual blocks in a scale.', lower_bound=1)
flags.DEFINE_integer('scales', 0, 'With --checkpoint: scales; 0 means ceil(log2(width)) - 2.', lower_bound=0)
flags.DEFINE_string('data_dir', '', 'Folder of the datasets; unless given, that of the run.')
flags.DEFINE_string('out', 'predictions.csv', 'File to write, or - for standard output.')
flags.DEFINE_enum('format', 'csv', ['csv', 'jsonl'], 'A CSV file, or a JSON object a line.')
flags.DEFINE_bool('probabilities', False, 'Write the probability of each class, too.')


def opened():
    """The train.Model and the checkpoint that the flags name."""
    if bool(FLAGS.run) == bool(FLAGS.checkpoint) or bool(FLAGS.checkpoint) != bool(FLAGS.dataset):
        raise InputError('give --run=FOLDER, or --checkpoint=FILE and --dataset=NAME')
    if FLAGS.run:
        from libml import open_run  # Late: --help answers without TensorFlow.

        return open_run.open_run(FLAGS.run, FLAGS.data_dir)
    from libml.methods import classifier
    from libml.training import checkpoint

    path = checkpoint.find(FLAGS.checkpoint)
    dataset = classifier.described(FLAGS.dataset, FLAGS.data_dir)
    return classifier.Classifier('', dataset, **{name: FLAGS[name].value for name in NETWORK}), path


def predictions(model, checkpoint, paths):
    """Yields (path, error or '', probabilities float32 [C] or None) of each picture."""
    from libml.pictures import batches
    from libml.training import evaluate

    dataset = model.dataset
    if not dataset.stored:
        raise InputError(f'{dataset.name} does not say how pictures become its images')
    if 'classify_op' not in model.ops:
        raise InputError(f'{checkpoint} is of a network that does not classify: give a run that does')
    with model.session(checkpoint) as session, progress(total=len(paths), unit='img', desc='Predicting') as bar:
        for chunk, bad, images in batches.batches(paths, dataset.stored, evaluate.BATCH):
            found = iter(evaluate.predict(session, model.ops.classify_op, model.ops.x, dataset.adaptation(images)))
            for path in chunk:
                yield path, bad.get(path, ''), None if path in bad else next(found)
            bar.update(len(chunk))


def row_of(path, error, p, names):
    """dict of COLUMNS, and with --probabilities of the classes; what is not known of a bad picture is None."""
    row = dict.fromkeys(COLUMNS, None) | dict(path=path, error=error or None)
    if p is not None:
        first, second = np.argsort(-p, kind='stable')[:2]
        entropy = float(-np.sum(p * np.log(np.maximum(p, np.finfo(p.dtype).tiny)), dtype=np.float64))
        row |= {'class': names[first], 'probability': _number(p[first]), 'second_class': names[second],
                'second_probability': _number(p[second]), 'entropy': max(entropy, 0.)}
    if FLAGS.probabilities:
        row |= {f'p_{name}': None if p is None else _number(value)
                for name, value in zip(names, [None] * len(names) if p is None else p)}
    return row


def _number(value):
    """A float32 as the float of fewest digits that is read as it."""
    return float(str(value))


def writer(f):
    """A function that writes a dict to the open file, in the format of the flags."""
    if FLAGS.format == 'jsonl':
        return lambda row: print(json.dumps(row, ensure_ascii=False), file=f)
    lines = csv.writer(f, lineterminator='\n')
    header = []

    def write(row):
        if not header:
            header.extend(row)
            lines.writerow(header)
        lines.writerow(['' if value is None else value for value in row.values()])

    return write


def main(argv):
    from libml.pictures import batches

    paths = batches.listed(argv[1:])
    model, checkpoint = opened()
    to_stdout, bad = FLAGS.out == '-', 0
    with contextlib.nullcontext(sys.stdout) if to_stdout else written_whole(FLAGS.out) as f:
        write = writer(f)
        for path, error, p in predictions(model, checkpoint, paths):
            bad += bool(error)
            write(row_of(path, error, p, model.dataset.class_names))
    print(f'{FLAGS.out}: {len(paths) - bad} pictures classified, {bad} that cannot be read',
          file=sys.stderr if to_stdout else sys.stdout)
    return 2 if bad else None


if __name__ == '__main__':
    run_main(main)
