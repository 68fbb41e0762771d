"""Descriptions of datasets: as they are known, as they are written and read, and the paths of the files."""

import json

from libml.datasets import descriptions
from refusals import refused

import pytest


def test_description_is_written_and_read(tmp_path):
    mine = descriptions.Description('mine', 4, 5, 1, 2, ('no', 'yes'), {'train': 7, 'test': 3})
    descriptions.write_description(tmp_path, mine)
    assert descriptions.read_description(tmp_path, 'mine') == mine
    content = json.loads((tmp_path / 'mine.json').read_text())
    assert list(content) == ['height', 'width', 'colors', 'nclass', 'class_names', 'counts', 'mirror', 'border',
                             'unlabeled', 'fit', 'family']


def test_folders_of_the_original_have_no_description(tmp_path):
    for name, side, colors, nclass in [
            ('cifar10', 32, 3, 10), ('cifar100', 32, 3, 100), ('svhn', 32, 3, 10), ('svhn_noextra', 32, 3, 10),
            ('cifar10_1_v4', 32, 3, 10), ('cifar10_1_v6', 32, 3, 10), ('syndigit', 32, 3, 10), ('mnist_m', 32, 3, 10),
            ('stl10', 96, 3, 10), ('mnist', 28, 1, 10), ('fashion_mnist', 28, 1, 10), ('usps', 16, 1, 10),
            ('digits', 8, 1, 10)]:
        info = descriptions.read_description(tmp_path, name)
        assert (info.height, info.width, info.colors) == (side, side, colors)
        assert info.nclass == len(set(info.class_names)) == nclass
    with refused('nosuch', 'cifar10'):
        descriptions.read_description(tmp_path, 'nosuch')


GOOD = dict(height=4, width=4, colors=1, nclass=2, class_names=['a', 'b'], counts=dict(train=7, test=3))


@pytest.mark.parametrize('text', ['', '[1]', '"text"', '{"height": 4', b'\xff\xfe{\0}\0'])
def test_what_is_no_description_is_refused(tmp_path, text):
    (tmp_path / 'mine.json').write_bytes(text if isinstance(text, bytes) else text.encode())
    with refused('mine.json is damaged: ' + 'it must be UTF-8' * isinstance(text, bytes)):
        descriptions.read_description(tmp_path, 'mine')


def test_missing_and_unknown_keys_are_named(tmp_path):
    content = {key: value for key, value in GOOD.items() if key not in ('width', 'counts')}
    (tmp_path / 'mine.json').write_text(json.dumps(content))
    keys = 'height, width, colors, nclass, class_names, counts, and it may have mirror, border, unlabeled'
    with refused(f'mine.json lacks width, counts: its keys are {keys}'):
        descriptions.read_description(tmp_path, 'mine')
    (tmp_path / 'mine.json').write_text(json.dumps(dict(GOOD, **{'class\nname': 1})))
    with refused(f"mine.json has the unknown key 'class\\nname': its keys are {keys}"):
        descriptions.read_description(tmp_path, 'mine')


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / 'mine.json').write_text(json.dumps(dict(GOOD, class_names=['é', 'ü']), ensure_ascii=False), 'utf-8-sig')
    assert descriptions.read_description(tmp_path, 'mine').class_names == ('é', 'ü')


def test_paths(tmp_path, monkeypatch):
    info = descriptions.DATASET_INFO
    assert descriptions.train_paths('d', info['svhn']) == ['d/svhn-train.tfrecord', 'd/svhn-extra.tfrecord']
    assert descriptions.train_paths('d', info['svhn_noextra']) == ['d/svhn-train.tfrecord']
    assert descriptions.test_path('d', 'svhn_noextra') == 'd/svhn-test.tfrecord'
    assert descriptions.train_paths('d', info['cifar10_1_v6']) == ['d/cifar10-train.tfrecord']
    assert descriptions.test_path('d', 'cifar10_1_v6') == 'd/cifar10_1_v6-test.tfrecord'
    assert descriptions.train_paths('d', info['stl10']) == ['d/stl10-train.tfrecord', 'd/stl10-unlabeled.tfrecord']
    monkeypatch.delenv('ML_DATA', raising=False)
    assert descriptions.resolve_data_dir() == './data'
    monkeypatch.setenv('HOME', '/home/me')
    for folder, given in (('/home/me/there', None), ('/home/me', '~')):
        monkeypatch.setenv('ML_DATA', '~/there')
        assert descriptions.resolve_data_dir(given) == folder
    for given in ('~nouser/data', ''):
        monkeypatch.setenv('ML_DATA', given or '~nouser')
        with refused(given or '~nouser', 'the home folder of nouser is not known', './~nouser'):
            descriptions.resolve_data_dir(given)
    monkeypatch.setenv('ML_DATA', 'there')
    assert descriptions.resolve_data_dir() == 'there' and descriptions.resolve_data_dir('here') == 'here'


def test_facts_of_an_own_dataset(tmp_path):
    facts = dict(mirror=False, border=2, unlabeled=('web',), fit='pad', family='zoo')
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
    (tmp_path / f'{name}.json').write_text(json.dumps(dict(GOOD, counts=counts)))
    info = descriptions.read_description(tmp_path, name)
    assert (info.mirror, info.border, info.unlabeled) == expected and info.fit == 'crop'
    assert info.family == ('digits' if name == 'digits' else '')


