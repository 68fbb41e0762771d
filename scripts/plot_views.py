"""Draws the views of training images that a run compares, side by side, each image in a row of its own.

python scripts/plot_views.py --run=experiments/cifar10-500/Consistency_<...>_stagestudent_<...> --out=views.png

For a student of consistency.py: clean and noisy views of one crop; for FixMatch and its relatives: weak and strong
views; for MixMatch: the views of the guess; for a pretraining of simclr.py: the pairs. They are those of the next batch
of the run.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.training import figures
from libml.utils import InputError, no_arguments, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
COLUMNS = 4  # images in a line, each with its views


def next_views(model, path):
    """float32 [n, views, h, w, c] in [-1, 1]: what the batch after a checkpoint of a model holds.

    Raises:
        InputError: the model does not compare views.
    """
    stacked = [op for op in (model.ops.get('xt'), model.ops.get('y')) if op is not None and op.shape.rank == 5]
    if not stacked or stacked[0].shape[1] == 1:
        raise InputError(f'{model.folder.path} compares no views of an image: give a run that does, such as one of a '
                         'student of consistency.py or of fixmatch.py')
    with model.session(path) as session:
        model.streams.start(session, session.run(model.batch_number()))
        return session.run(stacked[0])


def sheet(views):
    """Figure of views [n, views, h, w, c]; COLUMNS images in a line."""
    views = np.clip((views + 1) / 2, 0, 1)
    n, k = views.shape[:2]
    figure = figures.new_figure(0.8 * k * COLUMNS, 0.8 * -(-n // COLUMNS))
    axes = figure.subplots(-(-n // COLUMNS), k * COLUMNS, squeeze=False).reshape(-1, k)
    for row in axes.ravel():
        row.axis('off')
    for image, row in zip(views, axes):
        for view, place in zip(image, row):
            place.imshow(view.squeeze(), cmap='gray', vmin=0, vmax=1)
    return figure


def main(argv):
    no_arguments(argv)
    if FLAGS.images < 1:
        raise InputError(f'--images={FLAGS.images}: give at least 1')
    from libml import open_run  # Late: --help answers without TensorFlow.

    views = next_views(*open_run.open_run(FLAGS.run, FLAGS.data_dir))
    figures.save(sheet(views[:FLAGS.images]), FLAGS.out)
    print(FLAGS.out)


if __name__ == '__main__':
    flags.DEFINE_string('run', None, 'Run folder.', required=True)
    flags.DEFINE_string('out', 'views.png', 'Picture to write.')
    flags.DEFINE_integer('images', 32, 'Images to draw, at most a batch.')
    flags.DEFINE_string('data_dir', '', 'Data folder; unless given, the one that the run was trained with.')
    run_main(main)
