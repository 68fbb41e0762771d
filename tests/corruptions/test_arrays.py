"""Corrupted test sets as files."""

import os

from libml.corruptions import arrays
from refusals import refused

import numpy as np
import pytest

LABELS = np.array([3, 1, 4, 1], np.uint8)
IMAGES = np.random.RandomState(0).randint(0, 256, [5, 4, 32, 32, 3]).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """A folder with labels and one corruption."""
    arrays.write(str(tmp_path), 'fog', IMAGES)
    arrays.write_labels(str(tmp_path), LABELS.astype(np.int32))
    return str(tmp_path)


def test_what_is_written_is_read(folder):
    assert sorted(os.listdir(folder)) == ['fog.npy', 'labels.npy']
    stored = np.load(os.path.join(folder, 'fog.npy'), allow_pickle=False)
    np.testing.assert_array_equal(stored, np.concatenate(list(IMAGES)))  # All images at severity 1, then at 2 ...
    stored = np.load(os.path.join(folder, 'labels.npy'))
    assert stored.dtype == np.uint8 and stored.tolist() == LABELS.tolist() * 5
    labels, images = arrays.read_labels(folder), arrays.read(folder, 'fog', 4)
    assert labels.dtype == np.uint8 and labels.tolist() == LABELS.tolist()
    assert isinstance(images, np.memmap)
    np.testing.assert_array_equal(images, IMAGES)


@pytest.mark.parametrize('content, text', [
    (np.tile(LABELS, 5).astype(np.float32), 'float32 [20]'), (np.arange(20, dtype=np.uint8), 'uint8 [20]'),
    (np.full(20, -1), 'int64 [20]'),
    (np.tile(LABELS, 4), 'uint8 [16]'), (np.zeros(0, np.uint8), 'uint8 [0]'), (np.zeros([5, 4], np.uint8), '[5, 4]')])
def test_labels_that_are_not_five_times_the_same(folder, content, text):
    np.save(os.path.join(folder, 'labels.npy'), content)
    with refused('labels.npy holds', text, 'it must be five times the same labels, integers from 0'):
        arrays.read_labels(folder)


def test_labels_of_many_classes_do_not_wrap(folder):
    for top, kind in ((255, np.uint8), (256, np.int64), (70000, np.int64)):
        labels = np.array([0, top, 1], np.int32)
        arrays.write_labels(folder, labels)
        stored = np.load(os.path.join(folder, 'labels.npy'))
        assert stored.dtype == kind and stored.tolist() == labels.tolist() * 5
        assert arrays.read_labels(folder).tolist() == labels.tolist()


@pytest.mark.parametrize('kind', ['i1', 'u2', '<i4', '>i4', 'i8', 'u8'])
def test_labels_of_any_integer_type_are_read(folder, kind):
    np.save(os.path.join(folder, 'labels.npy'), np.tile(LABELS, 5).astype(kind))
    assert arrays.read_labels(folder).tolist() == LABELS.tolist()


@pytest.mark.parametrize('content, text', [
    (np.zeros([20, 32, 32, 3], np.float32), 'float32 [20, 32, 32, 3]'),
    (np.zeros([20, 32, 32], np.uint8), 'uint8 [20, 32, 32]'), (np.zeros([16, 32, 32, 3], np.uint8), 'uint8 [16, ')])
def test_images_of_another_shape_or_type(folder, content, text):
    np.save(os.path.join(folder, 'fog.npy'), content)
    with refused('fog.npy holds', text, 'not uint8 [20, 32, 32, 3] for 4 labels'):
        arrays.read(folder, 'fog', 4)


@pytest.mark.parametrize('size', [0, 5, 40, 10000])
def test_a_file_that_was_cut_off(folder, size):
    os.truncate(arrays.array_path(folder, 'fog'), size)
    with refused('fog.npy is damaged: '):
        arrays.read(folder, 'fog', 4)


def test_files_without_an_array(folder):
    path = arrays.array_path(folder, 'fog')
    np.save(path, np.array([{}, 'objects']))
    with refused('fog.npy is damaged: '):
        arrays.read(folder, 'fog', 4)
    with open(path, 'wb') as f:
        np.savez(f, images=IMAGES)
    with refused('fog.npy is damaged: it holds no array'):
        arrays.read(folder, 'fog', 4)


def test_files_and_folders_that_are_not_there(folder):
    with refused('there is no ', 'snow.npy'):
        arrays.read(folder, 'snow', 4)
    os.unlink(arrays.array_path(folder, arrays.LABELS))
    with refused('there is no ', 'labels.npy'):
        arrays.read_labels(folder)
    with refused('there is no folder', 'nowhere: give an unpacked CIFAR-10-C, or make one with'):
        arrays.read_labels(os.path.join(folder, 'nowhere'))


def test_names_and_severities():
    arrays.check_names(arrays.NAMES)
    arrays.check_severities(arrays.SEVERITIES)
    with refused("unknown corruption 'hail': choose from gaussian_noise, ", 'saturate'):
        arrays.check_names(['fog', 'hail'])
    with refused('severity 0: choose from 1, 2, 3, 4, 5'):
        arrays.check_severities([1, 0])
