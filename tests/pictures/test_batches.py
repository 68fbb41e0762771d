"""Picture files in batches, with what cannot be read."""

import os

from libml.datasets.descriptions import Description
from libml.pictures import batches
from libml.pictures.fitting import fitted
from libml.pictures.reading import read
from made_up_pictures import pictures
from refusals import refused

import numpy as np
import pytest

INFO = Description('pets', 6, 8, 3, 2, ('a', 'b'), dict(train=1, test=1), fit='pad')


def test_files_and_folders_are_listed(tmp_path):
    folder = pictures(tmp_path / 'some', 'b/2.png', 'b/10.JPG', 'é a.png', '.hidden/1.png')
    (tmp_path / 'some' / 'notes.txt').write_text('no picture')
    found = batches.listed([f'{folder}/b/2.png', folder, 'nowhere.png'])
    inside = [os.path.join(folder, name) for name in ('b/10.JPG', 'b/2.png', 'é a.png')]
    assert found == [f'{folder}/b/2.png', *inside, 'nowhere.png']
    (tmp_path / 'none').mkdir()
    with refused(str(tmp_path / 'none'), 'has no pictures'):
        batches.listed([tmp_path / 'none'])
    with refused('name a picture or a folder'):
        batches.listed([])


@pytest.mark.parametrize('rows', [2, 4, 100])
def test_bad_pictures_stand_beside_the_others(tmp_path, rows):
    folder = pictures(tmp_path, *(f'{i}.png' for i in range(5)))
    (tmp_path / '1.png').write_bytes(b'no picture')
    paths = [f'{folder}/{name}.png' for name in (4, 1, 0, 7, 2, 3)]
    found = list(batches.batches(paths, INFO, rows, np.flipud))
    assert [len(chunk) for chunk, _, _ in found] == {2: [2, 2, 2], 4: [4, 2], 100: [6]}[rows]
    assert sum((chunk for chunk, _, _ in found), []) == paths
    bad = {path: reason for _, some, _ in found for path, reason in some.items()}
    assert list(bad) == [paths[1], paths[3]]
    assert 'no picture of a known format' in bad[paths[1]] and bad[paths[3]] == 'No such file or directory'
    expected = [fitted(read(path), 6, 8, 3, 'pad')[::-1] for path in paths if path not in bad]
    np.testing.assert_array_equal(np.concatenate([images for _, _, images in found]), expected)


def test_a_batch_of_bad_pictures_is_empty():
    (_, bad, images), = batches.batches(['nowhere.png'], INFO, 3, np.flipud)
    assert list(bad) == ['nowhere.png'] and len(images) == 0 and images.dtype == np.uint8
