"""Dataset names as they stand on the command line, and the datasets that they name."""

import os

from libml.data import DataSet, Subset
from libml.datasets import descriptions, prepare, split_rule, splits, subsets
from libml.datasets.names import ALL, parse
from libml.images.adaptation import Adaptation
from libml.utils import InputError

import numpy as np


class Registry:
    """Every valid dataset name, as if it were registered: DATASETS['cifar10.3@250-5000'] loads that dataset.

    Args:
        split: function (data_dir, name, seed, labels) -> labelled positions, order of the unlabelled ones.
    """

    def __init__(self, split):
        self.split = split

    def __getitem__(self, text):
        """A function that returns the DataSet; its arguments are flags of the same names, and may be left out.

        Raises:
            InputError: the text is not a dataset's name.
        """
        name = parse(text)

        def constructor(data_dir='', whiten=False, p_unlabeled='', imbalance_labeled=0., imbalance_unlabeled=0.,
                        **flags):
            skewed = name.skewed(imbalance_labeled=imbalance_labeled, imbalance_unlabeled=imbalance_unlabeled)
            return load(skewed, self.split, data_dir, whiten, p_unlabeled, **flags)

        return constructor


def load(name, split, data_dir='', whiten=False, p_unlabeled='', memory='auto', **frame):
    """The dataset of a Name; a split that is not there is drawn, `digits` is made at first use.

    Args:
        name: a Name.
        split: as for Registry.
        data_dir: folder of the datasets; else $ML_DATA, else ./data.
        whiten: whether the network's input is normalised by the statistics of the training images.
        p_unlabeled: comma-separated class weights, or ''.
        memory: one of subsets.MEMORY, whether images are decoded into memory.
        frame: size, resize, crop_area, crop_aspect, as for subsets.frame_of.
    Raises:
        InputError: the dataset is not there or damaged, or has too few images for the name.
    """
    data_dir = descriptions.resolve_data_dir(data_dir)
    prepare.ensure(name.name, data_dir)
    info = descriptions.read_description(data_dir, name.name)
    weights = class_weights(p_unlabeled, info.nclass)
    made = subsets.frame_of(info, **frame)
    on_disk = subsets.from_files(memory, data_dir, info)
    known = np.concatenate([subsets.subset_labels(data_dir, info, subset, on_disk) for subset in info.labeled_subsets])
    label, unlabel, valid = positions(name, split, data_dir, known, info.nclass)
    if name.imbalance_labeled or name.imbalance_unlabeled:
        label, unlabel = splits.skewed_split(split, data_dir, name, label, unlabel)
    train = subsets.read(data_dir, info, info.train_subsets if name.labels else info.labeled_subsets, on_disk, made,
                         adaptation(info))
    test = subsets.read(data_dir, info, ['test'], on_disk, made, adaptation(info))
    parts = [Subset(*train[:2], part, train[2]) for part in (label, unlabel, valid)]
    origin = dict(data_dir=os.path.abspath(data_dir), p_unlabeled=p_unlabeled, **(frame if made else {}))
    dataset = DataSet(str(name), *parts, Subset(*test[:2], np.arange(len(test[1])), test[2]), nclass=info.nclass,
                      mirror=info.mirror and not made, shift=0 if made else test[0].shape[2] // 8, whiten=whiten,
                      p_unlabeled=weights, labels_known=not info.unlabeled, class_names=info.class_names,
                      origin=origin)
    dataset.stored, dataset.adaptation, dataset.frame = info, adaptation(info), made
    return dataset


def stored(text, data_dir=''):
    """The DataSet of a text, as its pictures are stored; those of sizes of their own are not to be looked at."""
    data_dir = descriptions.resolve_data_dir(data_dir)
    info = descriptions.read_description(data_dir, parse(text).name)
    return DATASETS[text](data_dir=data_dir, size=0 if info.height else 1)


def positions(name, split, data_dir, labels, nclass):
    """Which training images of a dataset are labelled, unlabelled and for validation: three int64 arrays.

    The first `valid` images in the split's order of the unlabelled ones that carry no label are for validation, and
    leave training. With `@all` the seed draws them, in proportion to the classes, and all others are labelled. With
    `<name>-<valid>` nothing is unlabelled, and the first `valid` images of a published dataset are for validation; of
    others, which may have one class after the other, they are drawn as with `@all`. Images of the description's
    `unlabeled` subsets have no true label: they are never for validation.

    Args:
        name, split, data_dir: as for load.
        labels: int [n] of the images whose labels are true; they come before the others.
        nclass: number of classes.
    """
    pool = np.arange(len(labels))
    if name.labels is None:
        label, order, valid = pool, pool[:0], pool
    else:
        label, order = split(data_dir, name.name, name.seed, len(pool) if name.labels == ALL else name.labels)
        valid = order[~np.isin(order, label) & (order < len(pool))]
    drawn = name.labels == ALL or name.labels is None and name.name not in descriptions.DATASET_INFO
    valid = pool if drawn else valid
    # With some labels there is something to train on, also if these are all that there is.
    most = len(valid) - (name.labels in (None, ALL))
    if name.valid > most:
        raise InputError(f'--dataset={name}: the last number, of validation images, can be {most} at most here: '
                         'others are labelled, or have no true label')
    if drawn and name.valid:
        seed = 1 if name.seed is None else name.seed
        valid = split_rule.draw_labeled(labels, split_rule.class_weights(labels, nclass), seed, name.valid)
    valid = valid[:name.valid]
    return label[~np.isin(label, valid)], order[~np.isin(order, valid)], valid


def adaptation(info):
    """The Adaptation of a Description: its border."""
    return Adaptation(((info.border, info.border),) * 2)


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


# Of MixMatch's code: unlabelled images are those without a label (SSL/).
DATASETS = Registry(splits.ssl_split)
# Of FixMatch's code: unlabelled images are all training images, the labelled ones included (SSL2/).
PAIR_DATASETS = Registry(splits.ssl2_split)
