"""ImageNet's two layouts, read where they lie."""

import os
import shutil

import runner
from libml import data_pair
from libml.datasets import imagenet, prepare, splits
from libml.utils import InputError
from made_up_imagenet import CLASSES, folders, shards

import numpy as np
import pytest


@pytest.mark.parametrize('layout', [folders, shards])
def test_both_layouts_give_the_same_dataset(tmp_path, layout, capsys):
    layout(tmp_path / 'given')
    before = sorted(tmp_path.rglob('given/**/*'))
    written = prepare.create('imagenet', str(tmp_path / 'data'), str(tmp_path / 'given'))
    assert [os.path.basename(path) for path in written] == ['imagenet-train.index.npz', 'imagenet-test.index.npz']
    assert 'imagenet: 3 classes, 12 training and 6 test pictures' in capsys.readouterr().out
    assert sorted(tmp_path.rglob('given/**/*')) == before
    assert not prepare.create('imagenet', str(tmp_path / 'data'), str(tmp_path / 'given'))
    dataset = data_pair.PAIR_DATASETS['imagenet.1@6-2'](data_dir=str(tmp_path / 'data'), size=16)
    assert dataset.class_names == (CLASSES if layout is folders else ('0', '1', '2'))
    assert np.bincount(dataset.labeled.labels).tolist() == [2, 2, 2] and len(dataset.unlabeled) == 10
    pixels, labels = dataset.test.images[:], dataset.test.labels
    assert pixels.shape == (6, 16, 16, 3)
    numbers = np.rint(pixels[:, 8, 8, 0] / 10).astype(int)
    assert sorted(numbers) == list(range(12, 18)) and (numbers % 3 == labels).all()


@pytest.mark.parametrize('layout', [folders, shards])
@pytest.mark.parametrize('change', ['a picture', 'a file of pictures', 'no description'])
def test_what_has_changed_is_noticed(tmp_path, layout, change):
    layout(tmp_path / 'given')
    data = tmp_path / 'data'
    imagenet.create(str(data), str(tmp_path / 'given'))
    splits.create_split(str(data), 'imagenet', 1, 6, True)
    before = (data / 'imagenet.json').read_text()
    train = sorted(path for path in (tmp_path / 'given').rglob('*') if path.is_file() and 'train' in str(path))
    if change == 'no description':
        os.remove(data / 'imagenet.json')
    elif change == 'a picture' and layout is folders:
        shutil.copy(train[0], train[0].with_name('new.JPEG'))
    else:
        shutil.copy(train[0], train[1] if change == 'a picture' else train[0].with_name(train[0].name + '0.JPEG'))
    assert imagenet.create(str(data), str(tmp_path / 'given'))
    assert ((data / 'imagenet.json').read_text() == before) == (change == 'no description')
    assert len(list((data / 'SSL2').iterdir())) == 2 * (change == 'no description')
    assert not imagenet.create(str(data), str(tmp_path / 'given'))


def test_it_trains_from_the_command_line(tmp_path):
    folders(tmp_path / 'given')
    place = f'--data_dir={tmp_path}/data'
    code, out, err = runner.run('scripts/create_datasets.py', place, f'--archives={tmp_path}/given', 'imagenet')
    assert code == 0 and 'imagenet: 3 classes' in out, err
    code, _, err = runner.run('scripts/create_datasets.py', place, 'imagenet')
    assert code == 1 and 'error: imagenet cannot be downloaded: give --archives=DIR' in err


@pytest.mark.parametrize('change, text', [
    ('no val', 'has train/, but neither val/ nor validation/ beside it'),
    ('a class', "must have the classes of .*/train: 'n02' is in one of them only"),
    ('nothing', 'has neither a folder')])
def test_what_is_missing_is_named(tmp_path, change, text):
    folders(tmp_path)
    if change == 'no val':
        os.rename(tmp_path / 'val', tmp_path / 'other')
    elif change == 'a class':
        os.rename(tmp_path / 'val' / 'n02', tmp_path / 'val' / 'n04')
    else:
        os.rename(tmp_path / 'train', tmp_path / 'other')
    with pytest.raises(InputError, match=text):
        imagenet.create(str(tmp_path / 'data'), str(tmp_path))
    assert not (tmp_path / 'data').exists()
