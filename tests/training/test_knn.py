"""The vote of nearest neighbours, on vectors whose neighbours are plain to see."""

import sys

from libml.training import knn
from refusals import refused

import numpy as np
import pytest

# Directions in degrees, and their classes: by the angle, whatever the length.
BANK = np.array([[0, 2], [10, 0], [30, 0], [100, 1], [110, 1]])


def vectors(degrees, lengths):
    radians = np.radians(degrees)[:, None]
    return np.float32(lengths)[:, None] * np.hstack([np.cos(radians), np.sin(radians)]).astype(np.float32)


def accuracy(degrees, labels, neighbors):
    bank = vectors(BANK[:, 0], [100, 1, 0.01, 5, 1])
    return knn.accuracy(bank, BANK[:, 1], vectors(np.array(degrees), np.arange(1, len(degrees) + 1)),
                        np.array(labels), neighbors)


def test_votes():
    assert accuracy([1, 9, 99], [2, 0, 1], 1) == 100
    assert accuracy([1, 9, 99], [2, 1, 1], 1) == pytest.approx(200 / 3)
    assert accuracy([1, 9], [0, 0], 3) == 100 and accuracy([1, 9], [2, 2], 3) == 0
    # One vote for each of two classes: the lower one, also where the other is nearer.
    assert accuracy([1, 104], [0, 1], 2) == 100


def test_more_neighbours_than_there_are():
    assert accuracy([1, 99, 104], [0, 0, 0], 200) == accuracy([1, 99, 104], [0, 0, 0], 5) == 100


def test_without_scikit_learn(monkeypatch):
    pytest.importorskip('sklearn')
    monkeypatch.setitem(sys.modules, 'sklearn.neighbors', None)
    with refused('nearest neighbours need scikit-learn', 'pip install scikit-learn'):
        accuracy([1], [2], 1)



