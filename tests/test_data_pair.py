"""The datasets that names on the command line stand for: splits, labels, weights of classes."""

import dataclasses
import json
import os
import shutil

from libml import data_pair
from libml.datasets import descriptions, records
from libml.utils import InputError
from refusals import refused

import numpy as np
import pytest


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    """A folder with `digits`, and `made`: 60 + 12 colour pictures of 3 classes whose bytes tell their position."""
    folder = tmp_path_factory.mktemp('data')
    data_pair.DATASETS['digits-10'](str(folder))
    for subset, n in (('train', 60), ('test', 12)):
        images = np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(12, 1).repeat(12, 2).repeat(3, 3)
        records.write_records(str(folder / f'made-{subset}.tfrecord'), images, np.arange(n) % 3)
    descriptions.write_description(str(folder), descriptions.Description('made', 12, 12, 3, 3, ('a', 'b', 'c'),
                                                                         dict(train=60, test=12)))
    return str(folder)


def positions(subset):
    return subset.images[:, 0, 0, 0].tolist()


def test_mixmatch_split_partitions_the_training_images(data_dir):
    dataset = data_pair.DATASETS['made.1@9-6'](data_dir)
    parts = [positions(s) for s in (dataset.labeled, dataset.valid, dataset.unlabeled)]
    assert [len(p) for p in parts] == [9, 6, 45] and sorted(sum(parts, [])) == list(range(60))
    with open(f'{data_dir}/SSL/made.1@9-map.json') as f:
        split = json.load(f)
    assert parts[0] == split['label'] and parts[1] + parts[2] == split['unlabel']
    np.testing.assert_array_equal(dataset.labeled.labels, np.array(parts[0]) % 3)
    assert (dataset.name, dataset.base, dataset.nclass) == ('made.1@9-6', 'made', 3)
    assert dataset.class_names == ('a', 'b', 'c')
    assert (dataset.height, dataset.colors, dataset.shift) == (12, 3, 1)


def test_fixmatch_split_includes_labelled_images_and_validates_on_others(data_dir):
    dataset = data_pair.PAIR_DATASETS['made.1@9-6'](data_dir)
    labeled, valid, unlabeled = [positions(s) for s in (dataset.labeled, dataset.valid, dataset.unlabeled)]
    assert sorted(valid + unlabeled) == list(range(60)) and set(labeled) <= set(unlabeled)
    with open(f'{data_dir}/SSL2/made-unlabel.json') as f:
        order = json.load(f)['indexes']
    assert valid == [p for p in order if p not in labeled][:6]
    assert unlabeled == [p for p in order if p not in valid]


def test_skewed_classes(data_dir):
    """The largest class is as large as the split allows, the validation images are those without a skew."""
    for registry in (data_pair.DATASETS, data_pair.PAIR_DATASETS):
        plain = registry['made.1@45-6'](data_dir)
        most = np.bincount(plain.unlabeled.labels)[2]
        for dataset in (registry['made.1@45-6'](data_dir, imbalance_labeled=5., imbalance_unlabeled=-3.),
                        registry['made.1@45-6_labeled5_unlabeled-3'](data_dir)):
            assert dataset.name == 'made.1@45-6_labeled5_unlabeled-3' and dataset.base == 'made'
            assert np.bincount(dataset.labeled.labels).tolist() == [15, 6, 3]
            assert np.bincount(dataset.unlabeled.labels).tolist() == [int(most / 3), int(most / 3 ** .5), most]
            assert set(positions(dataset.labeled)) < set(positions(plain.labeled))
            assert set(positions(dataset.unlabeled)) < set(positions(plain.unlabeled))
            assert positions(dataset.valid) == positions(plain.valid)
            assert dataset.labeled.pixels is dataset.unlabeled.pixels and len(dataset.labeled.pixels) == 60
    assert np.bincount(data_pair.DATASETS['made-6_labeled3'](data_dir).labeled.labels).tolist() == [18, 10, 6]
    with pytest.raises(InputError, match=r'--imbalance_unlabeled=2 --dataset=made-6_unlabeled2: .* there are none'):
        data_pair.DATASETS['made-6'](data_dir, imbalance_unlabeled=2.)


