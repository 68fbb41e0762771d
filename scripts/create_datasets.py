"""Downloads the published datasets and writes them as records.

python scripts/create_datasets.py [--data_dir=DIR] [--archives=DIR] [name ...]

Without a name it makes all that can be downloaded. What is complete is skipped. With --archives=DIR nothing is
downloaded: the archives are taken from DIR, or from DIR/<name> (mnist and fashion_mnist have the same file names).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.datasets import download
from libml.datasets.descriptions import DATASET_INFO, resolve_data_dir, stored_as
from libml.utils import InputError, run_main

from absl import flags

FLAGS = flags.FLAGS


def main(argv):
    """Makes each dataset; one that cannot be made is reported and does not keep the others from being made."""
    from libml.datasets import prepare  # Late: --help answers without TensorFlow.

    names = argv[1:] or [name for name in DATASET_INFO
                         if stored_as(name, 'test') == name and name not in download.BY_HAND]
    data_dir = resolve_data_dir(FLAGS.data_dir)
    failed = False
    for name in names:
        try:
            if not prepare.create(name, data_dir, FLAGS.archives):
                print(f'{name}: complete in {data_dir}, skipped')
        except InputError as error:
            print(f'error: {error}', file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == '__main__':
    flags.DEFINE_string('data_dir', None, 'Data folder; without it $ML_DATA, else ./data.')
    flags.DEFINE_string('archives', None, 'Folder with the published archives, in place of downloading them.')
    run_main(main)
