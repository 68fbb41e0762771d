"""Which training records carry their label: the splits of the original code, as positions and not as copies.

A position counts through the training records of a dataset (descriptions.train_paths). Split files are drawn at first
use; those that the original code made are read as they are. Its `-label.tfrecord` copies are not needed: where they
lie without their json, the same rule (split_rule.py) draws the same positions again.
"""

import json
import os
import re
import sys

from libml.datasets.descriptions import FOLDS, read_description
from libml.datasets.split_rule import class_weights, draw_labeled, draw_per_class, draw_skewed, unlabeled_order
from libml.datasets.subsets import subset_labels
from libml.files import listed, read_json, removed, written_whole
from libml.utils import InputError, one_line

import numpy as np

FOLD_SIZE = 1000


class _Source:
    """The labels of the training records of one dataset and what its splits may draw from.

    Attributes: labels int32 [n] of all records; pool, the number of records from the front that may be labelled;
    weights float64 [nclass]; given, the labelled positions where they are not drawn. Subsets whose labels are not true
    give no labelled image and no weight. (The original could draw STL-10's labels from its unlabelled images, which are
    stored with label 0.)
    """

    def __init__(self, data_dir, name, given=None):
        self.data_dir, self.name, self.given = data_dir, name, given
        info = read_description(data_dir, name)
        parts = [subset_labels(data_dir, info, subset) for subset in info.train_subsets]
        self.labels = np.concatenate(parts)
        self.pool = sum(map(len, parts[:len(info.labeled_subsets)]))
        self.weights = class_weights(self.labels[:self.pool], info.nclass)

    def labeled(self, seed, size):
        """Sorted labelled positions: int64 [size]. Published folds are the seeds 0..9 with 1000 labels."""
        if self.given is not None:
            return self.given
        if self.name in FOLDS and size == FOLD_SIZE and 0 <= seed < 10:
            return np.sort(read_folds(self.data_dir, self.name, self.pool)[seed])
        return np.sort(draw_labeled(self.labels[:self.pool], self.weights, seed, size))


