"""Where pictures come from: folders, CSV files, arrays, sets of TensorFlow Datasets.

A file whose ending is none of ENDINGS is no picture, and what is hidden (`.DS_Store` ...) is passed over.
"""

import collections
import csv
import dataclasses
import io
import os
import sys
import unicodedata
import zipfile
from collections.abc import Callable

from libml.utils import InputError, one_line

import numpy as np
from absl import logging

ENDINGS = ('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.gif', '.webp', '.tif', '.tiff')
# Of TensorFlow Datasets: the splits without labels, and those to test on, of which the first with labels is taken.
UNLABELED_SPLITS = 'unlabelled', 'unlabeled', 'unsupervised'
TEST_SPLITS = 'test', 'validation'
# Modules that it needs; it does not bring the second.
TFDS = 'tensorflow_datasets', 'importlib_resources'


@dataclasses.dataclass
class Part:
    """Pictures of one source, in an order that does not depend on the file system.

    Attributes:
        paths: list of what names a picture, such as its path below the source's folder.
        labels: list of the names of their classes, None for an unlabelled one.
        load: function (ascending positions) -> iterator of their contents: paths, bytes of files or arrays.
        passed: ending -> number of files that were passed over.
    """
    paths: list
    labels: list
    load: Callable
    passed: collections.Counter = dataclasses.field(default_factory=collections.Counter)


def class_folders(folder, others=()):
    """The Part of a folder with one folder for each class, with pictures at any depth below it.

    Args:
        folder: path.
        others: folders that do not belong to it, also if they lie in it.
    Raises:
        InputError: it is no folder, cannot be read, holds no picture, or one that is in no folder of a class.
    """
    part = unlabeled_folder(folder, others)
    bare = [path for path in part.paths if '/' not in path]
    if bare:
        raise InputError(f'{folder} must have one folder for each class, but {len(bare)} of its pictures lie beside '
                         f'them, such as {bare[0]!r}')
    names = [path.partition('/')[0] for path in part.paths]
    elsewhere = set(map(os.path.realpath, others))
    for name in sorted(set(os.listdir(folder)).difference(names)):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not name.startswith('.') and os.path.realpath(path) not in elsewhere:
            print(f'warning: {path} has no pictures: it is no class', file=sys.stderr)
    part.labels = [class_name(name) for name in names]
    return part


def unlabeled_folder(folder, others=(), known=()):
    """The Part of all pictures in and below a folder, without labels.

    Args:
        folder, others: as for class_folders.
        known: real paths of files that do not belong to it.
    Raises:
        InputError: it is no folder, cannot be read, or holds no picture.
    """
    if not os.path.isdir(folder):
        raise InputError(f'{folder} is no folder')
    others, known = {os.path.realpath(other) for other in others}, set(known)
    paths, passed = [], collections.Counter()
    for place, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        reals = {name: os.path.realpath(os.path.join(place, name)) for name in folders}
        # A link to a folder above would lead here again.
        folders[:] = [name for name in folders if not name.startswith('.') and reals[name] not in others
                      and os.path.commonpath([real, reals[name]]) != reals[name]]
        for name in files:
            ending = os.path.splitext(name)[1].lower()
            if name.startswith('.') or ending not in ENDINGS:
                passed[ending or name] += 1
            elif not known or os.path.realpath(os.path.join(place, name)) not in known:
                paths.append(os.path.relpath(os.path.join(place, name), folder).replace(os.sep, '/'))
    if not paths:
        raise InputError(f'{folder} has no pictures ({" ".join(ENDINGS)}) in it')
    paths.sort()
    return Part(paths, [None] * len(paths), _loader([os.path.join(folder, path) for path in paths]), passed)


def _refuse(error):
    raise InputError(f'cannot read {error.filename}: {error.strerror}') from error


def _loader(contents):
    def load(positions):
        return (contents[i] for i in positions)

    return load


def class_name(text):
    """The name of a class as it is written down: accents composed, what is no Unicode replaced.

    Raises:
        InputError: it is more than one line, or nothing but spaces.
    """
    name = unicodedata.normalize('NFC', text.encode('utf-8', 'replace').decode()).strip()
    if text and not name or any(unicodedata.category(letter) in ('Cc', 'Zl', 'Zp') for letter in name):
        raise InputError(f'{text!r} is no name of a class: give one line of letters')
    return name


def table(path, folder=''):
    """The Part of a CSV file with columns `path` and `label`.

    The separator is `,`, `;`, tab or, as in published lists, a space. A first line that names both columns is a header,
    and other columns may then stand beside them; without it there are these two. A label may be empty. A line that says
    the same again is passed over.

    Args:
        path: of the file, UTF-8.
        folder: paths in it are relative to this folder or to the file's; '' for the file's alone.
    Returns:
        Part, list of the files of its pictures.
    Raises:
        InputError: it cannot be read, a line has too few or too many columns, a picture has two labels, there is none.
    """
    lines = _csv_lines(path, folder)
    labels, files = {}, {}
    for number, name, label in lines:
        file = _resolve(name, path, folder)
        key = os.path.realpath(file)
        try:
            label = class_name(label) or None
        except InputError as error:
            raise InputError(f'{path}, line {number}: {error}') from error
        if labels.setdefault(key, label) != label:
            raise InputError(f'{path}, line {number}: {name} has more than one label, {labels[key] or "none"} and '
                             f'{label or "none"}')
        files.setdefault(key, (name, file))
    if not files:
        raise InputError(f'{path} names no pictures')
    # By name: another order of the lines is the same input.
    ordered = sorted(files, key=lambda key: files[key])
    contents = [files[key][1] for key in ordered]
    return Part([files[key][0] for key in ordered], [labels[key] for key in ordered], _loader(contents)), contents


