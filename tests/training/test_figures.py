"""Pictures: their format, their size, and whether they are whole."""

import sys

from libml.training import figures
from libml.utils import InputError
from refusals import refused

import pytest
import tensorflow as tf


def test_formats_follow_the_name(tmp_path):
    figure = figures.new_figure(1, 1)
    for name, start in (('a.pdf', b'%PDF'), ('b.png', b'\x89PNG'), ('c', b'\x89PNG')):
        figures.save(figure, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(InputError, match="cannot write .*d.xyz: Format 'xyz'") as error:
        figures.save(figure, tmp_path / 'd.xyz')
    assert '\n' not in str(error.value) and len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize('dpi', [90, 50])
def test_size(tmp_path, dpi):
    """Inches times dots per inch; the folder is made."""
    path = str(tmp_path / 'new' / 'a.png')
    figure = figures.new_figure(3, 2)
    figure.subplots(1, 2)
    figures.save(figure, path, dpi)
    with open(path, 'rb') as f:
        assert tf.io.decode_png(f.read()).shape == (2 * dpi, 3 * dpi, 4)


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / 'file').write_text('')
    with refused('cannot write', 'file/a.png'):
        figures.save(figures.new_figure(1, 1), str(tmp_path / 'file' / 'a.png'))


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    with refused('pictures need matplotlib', 'pip install matplotlib'):
        figures.new_figure(1, 1)
