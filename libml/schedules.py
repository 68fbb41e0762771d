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
