"""Files of splits: drawn once, read as they are, checked."""

import json
import os

from libml.datasets import descriptions, names, records, split_rule, splits
from refusals import refused

import numpy as np
import pytest


def put(data_dir, subset, labels):
    """Records of 1x1 images with the given labels."""
    records.write_records(str(data_dir / f'{subset}.tfrecord'), np.zeros([len(labels), 1, 1, 1], np.uint8), labels)


@pytest.fixture
def folder(tmp_path):
    put(tmp_path, 'toy-train', np.arange(60) % 3)
    descriptions.write_description(
        tmp_path, descriptions.Description('toy', 1, 1, 1, 3, ('a', 'b', 'c'), {'train': 60, 'test': 1}))
    return tmp_path


def test_ssl_excludes_the_labeled_and_ssl2_does_not(folder):
    label, unlabel = splits.ssl_split(folder, 'toy', 3, 12)
    assert label.tolist() == sorted(label.tolist()) and len(label) == 12 and label.dtype == unlabel.dtype == np.int64
    assert sorted([*label, *unlabel]) == list(range(60))
    label2, order = splits.ssl2_split(folder, 'toy', 3, 12)
    assert label2.tolist() == label.tolist() and sorted(order) == list(range(60))
    assert splits.ssl_split(folder, 'toy', 4, 12)[0].tolist() != label.tolist()
    assert splits.ssl_split(folder, 'toy', 0, 12)[0].tolist() == list(range(12))


def test_files_have_the_format_of_the_original(folder):
    label, unlabel = splits.ssl_split(folder, 'toy', 3, 12)
    path = folder / 'SSL' / 'toy.3@12-map.json'
    assert path.read_text() == json.dumps({'label': label.tolist(), 'unlabel': unlabel.tolist()}, indent=2)
    _, order = splits.ssl2_split(folder, 'toy', 3, 12)
    assert json.loads((folder / 'SSL2' / 'toy.3@12-label.json').read_text()) == {
        'distribution': [1., 1., 1.], 'label': label.tolist()}
    assert json.loads((folder / 'SSL2' / 'toy-unlabel.json').read_text()) == {
        'distribution': [1., 1., 1.], 'indexes': order.tolist()}


def test_existing_files_are_read_as_they_are(folder):
    for sub, name, content in [('SSL', 'toy.3@2-map.json', {'label': [7, 5], 'unlabel': [
            i for i in range(59, -1, -1) if i not in (5, 7)]}), ('SSL2', 'toy.3@2-label.json', {
                'distribution': [1, 1, 1], 'label': [0, 3]}), ('SSL2', 'toy-unlabel.json', {
                    'distribution': [1, 1, 1], 'indexes': list(range(59, -1, -1))})]:
        (folder / sub).mkdir(exist_ok=True)
        (folder / sub / name).write_text(json.dumps(content))
    label, unlabel = splits.ssl_split(folder, 'toy', 3, 2)
    assert label.tolist() == [5, 7] and unlabel[:3].tolist() == [59, 58, 57]
    label, order = splits.ssl2_split(folder, 'toy', 3, 2)
    assert label.tolist() == [0, 3] and order.tolist() == list(range(59, -1, -1))


@pytest.mark.parametrize('content', [
    '', '{"label": [1], ', '[]', '{}', '{"label": [1, 2], "unlabel": "x"}', '{"label": [1, 2.5], "unlabel": []}',
    '{"label": [1, 1], "unlabel": []}', '{"label": [1, 2], "unlabel": []}', '{"label": [1, 99999999999999999999]}',
    json.dumps({'label': [0, 1], 'unlabel': list(range(1, 60))}),
    json.dumps({'label': [0, 1, 2], 'unlabel': list(range(3, 60))}),
    json.dumps({'label': [0, 1], 'unlabel': list(range(2, 61))})])
def test_damaged_maps_are_refused(folder, content):
    (folder / 'SSL').mkdir()
    (folder / 'SSL' / 'toy.3@2-map.json').write_text(content)
    with refused('toy.3@2-map.json', 'damaged'):
        splits.ssl_split(folder, 'toy', 3, 2)
    (folder / 'SSL' / 'toy.3@2-map.json').write_text(content, 'utf-16')
    with refused('toy.3@2-map.json', 'must be UTF-8'):
        splits.ssl_split(folder, 'toy', 3, 2)


