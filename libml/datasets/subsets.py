"""Pictures and labels of the subsets of a dataset: decoded into memory, or read from files when they are needed."""

import os
import sys

from libml import memory as memory_size
from libml.datasets import index, records
from libml.datasets.descriptions import index_path, stored_counts, subset_files, subset_path
from libml.datasets.on_demand import OnDemand
from libml.images.framing import Frame
from libml.utils import InputError

import numpy as np

MEMORY = ('auto', 'ram', 'disk')
# With `auto`, the largest share of the machine's memory that decoded images may take.
LARGEST_SHARE = 0.25


def frame_of(info, size=0, resize=0, crop_area=0.08, crop_aspect=0.75):
    """The Frame that flags of these names ask for; None without --size.

    Raises:
        InputError: they contradict each other or the Description `info`.
    """
    frame = Frame(size, resize, crop_area, crop_aspect, info.mirror)
    if not size:
        if frame != Frame(0, mirror=info.mirror):
            raise InputError('--resize, --crop_area and --crop_aspect are for --size, the height and width of the '
                             'network\'s input: give it as well')
        if not info.height:
            raise InputError(f'--size=0: the pictures of {info.name} have sizes of their own; give the height and '
                             'width of the network\'s input, such as --size=64')
        return None
    if resize and resize < size:
        raise InputError(f'--resize={resize} --size={size}: what is cut out of the resized picture cannot be larger '
                         'than it')
    return frame


def from_files(memory, data_dir, info):
    """Whether pictures of a dataset are read when they are needed, by the flag --memory.

    Raises:
        InputError: `memory` is none of MEMORY, or `ram` although pictures have sizes of their own or no records.
    """
    if memory not in MEMORY:
        raise InputError(f'--memory={memory}: choose one of {", ".join(MEMORY)}')
    subsets = (*info.train_subsets, 'test')
    records_there = all(os.path.exists(path) for subset in subsets
                        for path in subset_files(data_dir, info.name, subset))
    if memory == 'ram':
        if not info.height or not records_there:
            raise InputError(f'--memory=ram: the pictures of {info.name} have sizes of their own, or lie outside of '
                             'the data folder; give --memory=disk')
        return False
    if memory == 'disk' or not info.height or not records_there:
        return True
    images = sum(info.counts.get(subset, 0) for subset in subsets)
    return images * info.height * info.width * info.colors > LARGEST_SHARE * memory_size.of_machine()


def subset_index(data_dir, info, subset):
    """The index.Index of a subset, made at first use and when its records are others, and kept beside them.

    Raises:
        InputError: records are missing or damaged, or are not what the Description `info` says.
    """
    path, files = index_path(data_dir, info.name, subset), subset_files(data_dir, info.name, subset)
    found = index.load(path)
    if not os.path.exists(files[0]):
        if not found:
            raise InputError(f'there is no {files[0]}')
        if not found.fresh():
            raise InputError(f'{path}: files that it names have changed: make the dataset again with the command that '
                             'made it')
    elif not found or found.files != tuple(files) or not found.fresh():
        found = index.of_records(files)
        try:
            found.save(path)
        except InputError as error:
            print(f'warning: {error}; every run makes this index again', file=sys.stderr)
    _check(found.label, data_dir, info, subset)
    return found


def subset_labels(data_dir, info, subset, indexed=False):
    """Labels of a subset, int32 [n]: from its index where there is one or it is to be `indexed`, else from its records.
    """
    if indexed or os.path.exists(index_path(data_dir, info.name, subset)):
        return subset_index(data_dir, info, subset).label
    labels = records.read_labels(subset_files(data_dir, info.name, subset), info.nclass)
    _check(labels, data_dir, info, subset)
    return labels


def _check(labels, data_dir, info, subset):
    """InputError unless labels are classes of the Description `info`, and as many as it counts."""
    path = subset_path(data_dir, info.name, subset)
    expected = stored_counts(data_dir, info).get(path)
    if expected not in (None, len(labels)):
        raise InputError(f'{path} holds {len(labels)} records, but its description counts {expected}')
    wrong = np.flatnonzero((labels < 0) | (labels >= info.nclass))
    if len(wrong):
        raise InputError(f'{path}: record {wrong[0]} has label {labels[wrong[0]]}, not in 0..{info.nclass - 1}')


def read(data_dir, info, subsets, on_disk, frame=None, adaptation=None):
    """Pictures of subsets, one after the other.

    Args:
        data_dir: data folder.
        info: a Description.
        subsets: names of subsets.
        on_disk: whether pictures are read when they are needed.
        frame: a Frame, or None.
        adaptation: function of uint8 [n, h, w, c] of what is stored: the images in memory before they are framed.
    Returns:
        uint8 [n, h, w, c] or an OnDemand in its place; labels int32 [n]; the TFRecord files.
    """
    if on_disk:
        parts = [subset_index(data_dir, info, subset) for subset in subsets]
        found = index.joined(parts)
        stored = info.height, info.width, info.colors
        return OnDemand(found, stored, info.border, frame), found.label, found.files if found.stamps else ()
    files = [path for subset in subsets for path in subset_files(data_dir, info.name, subset)]
    counts = stored_counts(data_dir, info)
    memory_size.check(f'the images of {info.name} in memory', info.height * info.width * info.colors
                      * sum(info.counts.get(subset, 0) for subset in subsets))
    pixels, labels = records.read_records(files, info.height, info.width, info.colors, info.nclass, counts)
    expected = sum(counts.get(subset_path(data_dir, info.name, subset), 0) for subset in subsets)
    if expected not in (0, len(labels)):  # Of shards, whose own numbers are not known.
        raise InputError(f'{files[0]} and those after it hold {len(labels)} records, but their description counts '
                         f'{expected}')
    pixels = adaptation(pixels) if adaptation else pixels
    return (OnDemand(pixels, pixels.shape[1:], frame=frame) if frame else pixels), labels, files
