"""Weak augmentation against numpy."""

from libml.augment import weak
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf


def run(build):
    """Evaluates what build() makes in a fresh graph."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(build())


@pytest.mark.parametrize('shape, shift', [((5, 8, 8, 1), 1), ((5, 12, 20, 3), 4), ((3, 96, 96, 3), 12)])
@pytest.mark.parametrize('mirror', [False, True])
def test_mirror_shift_is_a_crop_of_the_padded_image(shape, shift, mirror):
    images = np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
    found, up, left, flip = run(lambda: [
        weak.mirror_shift(tf.constant(images), Draws(3, 11), mirror, shift),
        Draws(3, 11).uniform('shift_y', [shape[0], 1], 0, 2 * shift + 1, tf.int32),
        Draws(3, 11).uniform('shift_x', [shape[0], 1], 0, 2 * shift + 1, tf.int32),
        Draws(3, 11).uniform('mirror', [shape[0], 1]) < 0.5])
    h, w = shape[1:3]
    for image, out, dy, dx, mirrored in zip(images, found, up[:, 0], left[:, 0], flip[:, 0]):
        image = image[:, ::-1] if mirror and mirrored else image
        padded = np.pad(image, [(shift, shift), (shift, shift), (0, 0)], 'reflect')
        np.testing.assert_array_equal(out, padded[dy:dy + h, dx:dx + w])


def test_shifts_and_flips_are_uniform():
    images = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1).repeat(9000, 0)
    out = run(lambda: weak.mirror_shift(tf.constant(images), Draws(0, 0), True, 1))
    # Nine crops and their mirror images; some coincide, so the centre pixel tells the crop.
    counts = np.bincount(out[:, 1, 1, 0], minlength=9)
    assert np.abs(counts - 1000).max() < 150
    flipped = (out[:, 1, 0, 0].astype(int) > out[:, 1, 2, 0])
    inner = (out[:, 1, 1, 0] % 3) == 1
    assert abs(flipped[inner].mean() - 0.5) < 0.05
