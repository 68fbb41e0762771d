"""Weak augmentation of batches of bytes."""

import dataclasses

import tensorflow as tf


def mirror_shift(images, draws, mirror, shift):
    """Random horizontal flip (p = 0.5, if `mirror`), then a random crop of the reflect-padded image.

    Padding mirrors `shift` pixels at every side without repeating the edge; the offsets of the crop are uniform on
    0..2*shift, drawn for each image and axis. Both steps are one gather of pixels.

    Args:
        images: [b, h, w, c] of any type; h and w are static and larger than `shift`.
        draws: a Draws of this batch.
    Returns:
        [b, h, w, c] of the same type.
    """
    b = tf.shape(images)[0]
    height, width, colors = images.shape[1:]
    rows = _shifted(tf.range(height), draws.uniform('shift_y', [b, 1], 0, 2 * shift + 1, tf.int32) - shift, height)
    columns = _shifted(tf.range(width), draws.uniform('shift_x', [b, 1], 0, 2 * shift + 1, tf.int32) - shift, width)
    if mirror:
        # The flip comes first in the original, so it is last on the way from an output pixel to its source.
        flip = draws.uniform('mirror', [b, 1]) < 0.5
        columns = tf.where(flip, width - 1 - columns, columns)
    index = (tf.range(b)[:, None, None] * height + rows[:, :, None]) * width + columns[:, None, :]
    # gather_nd is a third faster than gather for rows of so few bytes.
    return tf.gather_nd(tf.reshape(images, [-1, colors]), index[..., None])


def _shifted(positions, offsets, size):
    """Source positions [b, size] of a shift by `offsets` [b, 1] with reflection at both edges."""
    moved = tf.abs(positions + offsets)
    return tf.where(moved >= size, 2 * (size - 1) - moved, moved)


@dataclasses.dataclass(frozen=True)
class Weak:
    """Mirror and shift with fixed settings: uint8 [b, h, w, c] -> the same.

    Attributes:
        mirror: whether half of the images are mirrored.
        shift: how many pixels an image is moved at most.
    """

    mirror: bool
    shift: int

    def __call__(self, images, draws):
        if not self.mirror and not self.shift:
            return images
        return mirror_shift(images, draws, self.mirror, self.shift)
