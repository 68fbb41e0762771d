"""Which pictures are for training, which for testing, and what their classes are."""

import re

from libml.datasets import descriptions
from libml.datasets import names as dataset_names
from libml.datasets.descriptions import DATASET_INFO
from libml.datasets.split_rule import MAX_SEED
from libml.utils import InputError

import numpy as np

# In the order in which they are read: what is in test is known before the others are written.
SUBSETS = 'test', 'train', 'unlabeled'
SIZES = 8, 256


def check(name, settings):
    """InputError if a dataset cannot have this name or these from_pictures.Settings."""
    if not re.fullmatch(dataset_names.NAME, name):
        raise InputError(f'--name={name}: give a letter followed by letters, digits and underscores')
    if name in DATASET_INFO:
        raise InputError(f'--name={name} is the name of a published dataset: choose another')
    if settings.size and not SIZES[0] <= settings.size <= SIZES[1]:
        raise InputError(f'--size={settings.size}: give {SIZES[0]} to {SIZES[1]}, or --size=0: pictures keep their own '
                         'sizes, and --size of the training says what the network takes')
    if settings.colors not in (1, 3):
        raise InputError(f'--colors={settings.colors}: give 1 or 3')
    if not 0 < settings.test_share < 1:
        raise InputError(f'--test_share={settings.test_share}: give a number between 0 and 1')
    if not 0 <= settings.seed <= MAX_SEED:
        raise InputError(f'--seed={settings.seed}: give 0 to {MAX_SEED}')
    if settings.family and not re.fullmatch(dataset_names.NAME, settings.family):
        raise InputError(f'--family={settings.family}: give a letter followed by letters, digits and underscores')


def check_family(description, data_dir):
    """InputError if another dataset of its family in the data folder has other classes than a Description."""
    for name, family in descriptions.families(data_dir).items():
        if family == description.family and name != description.name:
            difference = descriptions.difference(description, descriptions.read_description(data_dir, name))
            if difference:
                raise InputError(f'--family={family}: its datasets must have the same classes, but {difference}')


def class_names(sources, known=None):
    """The classes of the pictures, sorted, as numbers where all of them are: list of at least two names.

    Args:
        sources: dict train, test, unlabeled -> sources.Part; `test` and `unlabeled` may be missing.
        known: Description whose classes are returned instead, some of which may be without pictures.
    Raises:
        InputError: there are fewer than two classes, or those of the test pictures are others, or one is not known.
    """
    names = set(sources['train'].labels) - {None}
    if known and names:
        others = set().union(*(part.labels for part in sources.values())) - {None, *known.class_names}
        if others:
            raise InputError(f'--classes_of={known.name} has no class {min(others)}, of which there are pictures')
        return list(known.class_names)
    if len(names) < 2:
        raise InputError(f'all labelled pictures are of one class, {names.pop()}: at least two are needed' if names else
                         'no picture has a label: at least two classes are needed')
    tested = set(sources['test'].labels) if 'test' in sources else names
    if tested != names:
        wrong = [f'{", ".join(sorted(some)[:5])} only in {where}' for some, where in (
            (names - tested, 'the training pictures'), (tested - names, 'the test pictures')) if some]
        raise InputError('the test pictures must have the classes of the training pictures, but there is '
                         + ' and '.join(wrong))
    numbers = all(re.fullmatch('[0-9]+', name) for name in names)
    return sorted(names, key=lambda name: (int(name) if numbers else 0, name))


def assign(sources, classes, settings):
    """dict subset of SUBSETS -> list of (Part, ascending positions in it).

    Unlabelled pictures of `train` are in `unlabeled`. Without `test`, a share of each class of `train` is for testing:
    at least one picture, and at least one is left.

    Args:
        sources, classes: as in class_names.
        settings: from_pictures.Settings.
    Raises:
        InputError: there is not enough to test on.
    """
    train, test, unlabeled = (sources.get(subset) for subset in ('train', 'test', 'unlabeled'))
    numbers = np.array([-1 if label is None else classes.index(label) for label in train.labels])
    drawn = np.zeros(0, np.int64) if test else draw_test(numbers, len(classes), settings.test_share, settings.seed)
    if not test and not len(drawn):
        raise InputError('no class has two labelled pictures, one of which could be for testing: give --test=FOLDER')
    subsets = {'test': [(test, np.arange(len(test.paths)))] if test else [(train, drawn)],
               'train': [(train, np.setdiff1d(np.flatnonzero(numbers >= 0), drawn))],
               'unlabeled': [(train, np.flatnonzero(numbers < 0))]}
    if unlabeled:
        subsets['unlabeled'].append((unlabeled, np.arange(len(unlabeled.paths))))
    return subsets


def draw_test(numbers, nclass, share, seed):
    """Positions of test pictures, class after class: int64 [m], sorted.

    Args:
        numbers: int [n], classes, -1 for unlabelled pictures.
        nclass, share, seed: number of classes, share of each class in (0, 1), seed of the draw.
    """
    random = np.random.RandomState(seed)
    drawn = []
    for k in range(nclass):
        own = np.flatnonzero(numbers == k)
        if len(own):  # A class of --classes_of may have no picture.
            size = min(len(own) - 1, max(1, int(share * len(own) + 0.5)))
            drawn.append(random.choice(own, size, replace=False))
    return np.sort(np.concatenate(drawn))
