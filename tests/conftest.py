"""What the tests share."""

import os
import pathlib

import numpy as np
import pytest

GOLDEN = pathlib.Path(os.environ.get('LIBML_GOLDEN') or pathlib.Path(__file__).with_name('golden'))


@pytest.fixture
def golden():
    """golden(name) -> dict of the arrays in `<name>.npz`, recorded from the original code (golden/README.md)."""

    return lambda name: load(GOLDEN / f'{name}.npz')


@pytest.fixture
def case():
    """case(name) -> dict of the arrays in golden/<name>.npz here: small inputs, not a part of LIBML_GOLDEN's sets."""
    return lambda name: load(pathlib.Path(__file__).with_name('golden') / f'{name}.npz')


@pytest.fixture
def no_updates(monkeypatch):
    """Steps update nothing, for tests of their losses alone: the ops of the updates are half of a graph."""
    from libml import step_order  # Late: not all tests need TensorFlow.

    import tensorflow as tf

    monkeypatch.setattr(step_order, 'train_op', lambda *args: tf.no_op())


def load(path):
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
