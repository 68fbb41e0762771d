"""Dataset names as they stand on the command line, and the datasets that they name."""

import dataclasses
import re

import numpy as np

from libml import descriptions, prepare, records, splits
from libml.data import DataSet, Subset
from libml.utils import InputError

GRAMMAR = ('<name>.<seed>@<labels>-<valid> (such as cifar10.3@250-5000), or <name>-<valid> for all labels (such as '
           'cifar10-5000)')
# Weak augmentation mirrors pictures of things; digits would become other signs.
NO_MIRROR = ('digits', 'digits_m', 'mnist', 'mnist_m', 'svhn', 'svhn_noextra', 'usps')
# Fashion-MNIST is trained on at 32x32: a border of zeros around 28x28, as in remixmatch@f7061eb.
BORDER = {'fashion_mnist': 2}


@dataclasses.dataclass(frozen=True)
class Name:
    """A parsed dataset name; `seed` and `labels` are None where all labels are used."""
    name: str
    seed: int | None
    labels: int | None
    valid: int

    def __str__(self):
        return f'{self.name}-{self.valid}' if self.labels is None else (
            f'{self.name}.{self.seed}@{self.labels}-{self.valid}')


def parse(text):
    """A Name from its text.

    Raises:
        InputError: the text is of neither form.
    """
    match = re.fullmatch(r'([A-Za-z]\w*)(?:\.(\d+)@(\d+))?-(\d+)', text)
    if not match:
        raise InputError(f'--dataset={text}: write {GRAMMAR}')
    name, seed, labels, valid = match.groups()
    if labels is not None and int(labels) == 0:
        raise InputError(f'--dataset={text}: at least 1 label is needed')
    return Name(name, None if seed is None else int(seed), None if labels is None else int(labels), int(valid))


class Registry:
    """Every valid dataset name, as if it were registered: DATASETS['cifar10.3@250-5000'] loads that dataset."""

    def __init__(self, load):
        self.load = load

    def __getitem__(self, text):
        """A function (data_dir='', whiten=False, p_unlabeled='') -> DataSet.

        Raises:
            InputError: the text is not a dataset's name.
        """
        name = parse(text)

        def constructor(data_dir='', whiten=False, p_unlabeled=''):
            return self.load(name, data_dir, whiten, p_unlabeled)

        return constructor


def load(name, data_dir='', whiten=False, p_unlabeled=''):
    """The dataset of a Name, decoded into memory; a split that is not there is drawn, `digits` is made at first use.

    With a number of labels, the unlabelled images exclude the labelled ones, and the first `valid` of them are for
    validation (spec/mixmatch 1.4). Without, the first `valid` training images are.

    Args:
        data_dir: folder of the datasets; else $ML_DATA, else ./data.
        whiten: whether the network's input is normalised by the statistics of the training images.
        p_unlabeled: comma-separated class weights, or ''.
    Raises:
        InputError: the dataset is not there or damaged, or has too few images for the name.
    """
    data_dir = descriptions.resolve_data_dir(data_dir)
    prepare.ensure(name.name, data_dir)
    info = descriptions.read_description(data_dir, name.name)
    pixels, targets = _read(descriptions.train_paths(data_dir, name.name), info)
    if name.labels is None:
        label, unlabel = np.arange(len(targets)), np.arange(len(targets))
    else:
        label, unlabel = splits.ssl_split(data_dir, name.name, name.seed, name.labels)
    if name.valid >= len(unlabel):
        raise InputError(f'--dataset={name}: {name.valid} validation images leave none of {len(unlabel)} to train on')
    valid, unlabel = np.split(unlabel, [name.valid])
    if name.labels is None:
        label, unlabel = unlabel, unlabel[:0]
    test = _read([descriptions.test_path(data_dir, name.name)], info)
    test = Subset(*test, np.arange(len(test[1])))
    train = [Subset(pixels, targets, positions) for positions in (label, unlabel, valid)]
    return DataSet(str(name), *train, test, nclass=info.nclass, mirror=name.name not in NO_MIRROR,
                   shift=test.pixels.shape[2] // 8, whiten=whiten, p_unlabeled=class_weights(p_unlabeled, info.nclass))


def _read(paths, info):
    """Images with their border, uint8 [n, h, w, c], and labels int32 [n]."""
    pixels, targets = records.read_records(paths, info.height, info.width, info.colors, info.nclass)
    border = BORDER.get(info.name, 0)
    if border:
        pixels = np.pad(pixels, [(0, 0), (border, border), (border, border), (0, 0)])
    return pixels, targets


def class_weights(text, nclass):
    """float32 [nclass] with maximum 1 from comma-separated numbers; None from ''.

    Raises:
        InputError: there are not nclass numbers, or one is negative, or all are zero.
    """
    if not text:
        return None
    try:
        weights = np.array([float(part) for part in text.split(',')], np.float32)
    except ValueError:
        weights = np.zeros(0, np.float32)
    if len(weights) != nclass or not np.isfinite(weights).all() or weights.min() < 0 or weights.max() == 0:
        raise InputError(f'--p_unlabeled={text}: give {nclass} comma-separated weights, none negative, not all 0')
    return weights / weights.max()


DATASETS = Registry(load)
