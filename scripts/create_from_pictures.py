"""Makes a dataset of your own pictures, which every script takes: --dataset=pets.1@40-100.

python scripts/create_from_pictures.py --name=pets --train=DIR [--unlabeled=DIR] [--test=DIR]
python scripts/create_from_pictures.py --name=pets --csv=FILE [--train=DIR] [--unlabeled=DIR] [--test_csv=FILE]
python scripts/create_from_pictures.py --name=pets --npz=FILE
python scripts/create_from_pictures.py --name=pets --tfds=NAME

A folder to train or test on has one folder for each class. A CSV file has lines `path,label` (or `path label`), with an
empty label for an unlabelled picture, and paths relative to the file or to --train. An .npz file has `x`, uint8 [n, h,
w(, c)], and `y`, integers [n], -1 for unlabelled. A set of TensorFlow Datasets must be prepared on disk, in
$TFDS_DATA_DIR or where they lie without it. JPEG, PNG, BMP, GIF, WebP and TIFF of any size are read.
--dataset=pets.1@all-100 then trains with all labels but 100, which are for validation. With --size=0 pictures keep
their sizes, JPEG files byte for byte, and training takes random parts of them: --dataset=pets.1@all-100 --size=64.

Datasets of one --family are domains with the same classes: --source=no_<name> is all others of the family of <name>.
"""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.datasets import descriptions
from libml.pictures import sources
from libml.utils import InputError, no_arguments, require, run_main

from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string('name', None, 'Name of the dataset: a letter, then letters, digits and underscores.',
                    required=True)
flags.DEFINE_string('train', '', 'Folder to train on, with one folder for each class.')
flags.DEFINE_string('unlabeled', '', 'Folder of pictures without labels.')
flags.DEFINE_string('test', '', 'Folder to test on, with one folder for each class.')
flags.DEFINE_string('csv', '', 'File with lines `path,label`, in place of folders of classes.')
flags.DEFINE_string('test_csv', '', 'Such a file of the pictures to test on.')
flags.DEFINE_string('npz', '', 'File with arrays x and y, in place of pictures.')
flags.DEFINE_string('tfds', '', 'Name of a set of TensorFlow Datasets that is prepared on disk.')
flags.DEFINE_string('family', '', 'Name of what this dataset is a domain of, such as office31: all of a family have '
                    'the same classes.')
flags.DEFINE_string('classes_of', '', 'Dataset in the data folder whose classes are taken: some of them may then be '
                    'without pictures here.')
flags.DEFINE_integer('size', 32, 'Height and width that pictures get, 8 to 256; 0: they keep their own, and training '
                     'takes --size.')
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


def listed(csv, test_csv, folder):
    """dict train, test -> sources.Part of CSV files (test_csv may be ''), and the list of their pictures' files."""
    part, files = sources.table(csv, folder)
    if not test_csv:
        return {'train': part}, files
    test, more = sources.table(test_csv, folder)
    if None in test.labels:
        raise InputError(f'{test_csv} has no label for {test.paths[test.labels.index(None)]}, which is to test on')
    return {'train': part, 'test': test}, files + more


def sources_of(train, unlabeled, test, csv, test_csv, npz, tfds):
    """dict train, test, unlabeled -> sources.Part of the script's flags."""
    given = [f'--{name}' for name, value in dict(csv=csv, npz=npz, tfds=tfds).items() if value]
    if len(given) > 1 or not given and not train or train and (npz or tfds):
        raise InputError('give one of --train=FOLDER, --csv=FILE (--train may be what its paths are relative to), '
                         '--npz=FILE and --tfds=NAME')
    if test_csv and (test or not csv):
        raise InputError(f'--test_csv={test_csv}: it goes with --csv=FILE, and without --test')
    known, others = (), [folder for folder in (train, unlabeled, test) if folder]
    if csv:
        found, known = listed(csv, test_csv, train)
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
    no_arguments(argv)
    require('pictures need', 'PIL', *sources.TFDS * bool(FLAGS.tfds))
    from libml.datasets import from_pictures  # Late: --help answers without TensorFlow.

    if FLAGS['fit'].present and not FLAGS.size:
        raise InputError(f'--fit={FLAGS.fit} --size=0: pictures that keep their own sizes are not fitted to one; give '
                         'one of both')
    found = sources_of(FLAGS.train, FLAGS.unlabeled, FLAGS.test, FLAGS.csv, FLAGS.test_csv, FLAGS.npz, FLAGS.tfds)
    settings = from_pictures.Settings(*(FLAGS[f.name].value for f in dataclasses.fields(from_pictures.Settings)))
    from_pictures.create(FLAGS.name, descriptions.resolve_data_dir(FLAGS.data_dir), found, settings, FLAGS.overwrite)


if __name__ == '__main__':
    run_main(main)