def test_all_labels(data_dir):
    """Validation images are the first of a published dataset; those of others, maybe sorted by class, are drawn."""
    dataset = data_pair.DATASETS['digits-7'](data_dir)
    assert dataset.valid.positions.tolist() == list(range(7))
    assert dataset.labeled.positions.tolist() == list(range(7, 1400))
    dataset = data_pair.DATASETS['made-7'](data_dir)
    valid = positions(dataset.valid)
    assert sorted(valid) != list(range(7)) and sorted(valid + positions(dataset.labeled)) == list(range(60))
    assert np.bincount(dataset.valid.labels).tolist() == [3, 2, 2]
    assert len(dataset.unlabeled) == 0 and len(dataset.test) == 12
    assert positions(data_pair.DATASETS['made-9'](data_dir).valid)[:7] == valid


def test_digits_are_made_at_first_use(data_dir):
    dataset = data_pair.DATASETS['digits.3@40-100'](data_dir)
    assert [len(s) for s in (dataset.labeled, dataset.unlabeled, dataset.valid, dataset.test)] == [40, 1260, 100, 397]
    assert not dataset.mirror and dataset.shift == 1 and dataset.test.images.shape == (397, 8, 8, 1)
    assert np.bincount(dataset.labeled.labels).tolist() == [4] * 10


def test_class_weights(data_dir):
    dataset = data_pair.DATASETS['made.1@9-6'](data_dir, p_unlabeled='1,2,4')
    np.testing.assert_array_equal(dataset.p_unlabeled, np.float32([0.25, 0.5, 1]))
    for text in ('1,2', '1,2,x', '-1,2,3', '0,0,0', '1,2,nan'):
        with pytest.raises(InputError, match='3 comma-separated'):
            data_pair.class_weights(text, 3)


def test_all_labels_but_drawn_ones(data_dir):
    """With @all the validation images are drawn by the seed, evenly, and the rule of the split makes the rest."""
    for registry, unlabeled in ((data_pair.DATASETS, 0), (data_pair.PAIR_DATASETS, 54)):
        dataset, other = registry['made.1@all-6'](data_dir), registry['made.2@all-6'](data_dir)
        labeled, valid = positions(dataset.labeled), positions(dataset.valid)
        assert sorted(labeled + valid) == list(range(60)) and len(dataset.unlabeled) == unlabeled
        assert np.bincount(dataset.valid.labels).tolist() == [2, 2, 2]
        assert not set(valid) & set(positions(dataset.unlabeled))
        assert sorted(valid) != sorted(positions(other.valid)) and dataset.name == 'made.1@all-6'
        assert positions(registry['made.1@all-9'](data_dir).valid)[:6] == valid
    assert len(data_pair.DATASETS['made.1@all-0'](data_dir).labeled) == 60
    with pytest.raises(InputError, match='can be 59 at most'):
        data_pair.DATASETS['made.1@all-60'](data_dir)


@pytest.mark.parametrize('text, sizes', [
    ('made.1@60-0', [60, 0, 0]), ('made.1@9-51', [9, 0, 51]), ('made-59', [1, 0, 59])])
def test_no_unlabelled_image_left(data_dir, text, sizes):
    dataset = data_pair.DATASETS[text](data_dir)
    assert [len(s) for s in (dataset.labeled, dataset.unlabeled, dataset.valid)] == sizes


def test_stl10_with_all_its_labels(tmp_path):
    """20 labelled images, 40 of which no class is known: those are not for validation."""
    for subset, n in (('train', 20), ('unlabeled', 40), ('test', 10)):
        images = np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(96, 1).repeat(96, 2).repeat(3, 3)
        records.write_records(str(tmp_path / f'stl10-{subset}.tfrecord'), images, np.arange(n) % 10)
    for registry, unlabeled in ((data_pair.DATASETS, 40), (data_pair.PAIR_DATASETS, 60)):
        dataset = registry['stl10.1@20-0'](str(tmp_path))
        assert [len(s) for s in (dataset.labeled, dataset.unlabeled, dataset.valid)] == [20, unlabeled, 0]
        assert sorted(positions(dataset.labeled)) == list(range(20)) and dataset.labeled.images.shape[1:] == (96, 96, 3)
        everything = registry['stl10.1@all-10'](str(tmp_path))
        assert [len(s) for s in (everything.labeled, everything.valid)] == [10, 10]
        assert len(everything.unlabeled) == unlabeled - 10 * (unlabeled == 60)
        assert np.bincount(everything.valid.labels).tolist() == [1] * 10
        for text, most in (('stl10.1@20-1', 0), ('stl10.1@10-11', 10)):
            with pytest.raises(InputError, match=f'@.*of validation images, can be {most} at most'):
                registry[text](str(tmp_path))


