"""ImageNet as people have it, read where it lies: only an index of its pictures is written.

Either a folder for each class below `train` and `val` (or `validation`), or TFRecord shards `train-*` and
`validation-*` with the keys `image/encoded` and `image/class/label`, whose first class is 1.
"""

import contextlib
import glob
import os

from libml.datasets import descriptions, index, splits
from libml.pictures import sources
from libml.utils import InputError, expanded

import numpy as np

NAME = 'imagenet'
KEYS = index.Keys('image/encoded', 'image/class/label', 1)
TEST = 'val', 'validation'


def create(data_dir, archives):
    """Writes the indexes and the description of the dataset `imagenet`, and prints what it found.

    Args:
        data_dir: data folder.
        archives: folder with the pictures or shards; it is not copied, and must stay where it is.
    Returns:
        list of the paths written; empty where the indexes are there and nothing has changed.
    Raises:
        InputError: the folder has neither layout, or a part of it is missing or damaged.
    """
    if not archives:
        raise InputError(f'{NAME} cannot be downloaded: give --archives=DIR with its class folders '
                         '(train/n01440764/...) or its TFRecords (train-00000-of-01024 ...)')
    archives = os.path.abspath(expanded(archives))
    paths = {subset: descriptions.index_path(data_dir, NAME, subset) for subset in ('train', 'test')}
    known = {subset: index.load(path) for subset, path in paths.items()}
    described_in = descriptions.description_path(data_dir, NAME)
    described = os.path.exists(described_in)
    if os.path.isdir(os.path.join(archives, 'train')):
        # Their names are all that an index of them has: they are listed anew.
        made, classes = _of_folders(archives)
        unchanged = all(found.holds(known[subset]) for subset, found in made.items())
    else:
        files = _shards(archives)
        unchanged = described and all(found and found.files == tuple(files[subset]) and found.fresh()
                                      for subset, found in known.items())
        if unchanged:
            return []
        made, classes = _of_shards(files, archives)
    if described and unchanged:
        return []
    with contextlib.suppress(FileNotFoundError):  # First: without it all that follows is done again after a crash.
        os.unlink(described_in)
    if known['train'] and not _same_pictures(known['train'], made['train']):
        for path in splits.forget(data_dir, NAME):
            print(f'removed {path}: it was a split of other pictures')
    for subset, found in made.items():
        found.save(paths[subset])
    counts = {subset: len(found) for subset, found in made.items()}
    descriptions.write_description(data_dir, descriptions.Description(
        NAME, 0, 0, 3, len(classes), tuple(classes), counts))
    print(f'{NAME}: {len(classes):,} classes, {counts["train"]:,} training and {counts["test"]:,} test pictures, read '
          f'where they lie in {archives}')
    return list(paths.values())


def _same_pictures(one, other):
    """Whether two Indexes have pictures of the same sizes and labels, in the same order; wherever they lie."""
    return np.array_equal(one.size, other.size) and np.array_equal(one.label, other.label)


def _of_folders(archives):
    """(dict subset -> Index, class names) of a folder for each class."""
    places = [os.path.join(archives, name) for name in TEST if os.path.isdir(os.path.join(archives, name))]
    if not places:
        raise InputError(f'{archives} has train/, but neither val/ nor validation/ beside it')
    made, classes = {}, None
    for subset, place in (('train', os.path.join(archives, 'train')), ('test', places[0])):
        part = sources.class_folders(place)
        found = sorted(set(part.labels))
        classes = classes or found
        if found != classes:
            odd = sorted(set(found) ^ set(classes))[0]
            raise InputError(f'{place} must have the classes of {archives}/train: {odd!r} is in one of them only')
        number = {name: i for i, name in enumerate(classes)}
        made[subset] = index.of_pictures([os.path.join(place, path) for path in part.paths],
                                         [number[label] for label in part.labels])
    return made, classes


def _shards(archives):
    """dict subset -> its TFRecord files."""
    files = {}
    for subset, stem in (('train', 'train'), ('test', 'validation')):
        files[subset] = sorted(glob.glob(os.path.join(glob.escape(archives), f'{stem}-*')))
        if not files[subset]:
            raise InputError(f'{archives} has neither a folder train/ with a folder for each class nor TFRecords '
                             f'{stem}-*')
    return files


def _of_shards(files, archives):
    """(dict subset -> Index, class names) of TFRecord files, of `_shards`; a class is called by its number."""
    made = {subset: index.of_records(paths, KEYS) for subset, paths in files.items()}
    labels = np.concatenate([found.label for found in made.values()])
    if labels.min() < 0:
        raise InputError(f'{archives}: a record has the label {labels.min() + 1}, and classes begin with 1')
    return made, list(map(str, range(labels.max() + 1)))
