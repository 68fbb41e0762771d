"""AutoAugment: for each image one pair of operations, drawn from a table that was searched for its dataset.

(Cubuk et al. 2019; the tables of google-research/fixmatch @d4985a1 third_party/auto_augment, which are longer than the
25 pairs of the paper. Their repeated pairs are meant: they are drawn more often.)
"""

import dataclasses
import functools
import re

from libml.augment import levels as level_operations
from libml.augment import randaugment

import numpy as np
import tensorflow as tf

ABBREVIATIONS = {
    'AuC': 'AutoContrast', 'Bri': 'Brightness', 'Col': 'Color', 'Con': 'Contrast', 'Cut': 'Cutout', 'Equ': 'Equalize',
    'Inv': 'Invert', 'Pos': 'Posterize', 'Rot': 'Rotate', 'Sha': 'Sharpness', 'ShX': 'ShearX', 'ShY': 'ShearY',
    'Sol': 'Solarize', 'TrX': 'TranslateX', 'TrY': 'TranslateY',
}

# Of each operation its probability and its level.
CIFAR10 = """
    Inv 0.1 7 + Con 0.2 6; Rot 0.7 2 + TrX 0.3 9; Sha 0.8 1 + Sha 0.9 3; ShY 0.5 8 + TrY 0.7 9
    AuC 0.5 8 + Equ 0.9 2; Sol 0.4 5 + AuC 0.9 3; TrY 0.9 9 + TrY 0.7 9; AuC 0.9 2 + Sol 0.8 3
    Equ 0.8 8 + Inv 0.1 3; TrY 0.7 9 + AuC 0.9 1; Sol 0.4 5 + AuC 0.0 2; TrY 0.7 9 + TrY 0.7 9
    AuC 0.9 0 + Sol 0.4 3; Equ 0.7 5 + Inv 0.1 3; TrY 0.7 9 + TrY 0.7 9; Sol 0.4 5 + AuC 0.9 1
    TrY 0.8 9 + TrY 0.9 9; AuC 0.8 0 + TrY 0.7 9; TrY 0.2 7 + Col 0.9 6; Equ 0.7 6 + Col 0.4 9
    ShY 0.2 7 + Pos 0.3 7; Col 0.4 3 + Bri 0.6 7; Sha 0.3 9 + Bri 0.7 9; Equ 0.6 5 + Equ 0.5 1
    Con 0.6 7 + Sha 0.6 5; Bri 0.3 7 + AuC 0.5 8; AuC 0.9 4 + AuC 0.5 6; Sol 0.3 5 + Equ 0.6 5
    TrY 0.2 4 + Sha 0.3 3; Bri 0.0 8 + Col 0.8 8; Sol 0.2 6 + Col 0.8 6; Sol 0.2 6 + AuC 0.8 1
    Sol 0.4 1 + Equ 0.6 5; Bri 0.0 0 + Sol 0.5 2; AuC 0.9 5 + Bri 0.5 3; Con 0.7 5 + Bri 0.0 2
    Sol 0.2 8 + Sol 0.1 5; Con 0.5 1 + TrY 0.2 9; AuC 0.6 5 + TrY 0.0 9; AuC 0.9 4 + Equ 0.8 4
    Bri 0.0 7 + Equ 0.4 7; Sol 0.2 5 + Equ 0.7 5; Equ 0.6 8 + Col 0.6 2; Col 0.3 7 + Col 0.2 4
    AuC 0.5 2 + Sol 0.7 2; AuC 0.2 0 + Equ 0.1 0; ShY 0.6 5 + Equ 0.6 5; Bri 0.9 3 + AuC 0.4 1
    Equ 0.8 8 + Equ 0.7 7; Equ 0.7 7 + Sol 0.5 0; Equ 0.8 4 + TrY 0.8 9; TrY 0.8 9 + TrY 0.6 9
    TrY 0.9 0 + TrY 0.5 9; AuC 0.5 3 + Sol 0.3 4; Sol 0.5 3 + Equ 0.4 4; Col 0.7 7 + TrX 0.5 8
    Equ 0.3 7 + AuC 0.4 8; TrY 0.4 3 + Sha 0.2 6; Bri 0.9 6 + Col 0.2 8; Sol 0.5 2 + Inv 0.0 3
    AuC 0.1 5 + Bri 0.0 0; Cut 0.2 4 + Equ 0.1 1; Equ 0.7 7 + AuC 0.6 4; Col 0.1 8 + ShY 0.2 3
    ShY 0.4 2 + Rot 0.7 0; ShY 0.1 3 + AuC 0.9 5; TrY 0.3 6 + Cut 0.3 3; Equ 0.5 0 + Sol 0.6 6
    AuC 0.3 5 + Rot 0.2 7; Equ 0.8 2 + Inv 0.4 0; Equ 0.9 5 + Col 0.7 0; Equ 0.1 1 + ShY 0.1 3
    AuC 0.7 3 + Equ 0.7 0; Bri 0.5 1 + Con 0.1 7; Con 0.1 4 + Sol 0.6 5; Sol 0.2 3 + ShX 0.0 0
    TrX 0.3 0 + TrX 0.6 0; Equ 0.5 9 + TrY 0.6 7; ShX 0.1 0 + Sha 0.5 1; Equ 0.8 6 + Inv 0.3 6
    AuC 0.3 9 + Cut 0.5 3; ShX 0.4 4 + AuC 0.9 2; ShX 0.0 3 + Pos 0.0 3; Sol 0.4 3 + Col 0.2 4
    Equ 0.1 4 + Equ 0.7 6; Equ 0.3 8 + AuC 0.4 3; Sol 0.6 4 + AuC 0.7 6; AuC 0.2 9 + Bri 0.4 8
    Equ 0.1 0 + Equ 0.0 6; Equ 0.8 4 + Equ 0.0 4; Equ 0.5 5 + AuC 0.1 2; Sol 0.5 5 + AuC 0.9 5
    AuC 0.6 1 + AuC 0.7 8; Equ 0.2 0 + AuC 0.1 2; Equ 0.6 9 + Equ 0.4 4
"""
SVHN = """
    ShX 0.9 4 + Inv 0.2 3; ShY 0.9 8 + Inv 0.7 5; Equ 0.6 5 + Sol 0.6 6; Inv 0.9 3 + Equ 0.6 3
    Equ 0.6 1 + Rot 0.9 3; ShX 0.9 4 + AuC 0.8 3; ShY 0.9 8 + Inv 0.4 5; ShY 0.9 5 + Sol 0.2 6
    Inv 0.9 6 + AuC 0.8 1; Equ 0.6 3 + Rot 0.9 3; ShX 0.9 4 + Sol 0.3 3; ShY 0.8 8 + Inv 0.7 4
    Equ 0.9 5 + TrY 0.6 6; Inv 0.9 4 + Equ 0.6 7; Con 0.3 3 + Rot 0.8 4; ShX 0.9 3 + Inv 0.5 3
    ShY 0.9 8 + Inv 0.4 5; Equ 0.6 3 + Sol 0.2 3; Inv 0.9 4 + Equ 0.5 6; Equ 0.6 1 + Rot 0.9 3
    Inv 0.8 5 + TrY 0.0 2; ShY 0.7 6 + Sol 0.4 8; Inv 0.6 4 + Rot 0.8 4; ShY 0.3 7 + TrX 0.9 3
    ShX 0.1 6 + Inv 0.6 5; Sol 0.7 2 + TrY 0.6 7; ShY 0.8 4 + Inv 0.8 8; ShX 0.7 9 + TrY 0.8 3
    ShY 0.8 5 + AuC 0.7 3; ShX 0.7 2 + Inv 0.1 5; ShY 0.8 9 + ShX 0.7 7; ShY 0.7 4 + Sol 0.9 7
    ShY 0.9 5 + Inv 0.0 4; TrX 0.8 3 + ShY 0.7 7; Inv 0.1 7 + Sol 0.3 9; Inv 0.6 2 + Inv 0.9 4
    Equ 0.5 2 + Sol 0.9 7; ShY 0.6 7 + Sol 0.8 3; ShY 0.6 3 + Inv 0.6 1; ShX 0.4 2 + Rot 0.7 5
"""
POLICIES = {'cifar10': CIFAR10, 'cifar10_1_v4': CIFAR10, 'cifar10_1_v6': CIFAR10, 'cifar100': CIFAR10, 'svhn': SVHN,
            'svhn_noextra': SVHN}