def read_folds(data_dir, name, ntrain):
    """The ten published folds of a dataset in FOLDS, such as stl10: int64 [10, 1000], positions below ntrain.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = os.path.join(data_dir, FOLDS[name])
    try:
        with open(path) as f:
            folds = [np.array(line.split(), np.int64) for line in f if line.strip()]
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f'cannot read {path}: {one_line(error)}') from error
    if len(folds) != 10 or not all(_is_subset(fold, ntrain) and len(fold) == FOLD_SIZE for fold in folds):
        raise InputError(f'{path} is damaged: it must have 10 lines of {FOLD_SIZE} different positions below {ntrain}')
    return np.stack(folds)


def split_paths(data_dir, name, seed, size):
    """Paths of the split files: (map in SSL/, label in SSL2/, unlabel in SSL2/)."""
    return (os.path.join(data_dir, 'SSL', f'{name}.{seed}@{size}-map.json'),
            os.path.join(data_dir, 'SSL2', f'{name}.{seed}@{size}-label.json'),
            os.path.join(data_dir, 'SSL2', f'{name}-unlabel.json'))


def ssl_split(data_dir, name, seed, size):
    """The split of the methods of MixMatch's code, whose unlabelled images exclude the labelled ones.

    Read from `SSL/<name>.<seed>@<size>-map.json`, or drawn and written there. Any seed is valid; with STL-10 and 1000
    labels, seeds 0..9 are its published folds and any other is drawn by the rule.

    Returns:
        labelled positions int64 [size], sorted; unlabelled positions int64 [n - size] in their order, of which the
        first are for validation.
    Raises:
        InputError: the dataset is not there, the split is impossible, or its file is damaged or of other records.
    """
    source = _Source(data_dir, name)
    path = split_paths(data_dir, name, seed, size)[0]
    content = _read_or_draw(path, _draw_map, source, seed, size)
    label, unlabel = _positions(path, content, 'label'), _positions(path, content, 'unlabel')
    _check(path, len(label) == size and _is_subset(label, source.pool)
           and _is_subset(np.concatenate([label, unlabel]), len(source.labels), everything=True),
           f'`label` ({size}) and `unlabel` must be all positions below {len(source.labels)}, each once')
    return np.sort(label), unlabel


def ssl2_split(data_dir, name, seed, size):
    """The split of the methods of FixMatch's code, whose unlabelled images are all training images.

    Read from `SSL2/<name>.<seed>@<size>-label.json` and `SSL2/<name>-unlabel.json`, or drawn and written there.

    Returns:
        labelled positions int64 [size], sorted; all positions int64 [n] in the order of the unlabelled set.
    Raises:
        InputError: as for ssl_split.
    """
    source = _Source(data_dir, name)
    _, label_path, unlabel_path = split_paths(data_dir, name, seed, size)
    label = _positions(label_path, _read_or_draw(label_path, _draw_label, source, seed, size), 'label')
    _check(label_path, len(label) == size and _is_subset(label, source.pool),
           f'`label` must be {size} different positions below {source.pool}')
    order = _positions(unlabel_path, _read_or_draw(unlabel_path, _draw_unlabel, source, seed, size), 'indexes')
    _check(unlabel_path, _is_subset(order, len(source.labels), everything=True),
           f'`indexes` must be all positions below {len(source.labels)}, each once')
    return np.sort(label), order


def domain_split(data_dir, name, seed, size):
    """The few labels of a target domain (AdaMatch): positions int64 [nclass * size], sorted, `size` of each class.

    Read from `DA/<name>(<size>,seed=<seed>).json`, or drawn and written there.

    Raises:
        InputError: as for ssl_split.
    """
    source = _Source(data_dir, name)
    path = os.path.join(data_dir, 'DA', f'{name}({size},seed={seed}).json')
    label = _positions(path, _read_or_draw(path, _draw_domain, source, seed, size), 'label')
    _check(path, _is_subset(label, source.pool)
           and (np.bincount(source.labels[label], minlength=len(source.weights)) == size).all(),
           f'`label` must be different positions below {source.pool}, {size} of each class')
    return np.sort(label)


def skewed_split(split, data_dir, name, label, unlabel):
    """What the skew of a Name leaves of its training images.

    Read from `<dataset name>-skew.json` in the folder of the split, or drawn and written there.

    Args:
        split: ssl_split or ssl2_split.
        data_dir: data folder.
        name: a names.Name with a ratio of imbalance.
        label, unlabel: labelled and unlabelled positions, int64 [n] and [m], without the skew.
    Returns:
        those of label and of unlabel that are left, in their order.
    Raises:
        InputError: the classes of unlabelled images are not known, there are none, or the file is damaged or of other
            records.
    """
    source = _Source(data_dir, name.name)
    if name.imbalance_unlabeled and not (len(unlabel) and unlabel.max() < source.pool):
        reason = 'have no true label, which skews them' if len(unlabel) else 'there are none'
        raise InputError(f'--imbalance_unlabeled={name.imbalance_unlabeled:g} --dataset={name}: unlabelled images: '
                         f'{reason}')
    path = os.path.join(data_dir, FOLDERS[split], f'{name}-skew.json')

    def draw(source, seed, size):
        del size
        return {key: own[draw_skewed(source.labels[own], len(source.weights), ratio, seed)].tolist() if ratio
                else own.tolist() for key, own, ratio in parts}

    parts = ('label', label, name.imbalance_labeled), ('unlabel', unlabel, name.imbalance_unlabeled)
    content = _read_or_draw(path, draw, source, name.seed or 0, name.labels)
    found = [_positions(path, content, key) for key, _, _ in parts]
    for (key, own, _), kept in zip(parts, found):
        _check(path, _is_subset(kept, len(source.labels)) and np.isin(kept, own).all(),
               f'`{key}` must be different ones of the {len(own)} positions that the split has without a skew')
    return found


def create_split(data_dir, name, seed, size, ssl2=False, label=None):
    """Draws a split and writes its files: the one in SSL/, or with `ssl2` the two in SSL2/.

    With `label`, sorted positions int64 [size], the labelled ones are these.

    Returns:
        list of (path, whether it was written: False where the same split lies there already).
    Raises:
        InputError: as for ssl_split, or a file holds another split; it is left as it is.
    """
    source = _Source(data_dir, name, label)
    path, label_path, unlabel_path = split_paths(data_dir, name, seed, size)
    jobs = [(label_path, _draw_label), (unlabel_path, _draw_unlabel)] if ssl2 else [(path, _draw_map)]
    contents = [(path, draw(source, seed, size)) for path, draw in jobs]
    present = [os.path.exists(path) for path, _ in contents]
    for (path, content), there in zip(contents, present):
        if there and read_json(path) != content:
            raise InputError(f'{path} holds another split than seed {seed} and size {size} give: move it away first')
    for (path, content), there in zip(contents, present):
        if not there:
            _write_json(path, content)
    return [(path, not there) for (path, _), there in zip(contents, present)]


def forget(data_dir, name):
    """Removes all split files of a dataset, whose records are others now; returns their paths."""
    paths = [os.path.join(data_dir, folder, file) for folder in ('SSL', 'SSL2', 'DA')
             for file in listed(os.path.join(data_dir, folder)) if re.match(rf'{name}[.(-].*\.json$', file)]
    for path in paths:
        removed(path)
    return paths


def _draw_map(source, seed, size):
    label = source.labeled(seed, size)
    return {'label': label.tolist(), 'unlabel': unlabeled_order(source.labels, source.weights, label).tolist()}


def _draw_domain(source, seed, size):
    return {'label': draw_per_class(source.labels[:source.pool], len(source.weights), seed, size).tolist()}


def _draw_label(source, seed, size):
    return {'distribution': source.weights.tolist(), 'label': source.labeled(seed, size).tolist()}


def _draw_unlabel(source, seed, size):
    del seed, size  # One order serves all splits of a dataset.
    return {'distribution': source.weights.tolist(),
            'indexes': unlabeled_order(source.labels, source.weights).tolist()}


def _read_or_draw(path, draw, source, seed, size):
    """The content of a split file; drawn where there is none, and written where the folder can be written."""
    if os.path.exists(path):
        return read_json(path)
    content = draw(source, seed, size)
    try:
        _write_json(path, content)
    except InputError as error:
        print(f'warning: {error}; every run draws this split again', file=sys.stderr)
    return content


def _write_json(path, content):
    with written_whole(path) as f:
        f.write(json.dumps(content, indent=2, sort_keys=True))


def _positions(path, content, key):
    """content[key] as int64 [n]."""
    values = content.get(key) if isinstance(content, dict) else None
    _check(path, isinstance(values, list) and all(type(value) is int and 0 <= value < 2 ** 31 for value in values),
           f'`{key}` must be a list of positions')
    return np.array(values, np.int64)


def _check(path, good, requirement):
    if not good:
        raise InputError(f'{path} is damaged or belongs to other records: {requirement}')


def _is_subset(positions, n, everything=False):
    """Whether positions are different and all in 0..n-1; with `everything`, whether they are exactly those."""
    if len(positions) and not 0 <= positions.min() <= positions.max() < n:
        return False
    counts = np.bincount(positions, minlength=n)
    return counts.max(initial=0) <= 1 and (not everything or len(positions) == n)


# Where the files of these functions lie.
FOLDERS = {ssl_split: 'SSL', ssl2_split: 'SSL2'}
