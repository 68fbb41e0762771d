"""Counts the images that subsets of a dataset share: python scripts/check_split.py --dataset=cifar10.3@250-5000

Off the diagonal of the matrix there should be little: doubles in the published data. On it are the different images
of each subset. Pictures that have sizes of their own are compared as files.
"""

import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.utils import no_arguments, run_main

from absl import flags

FLAGS = flags.FLAGS
CHUNK = 256  # images in memory beside those that are
SUBSETS = 'labeled', 'unlabeled', 'valid', 'test'


def contents(subset):
    """Yields the bytes of the pixels of each image of a Subset, or of its file where images have sizes of their own."""
    for start in range(0, len(subset), CHUNK):
        positions = subset.positions[start:start + CHUNK]
        if subset.in_memory or subset.pixels.stored[0]:
            yield from (image.tobytes() for image in subset.pixels[positions])
        else:
            yield from subset.pixels.contents.read(positions)


def overlaps(subsets):
    """Matrix (list of lists) of how many different images each pair of subsets shares, by SHA-512 of their bytes."""
    digests = [{hashlib.sha512(content).digest() for content in contents(subset)} for subset in subsets]
    return [[len(a & b) for b in digests] for a in digests]


def main(argv):
    """Prints the matrix of overlaps."""
    no_arguments(argv)
    from libml import data_pair  # Late: --help answers without TensorFlow.

    dataset = data_pair.stored(FLAGS.dataset, FLAGS.data_dir)
    print(' ' * 10 + ''.join(f'{name:>10}' for name in SUBSETS))
    for name, row in zip(SUBSETS, overlaps([getattr(dataset, name) for name in SUBSETS])):
        print(f'{name:>10}' + ''.join(f'{count:10}' for count in row))


if __name__ == '__main__':
    flags.DEFINE_string('dataset', 'cifar10.1@4000-5000', 'Dataset: <name>.<seed>@<labels>-<valid>.')
    flags.DEFINE_string('data_dir', '', 'Data folder; without it $ML_DATA, else ./data.')
    run_main(main)
