"""Weights and learning rates as functions of the step, which counts images (1 kimg = 1024 images)."""

import math

import tensorflow as tf


def progress(step, kimg):
    """Fraction of `kimg` that is done: clip(step / (1024 kimg), 0, 1), a float32 scalar; 1 if kimg is 0.

    Args:
        step: integer scalar tensor, images seen.
        kimg: number >= 0, a Python one.
    """
    if kimg <= 0:
        return tf.constant(1.)
    return tf.clip_by_value(tf.cast(step, tf.float32) / (kimg * 1024), 0, 1)


def warmup(step, warmup_kimg):
    """MixMatch's linear ramp from 0 at step 0 to 1 at warmup_kimg; no warm-up (1 throughout) if that is 0."""
    return progress(step, warmup_kimg)


def warmup_pos(step, pos, train_kimg):
    """The baselines' linear ramp, which ends at the fraction `pos` of the training; 1 throughout if that is 0."""
    return progress(step, pos * train_kimg)


def cosine(progress):
    """FixMatch's factor of the learning rate cos(7/16 pi progress): from 1 at progress 0 to 0.195 at 1."""
    return tf.cos(progress * (7 / 16 * math.pi))


def staircase(step, warmup_kimg, decay_kimg):
    """A linear ramp from 0 until warmup_kimg, then 0.1 to the number of times that decay_kimg have passed since step 0.

    The fall is not counted from the end of the ramp. (fixmatch@d4985a1 imagenet/utils/learning_rate.py)

    Args:
        step: integer scalar tensor, images seen.
        warmup_kimg: number >= 0; without a ramp if it is 0.
        decay_kimg: number > 0.
    Returns:
        float32 scalar in [0, 1].
    """
    kimg = tf.cast(step, tf.float64) / 1024  # Exact, so that every fall is at its own step.
    falls = tf.floor(kimg / decay_kimg)
    return tf.where(kimg < warmup_kimg, warmup(step, warmup_kimg), tf.cast(0.1 ** falls, tf.float32))


def cosine_to(progress, end):
    """AdaMatch's factor of the learning rate cos(arccos(end) progress): from 1 at progress 0 to `end` at 1."""
    return tf.cos(progress * math.acos(end))


def cosine_phases(progress, phases):
    """A weight that starts at 0 and moves through `phases`, each half a cosine (adamatch@7a0b40c shared/train.py).

    Args:
        progress: float32 scalar in [0, 1].
        phases: list of (end, value): from the end of the phase before (or 0) until progress `end`, the weight goes from
            the value before to `value`.
    """
    weight, start, before = tf.zeros_like(progress), 0., 0.
    for end, value in phases:
        share = tf.clip_by_value((progress - start) / (end - start), 0, 1)
        weight += (value - before) * (0.5 - 0.5 * tf.cos(math.pi * share))
        start, before = end, value
    return weight


def half_cosine(progress):
    """(1 + cos(pi progress)) / 2: from 1 at progress 0 to 0 at 1 (arXiv:1608.03983 without restarts; SimCLR)."""
    return 0.5 + 0.5 * tf.cos(math.pi * progress)
