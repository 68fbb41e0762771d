"""Splits whose labelled pictures are named in a list."""

import json
import shutil

import runner
from libml.datasets import prepare, records, split_names, splits
from libml.datasets.descriptions import Description, write_description
from made_up_imagenet import folders, shards
from refusals import refused

import numpy as np
import pytest

NAMES = '03.JPEG,0,17\n11.JPEG,1,2\n\n00.JPEG\n'


@pytest.fixture(params=[folders, shards], ids=['folders', 'shards'])
def data_dir(tmp_path, request):
    """A data folder with ImageNet in one of its layouts, whose training pictures are called 00.JPEG to 11.JPEG."""
    request.param(tmp_path / 'given')
    prepare.create('imagenet', str(tmp_path / 'data'), str(tmp_path / 'given'))
    return tmp_path / 'data'


def listed(data_dir, text):
    (data_dir / 'list.txt').write_text(text)
    return str(data_dir / 'list.txt')


def test_positions_of_names(data_dir):
    path = listed(data_dir, NAMES)
    found = split_names.positions(str(data_dir), 'imagenet', path)
    in_shards = len(list(data_dir.parent.glob('given/train-*'))) > 0
    order = sorted(range(12), key=lambda i: i if in_shards else (i % 3, i))
    assert found.dtype == np.int64 and [order[i] for i in found] == [0, 3, 11]
    splits.create_split(str(data_dir), 'imagenet', 2, 3, True, found)
    assert splits.ssl2_split(str(data_dir), 'imagenet', 2, 3)[0].tolist() == found.tolist()
    with refused('holds another split than seed 2 and size 3 give'):
        splits.create_split(str(data_dir), 'imagenet', 2, 3, True)


@pytest.mark.parametrize('text, words', [
    ('03.JPEG\n12.JPEG\nx\n', "no training picture of imagenet is called '12.JPEG' (2 of 3 names are not there)"),
    ('03.JPEG,0,1\n00.JPEG\n03.JPEG,5,6', "line 3 has '03.JPEG' again, which is in line 1"), ('\n', 'holds no name')])
def test_wrong_lists(data_dir, text, words):
    path = listed(data_dir, text)
    with refused(path, words):
        split_names.positions(str(data_dir), 'imagenet', path)


def test_names_that_do_not_tell_pictures_apart(tmp_path):
    folders(tmp_path / 'given')
    shutil.copy(tmp_path / 'given/train/n01/images/03.JPEG', tmp_path / 'given/train/n02/images')
    prepare.create('imagenet', str(tmp_path), str(tmp_path / 'given'))
    with refused("several training pictures of imagenet are called '03.JPEG'"):
        split_names.positions(str(tmp_path), 'imagenet', listed(tmp_path, NAMES))


def test_records_without_names_and_files_that_are_not_there(tmp_path):
    write_description(tmp_path, Description('toy', 1, 1, 1, 2, ('a', 'b'), {'train': 4, 'test': 1}))
    records.write_records(str(tmp_path / 'toy-train.tfrecord'), np.zeros([4, 1, 1, 1], np.uint8), np.arange(4) % 2)
    with refused('toy-train.tfrecord: record 0 has no `image/filename`'):
        split_names.positions(str(tmp_path), 'toy', listed(tmp_path, 'a'))
    with refused('cannot read', 'nothing.txt'):
        split_names.positions(str(tmp_path), 'toy', str(tmp_path / 'nothing.txt'))


def test_the_script(tmp_path):
    folders(tmp_path / 'given')
    prepare.create('imagenet', str(tmp_path), str(tmp_path / 'given'))
    arguments = ['scripts/create_split.py', '--seed=4', f'--data_dir={tmp_path}', f'--names={listed(tmp_path, NAMES)}']
    code, out, err = runner.run(*arguments, '--size=3', 'imagenet')
    path = tmp_path / 'SSL2' / 'imagenet.4@3-label.json'
    assert code == 0 and f'wrote {path}' in out, err
    assert json.loads(path.read_text())['label'] == split_names.positions(
        str(tmp_path), 'imagenet', str(tmp_path / 'list.txt')).tolist()
    code, _, err = runner.run(*arguments, '--size=5', 'imagenet')
    assert code == 1 and err.startswith('error: --size=5: ') and err.endswith('list.txt has 3 names'), err
    assert not (tmp_path / 'SSL2' / 'imagenet.4@5-label.json').exists()
