"""Accuracy of a vote of the nearest neighbours among features; needs scikit-learn."""

from libml.utils import InputError

import numpy as np


def classifier(neighbors):
    """scikit-learn's unweighted vote of the nearest by cosine.

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.neighbors import KNeighborsClassifier
    except ImportError as error:
        raise InputError('nearest neighbours need scikit-learn: pip install scikit-learn') from error
    return KNeighborsClassifier(neighbors, metric='cosine')


def accuracy(bank, bank_labels, features, labels, neighbors):
    """Percent of features whose `neighbors` nearest (at most all) of the bank vote for the label; ties: lowest class.

    Args:
        bank, features: float32 [m, d] and [n, d], compared by their cosine.
        bank_labels, labels: int [m] and [n].
    """
    voters = classifier(min(neighbors, len(bank))).fit(bank, bank_labels)
    return 100. * float(np.mean(voters.predict(features) == labels))