def test_families(tmp_path):
    digits = dict(digits='digits', digits_m='digits', **dict.fromkeys(
        ('mnist', 'mnist_m', 'svhn_noextra', 'syndigit', 'usps'), 'digitfive'))
    assert descriptions.families(tmp_path / 'nowhere') == digits
    for name, family in (('b', 'zoo'), ('a', 'zoo'), ('mnist', ''), ('c', ''), ('digits', None), ('gone', 'zoo')):
        content = GOOD if family is None else dict(GOOD, family=family)
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
        if name != 'gone':
            (tmp_path / f'{name}-train.tfrecord').touch()
    (tmp_path / 'notes.json').write_text('of no dataset')
    del digits['mnist']
    assert list(descriptions.families(tmp_path).items()) == sorted({**digits, 'a': 'zoo', 'b': 'zoo'}.items())
    (tmp_path / 'c.json').write_text('{')
    with refused('c.json is damaged'):
        descriptions.families(tmp_path)


def test_the_first_class_that_differs():
    one, other, same = [descriptions.Description(name, 4, 4, 1, 3, classes, {}) for name, classes in (
        ('one', ('b', 'a', 'd')), ('other', ('b', 'd', 'c')), ('same', ('d', 'b', 'a')))]
    assert descriptions.difference(one, same) == ''
    for pair in ((one, other), (other, one)):
        assert descriptions.difference(*pair) == 'one has a class a, and other has none of this name'


@pytest.mark.parametrize('key, value, requirement', [
    ('height', 0, 'a whole number from 1 to 65535'), ('width', 65536, 'a whole number from 1 to 65535'),
    ('border', 257, 'a whole number from 0 to 256'), ('class_names', ['a', '\ud800'], 'a list of 2 different texts'),
    ('width', 4.0, 'a whole number from 1'), ('nclass', True, 'a whole number'),
    ('colors', 4, '1 or 3'), ('class_names', ['a'], 'a list of 2 different texts'),
    ('class_names', 'ab', 'a list of 2 different texts'), ('class_names', [0, 1], 'a list of 2 different texts'),
    ('class_names', ['a', 'a'], 'a list of 2 different texts'), ('counts', 3, 'an object of subsets'),
    ('counts', dict(train=0), 'an object of subsets'), ('mirror', 1, 'true or false'), ('border', -1, 'a whole number'),
    ('border', '2', 'a whole number from 0'), ('unlabeled', ['test'], 'a list of subsets in counts, without'),
    ('unlabeled', ['nothing'], 'a list of subsets in counts'), ('unlabeled', 'train', 'a list of subsets in counts'),
    ('family', 3, "'' or a name: a name is a letter"), ('family', 'a b', "'' or a name: a name is a letter"),
    ('fit', 'squeeze', 'one of crop, pad, stretch'), ('fit', ['pad'], 'one of crop')])
def test_wrong_values(tmp_path, key, value, requirement):
    (tmp_path / 'mine.json').write_text(json.dumps({**GOOD, key: value}))
    with refused(f'mine.json is damaged: {key} is {value!r}, and must be {requirement}'):
        descriptions.read_description(tmp_path, 'mine')


@pytest.mark.parametrize('name', ['my-flowers', '2024leaves', 'a b', '', '../x'])
def test_names_that_no_dataset_can_have(tmp_path, name):
    """Also where a file of that name lies: a dataset's files are in the data folder."""
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / f'{name}.json').write_text(json.dumps(GOOD))
    with refused(repr(name), 'a name is a letter followed by letters, digits and underscores'):
        descriptions.read_description(tmp_path / 'data', name)
    with refused(repr(name), 'a name is a letter followed by letters, digits and underscores'):
        descriptions.write_description(tmp_path / 'new', descriptions.Description(name, 4, 4, 1, 1, ('a',), {}))
    assert not list(tmp_path.glob('new*'))


def test_an_unlabelled_subset_is_never_left_out(tmp_path):
    """Counted, it is used also if the key `unlabeled` does not say so; where it is not counted, it is refused."""
    counts = dict(train=7, test=3, unlabeled=9)
    for more in ({}, dict(unlabeled=[])):
        (tmp_path / 'mine.json').write_text(json.dumps(dict(GOOD, counts=counts, **more)))
        assert descriptions.read_description(tmp_path, 'mine').train_subsets == ['train', 'unlabeled']
    made = descriptions.Description('mine', 4, 4, 1, 2, ('a', 'b'), dict(counts, web=1), unlabeled=('web',))
    assert made.train_subsets == ['train', 'web', 'unlabeled']
    for subset in ('unlabeled', 'extra'):
        path = tmp_path / f'mine-{subset}.tfrecord'
        path.touch()
        (tmp_path / 'mine.json').write_text(json.dumps(GOOD))
        with refused(str(path), 'mine.json', f'without {subset!r}: add its number of records there, or move the file'):
            descriptions.read_description(tmp_path, 'mine')
        path.unlink()
    assert descriptions.read_description(tmp_path, 'mine').train_subsets == ['train']


def test_counts_of_a_file_hold_and_published_ones_do_not(tmp_path):
    assert descriptions.stored_counts('d', descriptions.DATASET_INFO['svhn']) == {}
    info = descriptions.DATASET_INFO['svhn_noextra']
    descriptions.write_description(tmp_path, info)
    assert descriptions.stored_counts(tmp_path, info) == {
        str(tmp_path / 'svhn-train.tfrecord'): 73257, str(tmp_path / 'svhn-test.tfrecord'): 26032}


def test_a_part_of_a_published_dataset(tmp_path):
    """STL-10 without its unlabelled images: what the file does not count is not asked for."""
    content = dict(height=96, width=96, colors=3, nclass=2, class_names=['a', 'b'], counts=dict(train=7, test=3))
    (tmp_path / 'stl10.json').write_text(json.dumps(content))
    assert descriptions.read_description(tmp_path, 'stl10').train_subsets == ['train']
