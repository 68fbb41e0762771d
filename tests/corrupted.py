"""Pictures for the tests of corruptions, and what compares them."""

from libml.corruptions import table as corruptions

import numpy as np
from sklearn.datasets import load_sample_images

FLAT = np.full([100, 32, 32, 3], 128, np.uint8)


def pictures():
    """uint8 [24, 32, 32, 3]: parts of two photographs at a quarter of their size."""
    parts = []
    for photograph in load_sample_images().images:
        small = photograph[:384, :512].reshape(96, 4, 128, 4, 3).mean((1, 3))
        parts += [small[y:y + 32, x:x + 32] for y in (0, 32, 64) for x in (0, 32, 64, 96)]
    return np.rint(parts).astype(np.uint8)


def parameters(name, severity):
    return corruptions.CORRUPTIONS[name][severity]


def assert_truncated(got, x, eps=1e-9):
    """got is x cut off to [0, 1], times 255, truncated; where that is whole but for rounding, one less is right too."""
    exact = np.clip(np.asarray(x, np.float64), 0, 1) * 255
    right = (got == np.floor(exact + eps)) | (got == np.floor(exact - eps))
    assert got.dtype == np.uint8 and right.all(), f'{(~right).mean():.2%} differ'
    assert (got == np.floor(exact)).mean() > 0.8
