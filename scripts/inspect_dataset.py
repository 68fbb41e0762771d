"""Prints size, image shape and labels of each subset of a dataset.

python scripts/inspect_dataset.py --dataset=svhn.1@250-5000
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.utils import no_arguments, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
SUBSETS = 'labeled', 'unlabeled', 'valid', 'test'


def report(name, labels, shape, nclass):
    """Lines on one subset: number of images and their shape, least and largest label, classes in % of the largest."""
    lines = [f'{name}: {len(labels)} images of {shape}']
    if len(labels):
        counts = np.bincount(labels, minlength=nclass)
        lines.append(f'  labels {labels.min()}..{labels.max()} of 0..{nclass - 1}')
        lines.append('  classes in % of the largest: ' + ' '.join(f'{100 * n / counts.max():.1f}' for n in counts))
    return lines


def main(argv):
    """Prints the report of every subset."""
    no_arguments(argv)
    from libml import data_pair  # Late: --help answers without TensorFlow.

    dataset = data_pair.stored(FLAGS.dataset, FLAGS.data_dir)
    shape = f'{dataset.height}x{dataset.width}x{dataset.colors}' if dataset.stored.height else 'sizes of their own'
    for name in SUBSETS:
        print('\n'.join(report(name, getattr(dataset, name).labels, shape, dataset.nclass)))


if __name__ == '__main__':
    flags.DEFINE_string('dataset', 'cifar10.1@4000-5000', 'Dataset: <name>.<seed>@<labels>-<valid>.')
    flags.DEFINE_string('data_dir', '', 'Data folder; without it $ML_DATA, else ./data.')
    run_main(main)
