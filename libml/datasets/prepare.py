"""Puts published datasets into the data folder as records."""

import os

from libml.datasets import download, imagenet, index
from libml.datasets.archives import DECODERS
from libml.datasets.descriptions import (
    DATASET_INFO,
    FOLDS,
    index_path,
    read_description,
    stored_as,
    subset_files,
    subset_path,
    write_description,
)
from libml.datasets.records import write_records
from libml.files import written_whole
from libml.utils import InputError

import numpy as np

# What is made at first use, out of what comes with scikit-learn.
EMBEDDED = ('digits', 'digits_m')


def create(name, data_dir, archives=None):
    """Makes the records of a dataset that are not in the data folder yet, and prints what it reads and writes.

    Args:
        name: a key of DATASET_INFO, or `imagenet`; svhn_noextra makes svhn without its large extra file, CIFAR-10.1
            also makes CIFAR-10's training images.
        data_dir: data folder, made where needed.
        archives: folder with the published archives; without it they are downloaded to `<data_dir>/downloads`.
    Returns:
        list of the paths written; empty where the dataset was complete.
    Raises:
        InputError: unknown name, an archive is missing, damaged or not what was published, or a file cannot be written.
    """
    if name == imagenet.NAME:
        return imagenet.create(data_dir, archives)
    if name not in DATASET_INFO:
        raise InputError(f'unknown dataset {name!r}, choose from ' + ', '.join([*DATASET_INFO, imagenet.NAME]))
    paths = {subset: subset_path(data_dir, name, subset) for subset in DATASET_INFO[name].counts}
    if name in FOLDS:
        paths[FOLDS[name]] = os.path.join(data_dir, FOLDS[name])
    missing = [output for output, path in paths.items() if not os.path.isfile(path)]
    if not missing:
        return []

    for owner in dict.fromkeys(stored_as(name, output) for output in missing):
        wanted = [output for output in missing if stored_as(name, output) == owner]
        for output, content in _decoded(name, owner, wanted, data_dir, archives):
            if not isinstance(content, bytes):
                _check(name, output, *content)
            # Before the records are there: where they are, and this could not be written, nothing would do it again.
            write_description(data_dir, DATASET_INFO[name])
            if isinstance(content, bytes):
                with written_whole(paths[output], 'wb') as f:
                    f.write(content)
            else:
                write_records(paths[output], *content)
            print(f'{name}: wrote {paths[output]} ({os.path.getsize(paths[output]) / 1e6:,.1f} MB)', flush=True)
    return [paths[output] for output in missing]


def _decoded(name, owner, wanted, data_dir, archives):
    """Yields what DECODERS do for the archives of the dataset `owner`: of the outputs that are wanted for `name`."""
    def locate(filename):
        path = download.archive(owner, filename, data_dir, archives)
        size = f' ({os.path.getsize(path) / 1e6:,.1f} MB)' if os.path.isfile(path) else ''
        print(f'{name}: reading {path}{size}', flush=True)
        return path

    return ((output, content) for output, content in DECODERS[owner](locate, wanted) if output in wanted)


def missing(name, data_dir):
    """Paths of the records of a dataset that are not in the data folder, and that no index has elsewhere."""
    info = read_description(data_dir, name)
    return [path for subset in (*info.train_subsets, 'test') for path in subset_files(data_dir, name, subset)
            if not os.path.isfile(path) and not _elsewhere(path, index_path(data_dir, name, subset))]


def _elsewhere(path, of_subset):
    """Whether the index of a subset is of other files than these records."""
    found = index.load(of_subset)
    return bool(found) and path not in found.files


def ensure(name, data_dir):
    """Makes sure that the records of a dataset are there; EMBEDDED ones, which need no archive, are made at first use.

    Raises:
        InputError: they are not there; it names the command that makes them.
    """
    lacking = missing(name, data_dir)
    if not lacking:
        return
    if name in EMBEDDED:
        create(name, data_dir)
    elif name in DATASET_INFO:
        raise InputError(f'there is no {lacking[0]}: make it with '
                         f'`python scripts/create_datasets.py --data_dir={data_dir} {name}`')
    else:
        raise InputError(f'there is no {lacking[0]}')


def _check(name, subset, images, labels):
    """Compares decoded arrays with what was published."""
    info = DATASET_INFO[name]
    what = f'{name}, {subset} images'
    if len(images) != info.counts[subset] or len(labels) != len(images):
        raise InputError(f'{what}: {len(images)} with {len(labels)} labels, but {info.counts[subset]} were published')
    shape = info.height, info.width, info.colors
    if images.shape[1:] != shape:
        raise InputError(f'{what}: their size is {images.shape[1:]}, but {shape} was published')
    if labels.min() < 0 or labels.max() >= info.nclass:
        raise InputError(f'{what}: labels {labels.min()}..{labels.max()}, but 0..{info.nclass - 1} were published')
    if name in ('mnist', 'fashion_mnist'):
        # Both consist of files with the same names and sizes; only Fashion-MNIST has equally many of each class.
        balanced = len(set(np.bincount(labels, minlength=info.nclass))) == 1
        if balanced != (name == 'fashion_mnist'):
            other = 'mnist' if name == 'fashion_mnist' else 'fashion_mnist'
            raise InputError(f'{what}: these are from {other}; put the archives of {name} into a folder {name}/')
