"""The labelled pictures of a split as a list of file names, such as those of FixMatch's ImageNet code.

(google-research/fixmatch@d4985a1 imagenet/: lines of a name, the number of its shard and its place there.)
"""

import os

from libml.datasets.descriptions import read_description
from libml.datasets.records import features, raw_records
from libml.datasets.subsets import subset_index
from libml.utils import InputError, expanded, one_line, progress

import numpy as np

FEATURE = 'image/filename'


def positions(data_dir, dataset, path):
    """Positions of the training pictures that a list names: int64 [n], sorted.

    A picture is called by its file's name without folders, or by the feature `image/filename` of its TFRecord.

    Args:
        data_dir: data folder.
        dataset: name of the dataset.
        path: text file with a name in each line; what follows a comma does not count.
    Raises:
        InputError: the list cannot be read or is empty, or it has a name twice, one that no picture has, or one that
            several pictures have.
    """
    wanted = read_names(path)
    info = read_description(data_dir, dataset)
    place, found = 0, {}
    for subset in info.labeled_subsets:
        pictures = subset_index(data_dir, info, subset)
        for name in progress(iterable=names_of(pictures), total=len(pictures), desc='Names', leave=False):
            if name in wanted:
                if name in found:
                    raise InputError(f'{path}: several training pictures of {dataset} are called {name!r}')
                found[name] = place
            place += 1
    missing = [name for name in wanted if name not in found]
    if missing:
        raise InputError(f'{path}: no training picture of {dataset} is called {missing[0]!r} ({len(missing)} of '
                         f'{len(wanted)} names are not there)')
    return np.sort(np.array(list(found.values()), np.int64))


def read_names(path):
    """The names of a list: dict name -> number of its line."""
    try:
        with open(expanded(path), encoding='utf-8-sig') as f:
            lines = [line.partition(',')[0].strip() for line in f]
    except (OSError, ValueError) as error:
        raise InputError(f'cannot read {path}: {one_line(error)}') from error
    names = {}
    for number, name in enumerate(lines, 1):
        if name in names:
            raise InputError(f'{path}: line {number} has {name!r} again, which is in line {names[name]}')
        if name:
            names[name] = number
    if not names:
        raise InputError(f'{path} holds no name')
    return names


def names_of(pictures):
    """Yields what the pictures of an index.Index are called, in their order."""
    if not pictures.stamps:
        yield from (os.path.basename(pictures.files[number]) for number in pictures.number)
        return
    for path in pictures.files:
        for number, record in enumerate(raw_records(path)):
            names = features(record, path, number)[FEATURE].bytes_list.value
            if len(names) != 1:
                raise InputError(f'{path}: record {number} has no `{FEATURE}`, by which a list names it')
            yield names[0].decode(errors='replace')
