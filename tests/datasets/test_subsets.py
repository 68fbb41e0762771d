"""Where the pictures of a dataset come from: memory or files, and the index beside the records."""

import dataclasses
import os

from libml import data_pair
from libml.datasets import descriptions, records, subsets
from libml.utils import InputError

import numpy as np
import pytest

SIDE = 12
INFO = descriptions.Description('made', SIDE, SIDE, 3, 2, ('a', 'b'), dict(train=30, test=10))
IMAGES = np.random.default_rng(0).integers(0, 256, [40, SIDE, SIDE, 3]).astype(np.uint8)
LABELS = np.arange(40) % 2


@pytest.fixture
def folder(tmp_path):
    """A data folder whose training records are in 3 shards."""
    for i in range(3):
        records.write_records(str(tmp_path / f'made-train-{i:05}-of-00003.tfrecord'), IMAGES[i * 10:i * 10 + 10],
                              LABELS[i * 10:i * 10 + 10])
    records.write_records(str(tmp_path / 'made-test.tfrecord'), IMAGES[30:], LABELS[30:])
    descriptions.write_description(tmp_path, INFO)
    return tmp_path


def load(folder, **flags):
    return data_pair.PAIR_DATASETS['made.1@4-6'](data_dir=str(folder), **flags)


def test_shards_are_one_subset_in_memory_and_on_disk(folder):
    ram, disk = (load(folder, memory=memory) for memory in ('ram', 'disk'))
    assert ram.test.in_memory and not disk.test.in_memory
    for name in ('labeled', 'unlabeled', 'valid', 'test'):
        one, other = getattr(ram, name), getattr(disk, name)
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.images, other.images[:])
    np.testing.assert_array_equal(ram.unlabeled.pixels, IMAGES[:30])
    assert (folder / 'made-train.index.npz').exists()


def test_statistics_of_whitening_are_the_same(folder):
    ram, disk = (load(folder, memory=memory, whiten=True) for memory in ('ram', 'disk'))
    np.testing.assert_array_equal(ram.mean, disk.mean)
    np.testing.assert_array_equal(ram.std, disk.std)


@pytest.mark.parametrize('change', ['sharded anew', 'renamed', 'rewritten'])
def test_an_index_notices_other_shards(folder, change):
    load(folder, memory='disk')
    shards = sorted(folder.glob('made-train-*.tfrecord'))
    if change == 'sharded anew':
        for path in shards:
            path.unlink()
        records.write_records(str(folder / 'made-train.tfrecord'), IMAGES[:30], LABELS[:30])
    elif change == 'renamed':
        os.rename(shards[0], folder / 'x')
        os.rename(shards[1], shards[0])
        os.rename(folder / 'x', shards[1])
    else:
        records.write_records(str(shards[1]), IMAGES[20:30], LABELS[20:30])
    ram, disk = (load(folder, memory=memory) for memory in ('ram', 'disk'))
    np.testing.assert_array_equal(ram.unlabeled.pixels, disk.unlabeled.pixels[np.arange(30)])


def test_a_missing_shard_is_named(folder):
    os.remove(folder / 'made-train-00001-of-00003.tfrecord')
    for memory in ('ram', 'disk'):
        with pytest.raises(InputError, match='made-train-00001-of-00003.tfrecord is missing'):
            load(folder, memory=memory)


def test_a_folder_that_cannot_be_written_still_works(folder, monkeypatch, capsys):
    def full(path, mode='w'):
        raise InputError(f'cannot write {path}: No space left on device')

    monkeypatch.setattr('libml.datasets.index.written_whole', full)
    np.testing.assert_array_equal(load(folder, memory='disk').test.images[:], IMAGES[30:])
    assert 'made-test.index.npz: No space left on device; every run makes this index again' in capsys.readouterr().err


@pytest.mark.parametrize('counts', [dict(train=31, test=10), dict(train=30, test=9)])
def test_counts_of_the_description_are_checked(folder, counts):
    descriptions.write_description(folder, dataclasses.replace(INFO, counts=counts))
    for memory in ('ram', 'disk'):
        with pytest.raises(InputError, match=r'hold.* (30|10) records, but their|its description counts (31|9)'):
            load(folder, memory=memory)


def test_labels_out_of_range(folder):
    descriptions.write_description(folder, dataclasses.replace(INFO, nclass=1, class_names=('a',)))
    with pytest.raises(InputError, match=r'record 1 has label 1, not in 0..0'):
        load(folder, memory='disk')


@pytest.mark.parametrize('flags, text', [
    (dict(memory='tape'), '--memory=tape: choose one of auto, ram, disk'), (dict(resize=9), 'are for --size'),
    (dict(size=9, resize=8), '--resize=8 --size=9'), (dict(crop_area=0.5), 'are for --size')])
def test_flags_that_contradict(folder, flags, text):
    with pytest.raises(InputError, match=text):
        load(folder, **flags)


def test_pictures_of_any_size(folder):
    descriptions.write_description(folder, dataclasses.replace(INFO, height=0, width=0))
    with pytest.raises(InputError, match='--size=0: the pictures of made have sizes of their own'):
        load(folder)
    with pytest.raises(InputError, match='--memory=ram: the pictures of made have sizes of their own'):
        load(folder, size=8, memory='ram')
    dataset = load(folder, size=8)
    assert dataset.test.pixels.shape == (10, 8, 8, 3) and dataset.folder == 'made.1@4-6_size8'
    assert not dataset.mirror and dataset.shift == 0 and dataset.frame.mirror


def test_large_sets_are_read_from_files(folder, monkeypatch):
    info = dataclasses.replace(INFO, height=1 << 20, width=1 << 20)
    assert subsets.from_files('auto', str(folder), info) and not subsets.from_files('auto', str(folder), INFO)


def test_what_is_larger_than_memory_is_refused(folder):
    """Whatever the description says: arrays are made before a picture is read."""
    descriptions.write_description(folder, dataclasses.replace(INFO, height=65535, width=65535))
    with pytest.raises(InputError, match='the images of made in memory would take'):
        load(folder, memory='ram')