def test_damaged_ssl2_files_are_refused(folder):
    (folder / 'SSL2').mkdir()
    (folder / 'SSL2' / 'toy-unlabel.json').write_text('{"indexes": [0, 1]}')
    with refused('toy-unlabel.json', 'below 60'):
        splits.ssl2_split(folder, 'toy', 3, 2)
    (folder / 'SSL2' / 'toy.3@2-label.json').write_text('{"label": [0, 60]}')
    with refused('toy.3@2-label.json', '2 different positions below 60'):
        splits.ssl2_split(folder, 'toy', 3, 2)


def test_a_folder_that_cannot_be_written_is_no_obstacle(folder, capsys):
    expected = splits.ssl_split(folder, 'toy', 3, 12)
    os.rename(folder / 'SSL', folder / 'elsewhere')
    (folder / 'SSL').write_text('in the way')
    for got, wanted in zip(splits.ssl_split(folder, 'toy', 3, 12), expected):
        np.testing.assert_array_equal(got, wanted)
    warning = capsys.readouterr().err
    assert warning.startswith('warning: ') and warning.count('\n') == 1


def test_create_split_never_changes_another_split(folder):
    path = str(folder / 'SSL' / 'toy.3@12-map.json')
    assert splits.create_split(folder, 'toy', 3, 12) == [(path, True)]
    assert splits.create_split(folder, 'toy', 3, 12) == [(path, False)]
    assert [written for _, written in splits.create_split(folder, 'toy', 3, 12, ssl2=True)] == [True, True]
    assert [written for _, written in splits.create_split(folder, 'toy', 4, 12, ssl2=True)] == [True, False]
    changed = json.dumps({'label': list(range(12)), 'unlabel': list(range(12, 60))})
    with open(path, 'w') as f:
        f.write(changed)
    with refused(path, 'another split'):
        splits.create_split(folder, 'toy', 3, 12)
    assert open(path).read() == changed


def test_svhn_counts_through_both_files(tmp_path):
    put(tmp_path, 'svhn-train', np.arange(20) % 10)
    put(tmp_path, 'svhn-extra', np.arange(30) % 10)
    label, unlabel = splits.ssl_split(tmp_path, 'svhn', 1, 40)
    assert sorted([*label, *unlabel]) == list(range(50)) and label.max() >= 20
    label, unlabel = splits.ssl_split(tmp_path, 'svhn_noextra', 1, 10)
    assert sorted([*label, *unlabel]) == list(range(20))