def _csv_lines(path, folder):
    """Yields (number of the line, path, label) of the lines of a CSV file below its header."""
    try:
        with open(path, encoding='utf-8-sig', newline='') as f:
            text = f.read()
        first = next((line for line in io.StringIO(text, newline='') if line.strip()), '')
        reader = csv.reader(io.StringIO(text, newline=''), delimiter=_delimiter(first, path, folder), strict=True)
        rows = [(reader.line_num, row) for row in reader if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f'cannot read {path}: {one_line(error)}') from error
    if '\0' in text:
        raise InputError(f'cannot read {path}: there is a null byte in it; it must be UTF-8')
    columns, count = (0, 1), 2
    if rows and _is_header(rows[0][1]):
        names = [name.strip().lower() for name in rows.pop(0)[1]]
        columns, count = (names.index('path'), names.index('label')), len(names)
    for number, row in rows:
        if len(row) != count:
            raise InputError(f'{path}, line {number}: there are {len(row)} columns, not {count} (path and label, '
                             'separated by a comma, a semicolon, a tab or a space)')
        name, label = (row[column].strip() for column in columns)
        if not name:
            raise InputError(f'{path}, line {number}: there is no path')
        yield number, name, label


def _is_header(row):
    return {'path', 'label'} <= {name.strip().lower() for name in row}


def _delimiter(line, path, folder):
    """The separator that makes of a line a header, or else the path of a file and its label."""
    rows = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in ',;\t '}
    for good in (_is_header, lambda row: len(row) == 2 and os.path.exists(_resolve(row[0].strip(), path, folder)),
                 lambda row: len(row) == 2):
        for delimiter, row in rows.items():
            if good(row):
                return delimiter
    return ','


def _resolve(name, path, folder):
    """Where a picture lies that a CSV file names: in `folder`, where one is given, or beside the file."""
    places = [os.path.join(place, name) for place in (*([folder] if folder else []), os.path.dirname(path))]
    return next((place for place in places if os.path.exists(place)), places[0])


def arrays(path):
    """The Part of an .npz file: `x` uint8 [n, h, w(, c)], c 1, 3 or 4, and `y` integers [n], -1 for unlabelled.

    Raises:
        InputError: it cannot be read or has not these arrays.
    """
    if not zipfile.is_zipfile(path):
        raise InputError(f'{path} is no .npz file')
    try:
        with np.load(path, allow_pickle=False) as content:
            x, y = content['x'], content['y']
    except KeyError as error:
        raise InputError(f'{path} has no array x or no array y') from error
    except Exception as error:  # NumPy and zipfile raise whatever they stumble over; no narrower class covers all.
        raise InputError(f'cannot read {path}: {one_line(error)}') from error
    if x.dtype != np.uint8 or x.ndim not in (3, 4) or x.shape[3:] not in ((), (1,), (3,), (4,)):
        raise InputError(f'{path}: x is {x.dtype} {list(x.shape)}, not uint8 [n, h, w] or [n, h, w, c], c 1, 3 or 4')
    y = y.reshape(-1)
    if y.dtype.kind not in 'iu' or len(y) != len(x) or (len(y) and y.min() < -1):
        raise InputError(f'{path}: y must be {len(x)} whole numbers from -1 (unlabelled)')
    if not x.size:
        raise InputError(f'{path} has no pictures')
    return Part([f'{i}' for i in range(len(x))], [None if label < 0 else str(label) for label in y], _loader(x))


def prepared(name):
    """The Parts of a set of TensorFlow Datasets that lies prepared on disk: dict train, test, unlabeled -> Part.

    Raises:
        InputError: tensorflow-datasets is missing, the set is not on disk or is no image classification.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise InputError('--tfds needs TensorFlow Datasets: pip install tensorflow-datasets '
                         'importlib_resources') from error
    logging.set_verbosity(logging.WARNING)  # It would tell of every split that it opens.
    try:
        builder = tfds.builder(name)
        features, splits = builder.info.features, set(builder.info.splits)
    except Exception as error:  # It raises its own classes, AssertionErrors among them.
        raise InputError(f'--tfds={name} is not on disk: {one_line(error)}') from error
    if 'train' not in splits:
        raise InputError(f'--tfds={name} is not prepared in {builder.data_dir}, or has no split train')
    if not {'image', 'label'} <= set(features) or not hasattr(features['label'], 'names'):
        raise InputError(f'--tfds={name} is no image classification: it has no feature image or no class label')
    parts = {'train': _split(tfds, builder, 'train')}
    tests = [_split(tfds, builder, split) for split in TEST_SPLITS if split in splits]
    parts['test'] = next((part for part in tests if None not in part.labels), None)
    parts['unlabeled'] = next((_split(tfds, builder, split) for split in UNLABELED_SPLITS if split in splits), None)
    if parts['unlabeled']:
        parts['unlabeled'].labels = [None] * len(parts['unlabeled'].labels)
    return {subset: part for subset, part in parts.items() if part}


def _split(tfds, builder, split):
    """The Part of one split; its pictures are read again whenever they are loaded, so that memory stays small."""
    def examples():
        try:
            yield from tfds.as_numpy(builder.as_dataset(
                split=split, shuffle_files=False, decoders={'image': tfds.decode.SkipDecoding()},
                read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)))
        except Exception as error:  # As above, and TensorFlow's.
            raise InputError(f'--tfds={builder.name}: cannot read {split}: {one_line(error)}') from error

    def load(positions):
        wanted = set(positions)
        return (example['image'] for i, example in enumerate(examples()) if i in wanted)

    names = builder.info.features['label'].names
    labels = [names[label] if label >= 0 else None for label in (int(example['label']) for example in examples())]
    return Part([f'{split}/{i}' for i in range(len(labels))], labels, load)