@dataclasses.dataclass(frozen=True)
class AutoAugment:
    """Tokens aa and aac.

    Attributes:
        dataset: key of POLICIES.
        cutout: whether a square is cut out in the end.
    """

    dataset: str
    cutout: bool = False

    def __call__(self, images, draws):
        """uint8 [b, h, w, c], Draws -> float32 [b, h, w, c] in [-1, 1], 0 where nothing of the image is left."""
        ops, probabilities, levels = table(self.dataset)
        chosen = draws.uniform('pair', tf.shape(images)[:1], 0, len(ops), tf.int32)
        columns = [tf.gather(tf.constant(column), chosen) for column in (ops, levels, probabilities)]
        state = level_operations.apply_all(images, *columns, draws)
        if self.cutout:
            state = randaugment.cut_out(state, randaugment.cutout_size(images), draws)
        return level_operations.finish(state)


@functools.lru_cache(maxsize=None)
def table(dataset):
    """The pairs of a dataset: indices of levels.NAMES int32, probabilities float32, levels int32, all [n, 2]."""
    words = re.findall(r'(\w+) ([\d.]+) (\d+)', POLICIES[dataset])
    names, probabilities, levels = [np.reshape(column, [-1, 2]) for column in zip(*words)]
    ops = [[level_operations.NAMES.index(ABBREVIATIONS[name]) for name in pair] for pair in names]
    return np.array(ops, np.int32), probabilities.astype(np.float32), levels.astype(np.int32)