def test_labels_of_stl10_come_from_its_train_file(tmp_path):
    put(tmp_path, 'stl10-train', np.arange(5000) % 10)
    put(tmp_path, 'stl10-unlabeled', np.zeros(700, int))
    folds = np.stack([np.random.RandomState(i).permutation(5000)[:1000] for i in range(10)])
    (tmp_path / 'stl10_fold_indices.txt').write_text('\n'.join(' '.join(map(str, fold)) for fold in folds) + '\n')
    label, unlabel = splits.ssl_split(tmp_path, 'stl10', 9, 1000)
    assert label.tolist() == sorted(folds[9]) and sorted([*label, *unlabel]) == list(range(5700))
    assert splits.ssl2_split(tmp_path, 'stl10', 0, 1000)[0].tolist() == sorted(folds[0])
    for seed, size in [(1, 5000), (10, 1000), (1, 40)]:
        label, order = splits.ssl2_split(tmp_path, 'stl10', seed, size)
        assert label.max() < 5000 and (np.bincount(label % 10) == size // 10).all() and len(order) == 5700
    assert (np.bincount(order[:500] % 10) == 50).all()
    with refused('5001 labels', 'there are 5000'):
        splits.ssl_split(tmp_path, 'stl10', 1, 5001)
    (tmp_path / 'stl10_fold_indices.txt').write_text('1 2 3\n')
    with refused('stl10_fold_indices.txt', 'damaged'):
        splits.ssl_split(tmp_path, 'stl10', 1, 1000)


def test_a_class_without_records_is_refused(tmp_path):
    put(tmp_path, 'cifar10-train', np.arange(20) % 9)
    with refused('no record has label 9'):
        splits.ssl_split(tmp_path, 'cifar10', 1, 10)


def test_files_of_few_labels_are_read_and_checked(tmp_path):
    put(tmp_path, 'usps-train', np.arange(40) % 10)
    path = tmp_path / 'DA' / 'usps(2,seed=5).json'
    path.parent.mkdir()
    good = list(range(20, 40))
    path.write_text(json.dumps({'label': good[::-1]}))
    assert splits.domain_split(str(tmp_path), 'usps', 5, 2).tolist() == good
    for bad in (good[:-1], good[:-1] + [20], good[:-1] + [40], good[:-1] + [8], good + [0], None):
        path.write_text(json.dumps({'label': bad}))
        with refused('usps(2,seed=5).json', 'damaged'):
            splits.domain_split(str(tmp_path), 'usps', 5, 2)


def test_a_skewed_split_has_a_file_of_its_own(folder):
    name = names.parse('toy.3@30-3_labeled5_unlabeled-2')
    for split, sub in ((splits.ssl_split, 'SSL'), (splits.ssl2_split, 'SSL2')):
        label, order = split(folder, 'toy', 3, 30)
        kept = splits.skewed_split(split, folder, name, label, order)
        assert [np.bincount(own % 3).tolist() for own in kept] == [
            [10, 4, 2], [5, 7, 10] if sub == 'SSL' else [10, 14, 20]]
        assert np.isin(kept[0], label).all() and [p for p in order if p in kept[1]] == kept[1].tolist()
        path = folder / sub / f'{name}-skew.json'
        assert json.loads(path.read_text()) == {'label': kept[0].tolist(), 'unlabel': kept[1].tolist()}
        path.write_text(json.dumps({'label': label[:1].tolist(), 'unlabel': order[:3].tolist()}))
        again = splits.skewed_split(split, folder, name, label, order)
        assert [own.tolist() for own in again] == [label[:1].tolist(), order[:3].tolist()]
        outside = next(p for p in range(60) if p not in label)
        for bad in ([outside], label[:1].tolist() * 2, [60], None):
            path.write_text(json.dumps({'label': bad, 'unlabel': []}))
            with refused(f'{name}-skew.json', 'damaged'):
                splits.skewed_split(split, folder, name, label, order)


def test_a_skew_of_one_part_leaves_the_other(folder):
    label, order = splits.ssl2_split(folder, 'toy', 3, 30)
    for text, sizes in (('toy.3@30-3_labeled5', [16, 60]), ('toy.3@30-3_unlabeled5', [30, 32]),
                        ('toy-3_labeled5', [16, 60])):
        kept = splits.skewed_split(splits.ssl2_split, folder, names.parse(text), label, order)
        assert [len(own) for own in kept] == sizes
    # A name without a seed is drawn with seed 0.
    assert kept[0].tolist() == label[split_rule.draw_skewed(label % 3, 3, 5, 0)].tolist()


def test_unlabelled_images_that_cannot_be_skewed(tmp_path):
    put(tmp_path, 'stl10-train', np.arange(50) % 10)
    put(tmp_path, 'stl10-unlabeled', np.zeros(70, int))
    name = names.parse('stl10.1@20-0_unlabeled5')
    for order, reason in ((np.arange(120), 'no true label'), (np.arange(0), 'there are none')):
        with refused(f'--imbalance_unlabeled=5 --dataset={name}', reason):
            splits.skewed_split(splits.ssl2_split, tmp_path, name, np.arange(20), order)
    kept, order = splits.skewed_split(splits.ssl2_split, tmp_path, names.parse('stl10.1@20-0_labeled2'), np.arange(50),
                                      np.arange(120))
    assert np.bincount(kept % 10).tolist() == [5, 4, 4, 3, 3, 3, 3, 2, 2, 2] and len(order) == 120


def test_forget(folder):
    """The splits of one dataset, and of none whose name begins alike."""
    assert splits.forget(folder, 'toy') == []
    splits.ssl_split(folder, 'toy', 3, 12)
    splits.ssl2_split(folder, 'toy', 3, 12)
    splits.domain_split(folder, 'toy', 1, 2)
    for name in ('toy2.1@2-map.json', 'atoy.1@2-map.json', 'toy.txt'):
        (folder / 'SSL' / name).touch()
    found = splits.forget(folder, 'toy')
    assert [os.path.basename(path) for path in found] == [
        'toy.3@12-map.json', 'toy-unlabel.json', 'toy.3@12-label.json', 'toy(2,seed=1).json']
    assert not any(map(os.path.exists, found)) and splits.forget(folder, 'toy') == []
    assert sorted(os.listdir(folder / 'SSL')) == ['atoy.1@2-map.json', 'toy.txt', 'toy2.1@2-map.json']


def test_folds_of_numbers_that_are_none(tmp_path):
    for number in ('9' * 30, 'x'):
        (tmp_path / 'stl10_fold_indices.txt').write_text(f'1 2 {number}\n')
        with refused(f'cannot read {tmp_path}/stl10_fold_indices.txt: '):
            splits.read_folds(tmp_path, 'stl10', 100)
