"""RandAugment: operations drawn uniformly for each image, with a fixed level or a level drawn for each.

(Cubuk et al. 2020; google-research/fixmatch @d4985a1 libml/augment.py and third_party/auto_augment.)
"""

import dataclasses

from libml.augment import levels as level_operations

import tensorflow as tf

PROBABILITY = 0.5


@dataclasses.dataclass(frozen=True)
class RandAugment:
    """Token r<n>_<m>_<c>: every operation is applied, at the same level, then a square is cut out.

    Attributes:
        nops: operations per image.
        level: 1..15.
        cutout: side of the final square in percent of the shorter side of the image.
    """

    nops: int
    level: int
    cutout: int

    def __call__(self, images, draws):
        """uint8 [b, h, w, c], Draws -> float32 [b, h, w, c] in [-1, 1], 0 where nothing of the image is left."""
        levels = tf.fill([tf.shape(images)[0], self.nops], self.level)
        state = _apply(images, levels, 1., draws)
        return level_operations.finish(cut_out(state, self.cutout * min(images.shape[1:3]) // 100, draws))


@dataclasses.dataclass(frozen=True)
class RandomLevelRandAugment:
    """Tokens ra, rac, rac<k>: each operation is applied with probability 1/2, at a level drawn from 1..magnitude - 1.

    Attributes:
        magnitude: at least 2.
        cutout: whether a square is cut out in the end.
        nops: operations per image.
    """

    magnitude: int = 10
    cutout: bool = False
    nops: int = 2

    def __call__(self, images, draws):
        """uint8 [b, h, w, c], Draws -> float32 [b, h, w, c] in [-1, 1], 0 where nothing of the image is left."""
        shape = [tf.shape(images)[0], self.nops]
        state = _apply(images, draws.uniform('level', shape, 1, self.magnitude, tf.int32), PROBABILITY, draws)
        return level_operations.finish(cut_out(state, cutout_size(images), draws) if self.cutout else state)


def cutout_size(images):
    """Side of the final cutout: 16 pixels, but at most half the side. (The original: 16 on an image of any size.)"""
    return min(16, min(images.shape[1:3]) // 2)


def cut_out(state, size, draws):
    """Cuts a square of `size` pixels around a uniform pixel out of every image of a state of levels.py."""
    images, _ = state
    n, (height, width) = tf.shape(images)[:1], images.shape[1:3]
    y, x = draws.uniform('cut_y', n, 0, height, tf.int32), draws.uniform('cut_x', n, 0, width, tf.int32)
    return level_operations.cut(state, tf.fill(n, size), x, y)


def _apply(images, levels, probability, draws):
    """Uniform operations at levels [b, nops], each one applied with this probability: a state of levels.py."""
    shape = tf.shape(levels)
    ops = draws.uniform('op', shape, 0, len(level_operations.RANDAUGMENT_NAMES), tf.int32)
    return level_operations.apply_all(images, ops, levels, tf.fill(shape, probability), draws)
