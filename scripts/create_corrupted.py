"""Corrupts a test set as CIFAR-10 was for CIFAR-10-C: 19 corruptions, five severities each, in the published layout.

python scripts/create_corrupted.py --dataset=cifar10 --out=data/cifar10-c --sheet=sheet.png    # 4 minutes, 2.9 GB

Small or grey images are enlarged to 32x32 colour first. Arrays that are there already are kept, so that a command that
was stopped is resumed.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.corruptions import arrays
from libml.corruptions.arrays import SEVERITIES
from libml.datasets import descriptions
from libml.files import read_json, written_whole
from libml.training import figures
from libml.utils import InputError, no_arguments, progress, require, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
FROST = 'frost is made by formula, not cut out of photographs: compare its numbers with each other only'


def test_images(name, data_dir):
    """The test images of a dataset, uint8 [n, 32, 32, 3], and their labels, int32 [n]."""
    from libml.data_pair import adaptation  # Late: --help answers without TensorFlow.
    from libml.datasets import prepare, subsets
    from libml.images import enlarge

    data_dir = descriptions.resolve_data_dir(data_dir)
    prepare.ensure(name, data_dir)
    info = descriptions.read_description(data_dir, name)
    if not info.height:
        raise InputError(f'--dataset={name}: its pictures have sizes of their own, and corrupted images are made of '
                         'images of one size of up to 32x32')
    images, labels, _ = subsets.read(data_dir, info, ['test'], on_disk=False, adaptation=adaptation(info))
    return enlarge.to_32_color(images), labels


def claim(folder, labels, made_of):
    """Writes the labels and the dict `made_of`, unless the folder holds them; InputError if it holds other ones."""
    path = os.path.join(folder, 'made_of.json')
    if os.path.exists(path):
        known = read_json(path)
        if known != made_of:
            raise InputError(f'{folder} holds images of {known}, not of {made_of}: give another --out')
    elif os.path.exists(arrays.array_path(folder, arrays.LABELS)):
        raise InputError(f'{folder} holds corrupted images of another origin: give another --out')
    with written_whole(path) as f:
        json.dump(made_of, f, indent=2)
    arrays.write_labels(folder, labels)


def is_whole(folder, name, n):
    """Whether the array of a corruption is there; says so if it is damaged."""
    if not os.path.exists(arrays.array_path(folder, name)):
        return False
    try:
        arrays.read(folder, name, n)
    except InputError as error:
        print(f'{error}: it is made again', flush=True)
        return False
    return True


def create(folder, names, images, seed):
    """Writes the arrays of corruptions that are not there."""
    from libml.corruptions import table as corruptions  # Late: it needs scipy and Pillow.

    missing = [name for name in names if not is_whole(folder, name, len(images))]
    with progress(total=len(missing) * len(SEVERITIES) * len(images), unit='img', unit_scale=True) as bar:
        for name in missing:
            bar.set_description(name)
            out = np.empty([len(SEVERITIES), *images.shape], np.uint8)
            for severity in SEVERITIES:
                out[severity - 1] = corruptions.apply(name, images, severity, seed)
                bar.update(len(images))
            arrays.write(folder, name, out)
    kept = [name for name in names if name not in missing]
    print(f'{folder}: made {len(missing)} corruptions of {len(images)} images, kept {len(kept)}')
    if 'frost' in missing:
        print(FROST)


def contact_sheet(path, folder, names, images):
    """Draws the first image: a row for each corruption, columns for clean and severity 1 to 5."""
    columns = 'clean', *(f'severity {severity}' for severity in SEVERITIES)
    figure = figures.new_figure(1.1 * len(columns) + 1.4, 1.1 * len(names) + 0.3)
    for name, row in zip(names, figure.subplots(len(names), len(columns), squeeze=False)):
        shown = [images[0], *arrays.read(folder, name, len(images))[:, 0]]
        for axes, title, image in zip(row, columns, shown):
            axes.imshow(image)
            axes.set_xticks([])
            axes.set_yticks([])
            if name == names[0]:
                axes.set_title(title, fontsize=9)
        row[0].set_ylabel(name, rotation=0, ha='right', va='center', fontsize=9)
    figures.save(figure, path, dpi=100)
    print(path)


def main(argv):
    no_arguments(argv)
    require('corruptions need', 'scipy', 'PIL', *['matplotlib'] * bool(FLAGS.sheet))
    names = FLAGS.corruptions.split(',') if FLAGS.corruptions else list(arrays.NAMES)
    arrays.check_names(names)
    images, labels = test_images(FLAGS.dataset, FLAGS.data_dir)
    claim(FLAGS.out, labels, dict(dataset=FLAGS.dataset, seed=FLAGS.seed))
    create(FLAGS.out, names, images, FLAGS.seed)
    if FLAGS.sheet:
        contact_sheet(FLAGS.sheet, FLAGS.out, names, images)


if __name__ == '__main__':
    flags.DEFINE_string('dataset', None, 'Name of a dataset, without seed and sizes: cifar10, mnist, digits ...',
                        required=True)
    flags.DEFINE_string('out', None, 'Folder to write to.', required=True)
    flags.DEFINE_integer('seed', 1, 'Seed of every random draw.')
    flags.DEFINE_string('corruptions', '', 'Comma-separated corruptions; all 19 if not given.')
    flags.DEFINE_string('sheet', '', 'Picture of the first image under every corruption to write, a .png.')
    flags.DEFINE_string('data_dir', '', 'Data folder; without it $ML_DATA, else ./data.')
    run_main(main)
