"""Adaptations: the border, the enlargement and the colours of arrays."""

from libml.images.adaptation import Adaptation
from libml.images.enlarge import enlarge

import numpy as np

IMAGES = np.random.RandomState(0).randint(1, 256, (3, 4, 5, 1)).astype(np.uint8)


def test_nothing_to_do_is_no_copy():
    assert Adaptation()(IMAGES) is IMAGES and Adaptation(colors=1)(IMAGES) is IMAGES


def test_border_then_enlargement_then_colors():
    found = Adaptation(((1, 2), (0, 3)), 16, 3)(IMAGES)
    padded = np.zeros((3, 7, 8, 1), np.uint8)
    padded[:, 1:5, :5] = IMAGES
    np.testing.assert_array_equal(found, enlarge(padded, 16).repeat(3, 3))
    assert found.shape == (3, 16, 16, 3)
