"""Pictures of results: drawn with matplotlib, which is not needed for anything else."""

import os

from libml.files import written_whole
from libml.utils import InputError


def new_figure(width, height):
    """A matplotlib Figure of this many inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError('pictures need matplotlib: pip install matplotlib') from error
    return Figure(figsize=(width, height), layout='constrained')


def save(figure, path, dpi=90):
    """Writes a picture of the format that the path ends with (else PNG), whole or not at all.

    Raises:
        InputError: it cannot be written, or the format is unknown.
    """
    kind = os.path.splitext(path)[1].removeprefix('.') or 'png'
    with written_whole(path, 'wb') as f:
        try:
            figure.savefig(f, format=kind, dpi=dpi)
        except ValueError as error:
            raise InputError(f'cannot write {path}: {error}') from error