def test_own_unlabelled_pictures(tmp_path):
    """Subsets that the description calls unlabelled give no labels, no validation images and no weights of classes."""
    for subset, n in (('train', 20), ('web', 40), ('test', 10)):
        images = np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2)
        records.write_records(str(tmp_path / f'own-{subset}.tfrecord'), images,
                              np.arange(n) % (1 if subset == 'web' else 2))
    descriptions.write_description(str(tmp_path), descriptions.Description(
        'own', 8, 8, 1, 2, ('a', 'b'), dict(train=20, web=40, test=10), mirror=False, border=4, unlabeled=('web',)))
    for registry, unlabeled in ((data_pair.DATASETS, 44), (data_pair.PAIR_DATASETS, 54)):
        dataset = registry['own.1@10-6'](str(tmp_path))
        assert [len(s) for s in (dataset.labeled, dataset.unlabeled, dataset.valid)] == [10, unlabeled, 6]
        assert np.bincount(dataset.labeled.labels).tolist() == [5, 5] and max(dataset.valid.positions) < 20
        assert not dataset.mirror and not dataset.labels_known and dataset.test.images.shape == (10, 16, 16, 1)
    everything = data_pair.DATASETS['own-3'](str(tmp_path))
    assert [len(s) for s in (everything.labeled, everything.unlabeled, everything.valid)] == [17, 0, 3]


def test_an_own_file_of_the_published_name_is_used(tmp_path):
    for subset, n in (('train', 20), ('unlabeled', 40), ('test', 10)):
        path = str(tmp_path / f'own-{subset}.tfrecord')
        records.write_records(path, np.zeros([n, 8, 8, 1], np.uint8), np.arange(n) % 2)
    content = dict(height=8, width=8, colors=1, nclass=2, class_names=['a', 'b'],
                   counts=dict(train=20, test=10, unlabeled=40))
    (tmp_path / 'own.json').write_text(json.dumps(content))
    dataset = data_pair.DATASETS['own.1@10-6'](str(tmp_path))
    assert len(dataset.unlabeled) == 44 and not dataset.labels_known and max(dataset.labeled.positions) < 20
    assert dataset.labeled.files == tuple(str(tmp_path / f'own-{subset}.tfrecord') for subset in ('train', 'unlabeled'))
    assert dataset.test.files == (str(tmp_path / 'own-test.tfrecord'),)
    del content['counts']['unlabeled']
    (tmp_path / 'own.json').write_text(json.dumps(content))
    with refused('own-unlabeled.tfrecord would not be trained on', 'own.json'):
        data_pair.DATASETS['own.1@10-6'](str(tmp_path))


@pytest.mark.parametrize('subset, text', [('train', 'made.1@9-6'), ('train', 'made-6'), ('test', 'made-6')])
def test_counts_that_are_not_those_of_the_files(data_dir, tmp_path, subset, text):
    for path in os.listdir(data_dir):
        if path.startswith('made'):
            shutil.copy(os.path.join(data_dir, path), tmp_path)
    info = descriptions.read_description(data_dir, 'made')
    descriptions.write_description(tmp_path, dataclasses.replace(info, counts={**info.counts, subset: 13}))
    with refused(f'made-{subset}.tfrecord holds {info.counts[subset]} records, but its description counts 13'):
        data_pair.DATASETS[text](str(tmp_path))


@pytest.mark.parametrize('text, reason', [('made.1@61-0', '60'), ('made.1@60-1', 'can be 0 at most'),
                                          ('made.1@9-52', 'can be 51 at most'), ('made-60', 'can be 59 at most'),
                                          ('nothing.1@9-6', 'unknown dataset')])
def test_impossible_datasets(data_dir, text, reason):
    with pytest.raises(InputError, match=reason) as error:
        data_pair.DATASETS[text](data_dir)
    assert '\n' not in str(error.value)


def test_fashion_mnist_has_a_border(tmp_path):
    for subset, n in (('train', 20), ('test', 10)):
        images = np.full([n, 28, 28, 1], 200, np.uint8)
        records.write_records(str(tmp_path / f'fashion_mnist-{subset}.tfrecord'), images, np.arange(n) % 10)
    dataset = data_pair.DATASETS['fashion_mnist.1@10-2'](str(tmp_path))
    assert dataset.test.images.shape == (10, 32, 32, 1) and dataset.mirror
    assert dataset.test.images[0, :3, :3, 0].tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 200]]
