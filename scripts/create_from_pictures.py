"""Makes a dataset of your own pictures, which every script takes: --dataset=pets.1@40-100.

python scripts/create_from_pictures.py --name=pets --train=DIR [--unlabeled=DIR] [--test=DIR]
python scripts/create_from_pictures.py --name=pets --csv=FILE [--train=DIR] [--unlabeled=DIR] [--test=DIR]
python scripts/create_from_pictures.py --name=pets --npz=FILE
python scripts/create_from_pictures.py --name=pets --tfds=NAME

A folder to train or test on has one folder for each class. A CSV file has lines `path,label`, with an empty label for
an unlabelled picture, and paths relative to the file or to --train. An .npz file has `x`, uint8 [n, h, w(, c)], and
`y`, integers [n], -1 for unlabelled. A set of TensorFlow Datasets must be prepared on disk, in $TFDS_DATA_DIR or where
they lie without it. JPEG, PNG, BMP, GIF, WebP and TIFF of any size are read. --dataset=pets.1@all-100 then trains with
all labels but 100, which are for validation.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.datasets import descriptions
from libml.pictures import sources
from libml.utils import InputError, run_main

from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string('name', None, 'Name of the dataset: a letter, then letters, digits and underscores.',
                    required=True)
flags.DEFINE_string('train', '', 'Folder to train on, with one folder for each class.')
flags.DEFINE_string('unlabeled', '', 'Folder of pictures without labels.')
flags.DEFINE_string('test', '', 'Folder to test on, with one folder for each class.')
flags.DEFINE_string('csv', '', 'File with lines `path,label`, in place of folders of classes.')
flags.DEFINE_string('npz', '', 'File with arrays x and y, in place of pictures.')
flags.DEFINE_string('tfds', '', 'Name of a set of TensorFlow Datasets that is prepared on disk.')
flags.DEFINE_integer('size', 32, 'Height and width that pictures get, 8 to 256.')
flags.DEFINE_enum('fit', 'crop', descriptions.FITS, 'How they get it: from the middle of the picture, or from all '
                  'of it with black around, or without keeping its aspect.')
flags.DEFINE_integer('colors', 3, '3, or 1 for grey.')
flags.DEFINE_float('test_share', 0.2, 'Without --test, share of the labelled pictures of each class to test on.')
flags.DEFINE_integer('seed', 1, 'Seed of their draw.')
flags.DEFINE_bool('mirror', True, 'Whether a mirrored picture is of the same class: with --nomirror, training does '
                  'not mirror any.')
flags.DEFINE_bool('skip_bad', False, 'Leave out pictures that cannot be read.')
flags.DEFINE_bool('drop_duplicates', False, 'Leave out training pictures that are also test pictures.')
flags.DEFINE_bool('overwrite', False, 'Replace another dataset of this name, and remove its splits.')
flags.DEFINE_string('data_dir', '', 'Data folder; without it $ML_DATA, else ./data.')


def sources_of(train, unlabeled, test, csv, npz, tfds):
    """dict train, test, unlabeled -> sources.Part of the script's flags."""
    given = [f'--{name}' for name, value in dict(csv=csv, npz=npz, tfds=tfds).items() if value]
    if len(given) > 1 or not given and not train or train and (npz or tfds):
        raise InputError('give one of --train=FOLDER, --csv=FILE (--train may be what its paths are relative to), '
                         '--npz=FILE and --tfds=NAME')
    known, others = (), [folder for folder in (train, unlabeled, test) if folder]
    if csv:
        part, known = sources.table(csv, train)
        found = {'train': part}
    elif npz:
        found = {'train': sources.arrays(npz)}
    elif tfds:
        found = sources.prepared(tfds)
    else:
        found = {'train': sources.class_folders(train, others)}
    if test:
        found['test'] = sources.class_folders(test, others)
    if unlabeled:
        found['unlabeled'] = sources.unlabeled_folder(unlabeled, others, known)
    return found


def main(argv):
    if len(argv) > 1:
        raise InputError(f'unexpected argument {argv[1]!r}: flags are written --name=value')
    try:
        from libml.datasets import from_pictures  # Late: --help answers without TensorFlow.
    except ImportError as error:
        raise InputError('pictures need Pillow: pip install pillow') from error
    found = sources_of(FLAGS.train, FLAGS.unlabeled, FLAGS.test, FLAGS.csv, FLAGS.npz, FLAGS.tfds)
    settings = from_pictures.Settings(FLAGS.size, FLAGS.fit, FLAGS.colors, FLAGS.test_share, FLAGS.seed, FLAGS.mirror,
                                      FLAGS.skip_bad, FLAGS.drop_duplicates)
    from_pictures.create(FLAGS.name, descriptions.resolve_data_dir(FLAGS.data_dir), found, settings, FLAGS.overwrite)


if __name__ == '__main__':
    run_main(main)
