"""Pictures of results: drawn with matplotlib, which is not needed for anything else."""

from libml.utils import InputError, written_whole


def new_figure(width, height):
    """A matplotlib Figure of this many inches.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError('pictures need matplotlib: pip install libml[all]') from error
    return Figure(figsize=(width, height), layout='constrained')


def save(figure, path, dpi=90):
    """Writes a PNG, whole or not at all; InputError if it cannot be written."""
    with written_whole(path, 'wb') as f:
        figure.savefig(f, format='png', dpi=dpi)
