"""What the tests share."""

import os
import pathlib

import numpy as np
import pytest

GOLDEN = pathlib.Path(os.environ.get('LIBML_GOLDEN') or pathlib.Path(__file__).with_name('golden'))


@pytest.fixture
def golden():
    """golden(name) -> dict of the arrays in `<name>.npz`, recorded from the original code (golden/README.md)."""

    def load(name):
        with np.load(GOLDEN / f'{name}.npz', allow_pickle=False) as arrays:
            return dict(arrays)

    return load
