"""Descriptions of datasets: as they are known, as they are written and read, and the paths of the files."""

import json

from libml.datasets import descriptions
from libml.utils import InputError
from refusals import refused

import pytest


def test_description_is_written_and_read(tmp_path):
    mine = descriptions.Description('mine', 4, 5, 1, 2, ('no', 'yes'), {'train': 7, 'test': 3})
    descriptions.write_description(tmp_path, mine)
    assert descriptions.read_description(tmp_path, 'mine') == mine
    content = json.loads((tmp_path / 'mine.json').read_text())
    assert list(content) == ['height', 'width', 'colors', 'nclass', 'class_names', 'counts', 'mirror', 'border',
                             'unlabeled']


def test_folders_of_the_original_have_no_description(tmp_path):
    for name, side, colors, nclass in [
            ('cifar10', 32, 3, 10), ('cifar100', 32, 3, 100), ('svhn', 32, 3, 10), ('svhn_noextra', 32, 3, 10),
            ('stl10', 96, 3, 10), ('mnist', 28, 1, 10), ('fashion_mnist', 28, 1, 10), ('usps', 16, 1, 10),
            ('digits', 8, 1, 10)]:
        info = descriptions.read_description(tmp_path, name)
        assert (info.height, info.width, info.colors) == (side, side, colors)
        assert info.nclass == len(set(info.class_names)) == nclass
    with refused('nosuch', 'cifar10'):
        descriptions.read_description(tmp_path, 'nosuch')


@pytest.mark.parametrize('text', ['', '[1]', '{"height": 1}', json.dumps(dict(
    height=0, width=1, colors=1, nclass=1, class_names=['a'], counts={})), json.dumps(dict(
        height=1, width=1, colors=1, nclass=2, class_names=['a'], counts={})), json.dumps(dict(
            height=1, width=1, colors=1, nclass=1, class_names=['a'], counts=3))])
def test_a_damaged_description_is_refused(tmp_path, text):
    (tmp_path / 'mine.json').write_text(text)
    with refused('mine.json', 'damaged'):
        descriptions.read_description(tmp_path, 'mine')


def test_paths(tmp_path, monkeypatch):
    info = descriptions.DATASET_INFO
    assert descriptions.train_paths('d', info['svhn']) == ['d/svhn-train.tfrecord', 'd/svhn-extra.tfrecord']
    assert descriptions.train_paths('d', info['svhn_noextra']) == ['d/svhn-train.tfrecord']
    assert descriptions.test_path('d', 'svhn_noextra') == 'd/svhn-test.tfrecord'
    assert descriptions.train_paths('d', info['stl10']) == ['d/stl10-train.tfrecord', 'd/stl10-unlabeled.tfrecord']
    monkeypatch.delenv('ML_DATA', raising=False)
    assert descriptions.resolve_data_dir() == './data'
    monkeypatch.setenv('ML_DATA', 'there')
    assert descriptions.resolve_data_dir() == 'there' and descriptions.resolve_data_dir('here') == 'here'


def test_facts_of_an_own_dataset(tmp_path):
    facts = dict(mirror=False, border=2, unlabeled=('web',))
    counts = dict(train=7, web=9, test=3, extra=4, other=1)
    mine = descriptions.Description('mine', 4, 5, 1, 2, ('no', 'yes'), counts, **facts)
    descriptions.write_description(tmp_path, mine)
    assert descriptions.read_description(tmp_path, 'mine') == mine
    assert mine.train_subsets == ['train', 'extra', 'web'] and mine.labeled_subsets == ['train', 'extra']


@pytest.mark.parametrize('name, expected', [('digits', (False, 0, ())), ('fashion_mnist', (True, 2, ())),
                                            ('stl10', (True, 0, ('unlabeled',))), ('mine', (True, 0, ()))])
def test_json_without_facts(tmp_path, name, expected):
    """A file of an earlier version: published datasets keep their facts, an own one has the defaults."""
    counts = dict(train=7, test=3, unlabeled=4) if name == 'stl10' else dict(train=7, test=3)
    content = dict(height=4, width=4, colors=1, nclass=2, class_names=['a', 'b'], counts=counts)
    (tmp_path / f'{name}.json').write_text(json.dumps(content))
    info = descriptions.read_description(tmp_path, name)
    assert (info.mirror, info.border, info.unlabeled) == expected


@pytest.mark.parametrize('fact', [dict(mirror=1), dict(border=-1), dict(border='2'), dict(unlabeled=['test']),
                                  dict(unlabeled=['nothing'])])
def test_wrong_facts(tmp_path, fact):
    content = dict(height=4, width=4, colors=1, nclass=2, class_names=['a', 'b'], counts=dict(train=7, test=3), **fact)
    (tmp_path / 'mine.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match='mine.json is damaged: mirror must be'):
        descriptions.read_description(tmp_path, 'mine')


def test_a_part_of_a_published_dataset(tmp_path):
    """STL-10 without its unlabelled images: what the file does not count is not asked for."""
    content = dict(height=96, width=96, colors=3, nclass=2, class_names=['a', 'b'], counts=dict(train=7, test=3))
    (tmp_path / 'stl10.json').write_text(json.dumps(content))
    assert descriptions.read_description(tmp_path, 'stl10').train_subsets == ['train']
