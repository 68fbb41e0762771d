"""Writes the network of a run as a SavedModel, which needs TensorFlow alone and no file of this library.

python scripts/export_model.py --run=FOLDER --out=DIR [--format=tflite] [PICTURE_OR_FOLDER ...]

The model holds the averaged weights and the names of the classes. f = tf.saved_model.load(DIR).signatures[NAME]:

    serving_default   f(images=float32 [n, h, w, c]) with values 0 to 255, of the size that the network takes
    uint8             f(images=uint8 [n, h, w, c])
    encoded           f(encoded=strings [n]), contents of JPEG and PNG files of any size, read as the dataset's were

Each gives `probabilities` float32 [n, C], `class` int64 [n] and `name` strings [n]. The script loads what it wrote in
another process, without this library, and compares it with the run on JPEG and PNG files that are named, else on test
images. A byte of a CMYK picture may differ by one from the library's; EXIF data turn JPEGs, but no PNGs.
--format=tflite also writes DIR.tflite, with serving_default alone.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.files import folder_written_whole, in_unicode, written_whole
from libml.utils import InputError, require, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
PICTURES = 64  # that are compared
TOLERANCE = 1e-6
ENDINGS = ('.jpg', '.jpeg', '.png')  # of pictures that are compared
# Of another process: what each signature gives.
LOADER = '''
import sys
sys.modules['libml'] = None
import numpy as np
import tensorflow as tf
model, found = tf.saved_model.load(sys.argv[1]), {}
with np.load(sys.argv[2]) as given:
    for name, values in given.items():
        function = model.signatures[name]
        argument, = function.structured_input_signature[1]
        for key, value in function(**{argument: tf.constant(values)}).items():
            found[name + '/' + key] = value.numpy().astype('S') if value.dtype == tf.string else value.numpy()
np.savez(sys.argv[3], **found)
'''


def pictures(arguments, dataset):
    """list of the contents of JPEG and PNG files: pictures that arguments name, or else test images of the dataset.

    Raises:
        InputError: there is none.
    """
    from libml.datasets import index  # Late: --help answers without TensorFlow.
    from libml.pictures import batches

    if not arguments:
        found = getattr(dataset.test.pixels, 'contents', None)
        found = found if isinstance(found, index.Index) else index.of_records(dataset.test.files)
        return found.read(dataset.test.positions[:PICTURES])
    paths = [path for path in batches.listed(arguments) if path.lower().endswith(ENDINGS)]
    if not paths:
        raise InputError(f'{arguments[0]} and what follows: no JPEG or PNG file ({" ".join(ENDINGS)}) to compare on')
    try:  # Evenly from all of them: a folder has a class after the other.
        return [Path(path).read_bytes() for path in paths[::-(-len(paths) // PICTURES)]]
    except OSError as error:
        raise InputError(f'cannot read {error.filename}: {error.strerror}') from error


def loaded(folder, arrays):
    """What a SavedModel says of dict signature -> array, in a process without libml: dict signature/output -> array."""
    with tempfile.TemporaryDirectory() as place:
        given, found = (os.path.join(place, name) for name in ('given.npz', 'found.npz'))
        np.savez(given, **arrays)
        done = subprocess.run([sys.executable, '-I', '-c', LOADER, os.path.abspath(folder), given, found], cwd=place,
                              capture_output=True, text=True)
        if done.returncode:
            raise InputError(f'the model cannot be used by itself: {(done.stderr.splitlines() or ["no reason"])[-1]}')
        with np.load(found) as arrays:
            return dict(arrays)


def largest_difference(found, p, names):
    """The largest difference of probabilities from p [n, C], of what `loaded` found.

    Raises:
        InputError: it is larger than TOLERANCE, or a class or its name is not the one of the largest probability.
    """
    differences = {}
    for signature in sorted({key.partition('/')[0] for key in found}):
        own, number, name = (found[f'{signature}/{key}'] for key in ('probabilities', 'class', 'name'))
        differences[signature] = float(np.abs(own - p).max())
        if not differences[signature] <= TOLERANCE:
            raise InputError(f'signature {signature} differs from the run by {differences[signature]:.2g}: nothing was '
                             'written')
        taken = own.argmax(1)
        if number.tolist() != taken.tolist() or [text.decode() for text in name] != [names[k] for k in taken]:
            raise InputError(f'signature {signature} names other classes than the run: nothing was written')
    return max(differences.values())


def check(model, session, folder, contents):
    """As largest_difference, of the SavedModel in a folder from a train.Model in its session, on encoded pictures."""
    from libml.datasets import on_demand
    from libml.pictures.batches import image_of
    from libml.pictures.reading import Unreadable
    from libml.training import evaluate

    with on_demand.as_tested(model.dataset) as made:
        try:
            images = np.stack([made(image_of(content, model.dataset.stored)) for content in contents])
        except Unreadable as error:
            raise InputError(f'a picture to compare on: {error}') from error
    p = evaluate.predict(session, model.ops.classify_op, model.ops.x, images)
    found = loaded(folder, dict(serving_default=images.astype(np.float32), uint8=images, encoded=np.array(contents)))
    return largest_difference(found, p, model.dataset.class_names)


def write_tflite(folder, path):
    """Writes the TensorFlow Lite model of a SavedModel and prints where; where there is no converter it prints that."""
    from libml.training import saved_model

    try:
        content = saved_model.to_tflite(folder)
    except ImportError as error:
        print(f'no {path}: {error}')
        return
    with written_whole(path, 'wb') as f:
        f.write(content)
    print(f'{path}: {len(content) / 1e6:.1f} MB')


def main(argv):
    require('pictures need', 'PIL')
    from libml import open_run
    from libml.training import saved_model

    out = in_unicode(os.path.normpath(FLAGS.out))
    if FLAGS.format == 'tflite' and os.path.exists(f'{out}.tflite') and not FLAGS.overwrite:
        raise InputError(f'{out}.tflite is there already: give another --out, or --overwrite')
    with folder_written_whole(out, saved_model.FILE if FLAGS.overwrite else None) as folder:
        model, checkpoint = open_run.open_run(FLAGS.run, FLAGS.data_dir)
        data = model.dataset
        data.check_stored()
        contents = pictures(argv[1:], data)
        with model.session(checkpoint) as session:
            saved_model.write(model, session, folder)
            difference = check(model, session, folder, contents)
    shape = f'{data.height}x{data.width}x{data.colors}'
    print(f'{out}: {checkpoint} as a SavedModel for images of {shape}, and for JPEG and PNG files of any size; '
          f'{data.nclass} classes')
    print(f'Loaded without this library, its probabilities of {len(contents)} pictures differ by {difference:.2g} at '
          'most from those of the run')
    if FLAGS.format == 'tflite':
        write_tflite(out, f'{out}.tflite')


if __name__ == '__main__':
    flags.DEFINE_string('run', None, 'Run folder (its newest checkpoint), or a checkpoint in one.', required=True)
    flags.DEFINE_string('out', None, 'Folder to write; it must be empty or not there.', required=True)
    flags.DEFINE_enum('format', 'saved_model', ['saved_model', 'tflite'], 'tflite also writes <out>.tflite.')
    flags.DEFINE_bool('overwrite', False, 'Replace another SavedModel in --out.')
    flags.DEFINE_string('data_dir', '', 'Folder of the datasets; unless given, that of the run.')
    run_main(main)
