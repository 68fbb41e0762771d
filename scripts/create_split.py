"""Draws splits, such as SSL/cifar10.3@250-map.json in the data folder.

python scripts/create_split.py --seed=3 --size=250 cifar10
python scripts/create_split.py --seed=1 --size=128116 --names=128116.1.txt imagenet

Training draws a missing split by itself; this is for making one beforehand, for looking at it, or for one whose
labelled pictures are given by their names.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.datasets.descriptions import resolve_data_dir
from libml.utils import InputError, run_main

from absl import flags

FLAGS = flags.FLAGS


def main(argv):
    """Writes the split files of each dataset; one that differs from what is there is refused."""
    if len(argv) < 2:
        raise InputError('name a dataset, as in `python scripts/create_split.py --seed=3 --size=250 cifar10`')
    from libml.datasets import prepare, split_names, splits  # Late: --help answers without TensorFlow.

    data_dir = resolve_data_dir(FLAGS.data_dir)
    for name in argv[1:]:
        prepare.ensure(name, data_dir)
        label = split_names.positions(data_dir, name, FLAGS.names) if FLAGS.names else None
        if label is not None and len(label) != FLAGS.size:
            raise InputError(f'--size={FLAGS.size}: {FLAGS.names} has {len(label)} names')
        ssl2 = FLAGS.ssl2 or bool(FLAGS.names)
        for path, written in splits.create_split(data_dir, name, FLAGS.seed, FLAGS.size, ssl2, label):
            print(f'wrote {path}' if written else f'{path} is there already, the same')


if __name__ == '__main__':
    flags.DEFINE_string('data_dir', None, 'Data folder; without it $ML_DATA, else ./data.')
    flags.DEFINE_integer('seed', 0, 'Seed of the draw; 0 takes the images of each class in order.')
    flags.DEFINE_integer('size', None, 'Number of labelled images.', required=True)
    flags.DEFINE_bool('ssl2', False, 'Write the files of FixMatch code (SSL2/), not those of MixMatch code (SSL/).')
    flags.DEFINE_string('names', None, 'Text file with the names of the labelled pictures, one a line (of FixMatch on '
                        'ImageNet: name,shard,place): they are the split of this seed and size in SSL2/.')
    run_main(main)
