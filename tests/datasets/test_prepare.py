"""Datasets put into the data folder: once, whole, as they were published; from small made-up archives."""

import gzip
import os
import struct

import disk_calls
from libml import data_pair
from libml.datasets import download, prepare
from made_up_archives import make_tar, publish, stored
from made_up_cifar import cifar10_members
from refusals import refused

import numpy as np
import pytest

RANDOM = np.random.RandomState(0)


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """(images, labels) of ten training and three test images in tmp_path/cifar-10-binary.tar.gz."""
    publish(monkeypatch, 'cifar10', train=10, test=3)
    images, labels = RANDOM.randint(0, 256, [13, 32, 32, 3], np.uint8), np.arange(13) % 10
    make_tar(tmp_path / 'cifar-10-binary.tar.gz', cifar10_members(images, labels))
    return images, labels


def test_cifar10(tmp_path, cifar10, capsys):
    data_dir = tmp_path / 'data'
    written = prepare.create('cifar10', data_dir, tmp_path)
    assert written == [str(data_dir / f'cifar10-{subset}.tfrecord') for subset in ('train', 'test')]
    for subset, part in (('train', slice(0, 10)), ('test', slice(10, 13))):
        images, labels = stored(data_dir, 'cifar10', subset, (32, 32, 3))
        np.testing.assert_array_equal(images, cifar10[0][part])
        np.testing.assert_array_equal(labels, cifar10[1][part])
    assert (data_dir / 'cifar10.json').exists()
    out = capsys.readouterr()
    assert out.err.startswith('warning: ') and out.err.count('\n') == 1 and 'MD5' in out.err
    assert out.out.count('\n') == 3
    assert prepare.create('cifar10', data_dir, tmp_path / 'nowhere') == []


@pytest.mark.parametrize('left', ['cifar10.json', 'cifar10-test.tfrecord'])
def test_what_a_full_disk_cut_off_is_made_the_next_time(tmp_path, cifar10, monkeypatch, left):
    data_dir = tmp_path / 'data'
    with monkeypatch.context() as patch, refused(f'cannot write {data_dir}/{left}: No space left on device'):
        disk_calls.no_room_for(patch, left)
        prepare.create('cifar10', data_dir, tmp_path)
    prepare.create('cifar10', data_dir, tmp_path)
    assert sorted(os.listdir(data_dir)) == ['cifar10-test.tfrecord', 'cifar10-train.tfrecord', 'cifar10.json']


def test_a_folder_in_the_place_of_records(tmp_path, cifar10):
    """It does not count as records that are there, and stays."""
    path = tmp_path / 'data' / 'cifar10-train.tfrecord'
    path.mkdir(parents=True)
    with refused(f'cannot write {path}: Is a directory'):
        prepare.create('cifar10', tmp_path / 'data', tmp_path)
    assert str(path) in map(str, prepare.missing('cifar10', tmp_path / 'data')) and path.is_dir()


def test_cifar10_of_other_counts_sizes_or_labels_is_refused(tmp_path, cifar10, monkeypatch):
    images, labels = cifar10
    path, data_dir = tmp_path / 'cifar-10-binary.tar.gz', tmp_path / 'data'
    publish(monkeypatch, 'cifar10', train=11, test=3)
    with refused('cifar10, train', '10 with 10 labels', '11'):
        prepare.create('cifar10', data_dir, tmp_path)
    publish(monkeypatch, 'cifar10', train=10, test=3)
    make_tar(path, cifar10_members(images, labels + 1))
    with refused('cifar10, train', 'labels 1..10', '0..9'):
        prepare.create('cifar10', data_dir, tmp_path)
    members = cifar10_members(images, labels)
    make_tar(path, members[:-1] + [(members[-1][0], members[-1][1][:-1])])
    with refused('test_batch.bin', '9218 bytes', '3073'):
        prepare.create('cifar10', tmp_path / 'data2', tmp_path)
    make_tar(path, members[1:])
    with refused(str(path), 'no member', 'data_batch_1.bin'):
        prepare.create('cifar10', data_dir, tmp_path)


def test_damaged_archives_are_refused(tmp_path, cifar10):
    path = tmp_path / 'cifar-10-binary.tar.gz'
    content = path.read_bytes()
    for damaged in (content[:len(content) // 2], b'', b'not gzip', content[:9000] + b'\0' * 50 + content[9050:]):
        path.write_bytes(damaged)
        with refused(str(path)):
            prepare.create('cifar10', tmp_path / 'data', tmp_path)


def test_svhn_and_its_part_without_extra(tmp_path, monkeypatch):
    savemat = pytest.importorskip('scipy.io').savemat
    counts = dict(train=4, test=3, extra=5)
    publish(monkeypatch, 'svhn', **counts)
    publish(monkeypatch, 'svhn_noextra', train=4, test=3)
    images = {subset: RANDOM.randint(0, 256, [n, 32, 32, 3], np.uint8) for subset, n in counts.items()}
    for subset, x in images.items():
        y = (np.arange(len(x), dtype=np.uint8) + 6)[:, None]
        savemat(tmp_path / f'{subset}_32x32.mat', {'X': x.transpose(1, 2, 3, 0), 'y': y}, do_compression=True)
    written = prepare.create('svhn_noextra', tmp_path, tmp_path)
    assert [path.split('/')[-1] for path in written] == ['svhn-train.tfrecord', 'svhn-test.tfrecord']
    assert prepare.create('svhn', tmp_path, tmp_path) == [str(tmp_path / 'svhn-extra.tfrecord')]
    read, labels = stored(tmp_path, 'svhn', 'extra', (32, 32, 3))
    np.testing.assert_array_equal(read, images['extra'])
    assert labels.tolist() == [5, 6, 7, 8, 9]
    assert not prepare.create('svhn_noextra', tmp_path, tmp_path) and prepare.ensure('svhn_noextra', tmp_path) is None


def test_syndigit_has_the_digits_as_labels(tmp_path, monkeypatch):
    savemat = pytest.importorskip('scipy.io').savemat
    publish(monkeypatch, 'syndigit', train=12, test=3)
    images = RANDOM.randint(0, 256, [12, 32, 32, 3], np.uint8)
    for subset, n in (('train', 12), ('test', 3)):
        savemat(tmp_path / f'synth_{subset}_32x32.mat',
                {'X': images[:n].transpose(1, 2, 3, 0), 'y': np.arange(n, dtype=np.uint8)[:, None] % 10})
    prepare.create('syndigit', tmp_path / 'data', tmp_path)
    read, labels = stored(tmp_path / 'data', 'syndigit', 'train', (32, 32, 3))
    np.testing.assert_array_equal(read, images)
    assert labels.tolist() == [*range(10), 0, 1] and prepare.ensure('syndigit', tmp_path / 'data') is None
    with refused('syndigit has no direct address', 'synth_train_32x32.mat from SynthDigits.zip', '--archives=FOLDER'):
        prepare.create('syndigit', tmp_path / 'new')


def test_cifar10_1_is_a_test_set_for_cifar10(tmp_path, cifar10, monkeypatch, capsys):
    publish(monkeypatch, 'cifar10_1_v6', train=10, test=4)
    images = RANDOM.randint(0, 256, [4, 32, 32, 3], np.uint8)
    np.save(tmp_path / 'cifar10.1_v6_data.npy', images)
    np.save(tmp_path / 'cifar10.1_v6_labels.npy', np.array([9, 0, 3, 3], np.int32))
    written = prepare.create('cifar10_1_v6', tmp_path / 'data', tmp_path)
    assert written == [str(tmp_path / 'data' / f'{name}.tfrecord') for name in ('cifar10-train', 'cifar10_1_v6-test')]
    assert 'SHA-256' in capsys.readouterr().err
    read, labels = stored(tmp_path / 'data', 'cifar10_1_v6', 'test', (32, 32, 3))
    np.testing.assert_array_equal(read, images)
    assert labels.tolist() == [9, 0, 3, 3]
    assert prepare.create('cifar10', tmp_path / 'data', tmp_path) == [str(tmp_path / 'data' / 'cifar10-test.tfrecord')]
    dataset = data_pair.DATASETS['cifar10_1_v6-0'](str(tmp_path / 'data'))
    np.testing.assert_array_equal(dataset.labeled.images, cifar10[0][:10])
    np.testing.assert_array_equal(dataset.test.images, images)
    np.save(tmp_path / 'cifar10.1_v6_data.npy', images[:3])
    (tmp_path / 'data' / 'cifar10_1_v6-test.tfrecord').unlink()
    with refused('cifar10_1_v6, test images: 3 with 4 labels, but 4 were published'):
        prepare.create('cifar10_1_v6', tmp_path / 'data', tmp_path)


def put_idx(folder, labels):
    folder.mkdir(exist_ok=True)
    for prefix, part in (('train', labels), ('t10k', labels)):
        images = np.arange(len(part) * 784, dtype=np.int64).astype(np.uint8)
        for name, content in (('images-idx3', struct.pack('>4I', 2051, len(part), 28, 28) + images.tobytes()),
                              ('labels-idx1', struct.pack('>2I', 2049, len(part)) + bytes(part))):
            (folder / f'{prefix}-{name}-ubyte.gz').write_bytes(gzip.compress(content))


def test_mnist_and_fashion_mnist_are_not_mistaken_for_each_other(tmp_path, monkeypatch):
    for name in ('mnist', 'fashion_mnist'):
        publish(monkeypatch, name, train=20, test=20)
    balanced, uneven = [i % 10 for i in range(20)], [0] + [i % 10 for i in range(1, 20)][::-1]
    uneven[5] = uneven[6]
    put_idx(tmp_path, uneven)
    with refused('fashion_mnist, train', 'from mnist', 'fashion_mnist/'):
        prepare.create('fashion_mnist', tmp_path, tmp_path)
    prepare.create('mnist', tmp_path, tmp_path)
    put_idx(tmp_path / 'fashion_mnist', balanced)
    prepare.create('fashion_mnist', tmp_path, tmp_path)
    for name, expected in (('mnist', uneven), ('fashion_mnist', balanced)):
        images, labels = stored(tmp_path, name, 'test', (28, 28, 1))
        assert labels.tolist() == expected
        np.testing.assert_array_equal(images.ravel(), np.arange(20 * 784).astype(np.uint8))


def test_unpacked_mnist(tmp_path, monkeypatch, capsys):
    """Under the names of the unpacked files, and under those of the packed ones."""
    publish(monkeypatch, 'mnist', train=20, test=20)
    monkeypatch.delitem(download.CONTENTS, 'mnist')
    labels = [3] * 11 + list(range(9))
    put_idx(tmp_path, labels)
    for path in tmp_path.glob('*.gz'):
        content = gzip.decompress(path.read_bytes())
        path.unlink()
        (path if 't10k' in path.name else path.with_suffix('')).write_bytes(content)
    prepare.create('mnist', tmp_path / 'data', tmp_path)
    for subset in ('train', 'test'):
        images, read = stored(tmp_path / 'data', 'mnist', subset, (28, 28, 1))
        assert read.tolist() == labels
        np.testing.assert_array_equal(images.ravel(), np.arange(20 * 784).astype(np.uint8))
    assert 'train-images' not in capsys.readouterr().err


def test_unpacked_cifar10(tmp_path, cifar10):
    (tmp_path / 'cifar-10-binary.tar.gz').unlink()
    (tmp_path / 'cifar-10-batches-bin').mkdir()
    for name, content in cifar10_members(*cifar10):
        (tmp_path / name).write_bytes(content)
    prepare.create('cifar10', tmp_path / 'data', tmp_path)
    np.testing.assert_array_equal(stored(tmp_path / 'data', 'cifar10', 'train', (32, 32, 3))[0], cifar10[0][:10])


def test_digits_are_made_at_first_use_and_others_are_not(tmp_path):
    pytest.importorskip('sklearn')
    prepare.ensure('digits', tmp_path)
    assert len(stored(tmp_path, 'digits', 'test', (8, 8, 1))[1]) == 397
    with refused('cifar10-train.tfrecord', f'create_datasets.py --data_dir={tmp_path} cifar10'):
        prepare.ensure('cifar10', tmp_path)
    with refused('nosuch', 'cifar10'):
        prepare.ensure('nosuch', tmp_path)
    with refused('nosuch', 'cifar10'):
        prepare.create('nosuch', tmp_path)


def test_what_is_missing(tmp_path, cifar10):
    paths = [str(tmp_path / f'cifar10-{subset}.tfrecord') for subset in ('train', 'test')]
    assert prepare.missing('cifar10', str(tmp_path)) == paths
    prepare.create('cifar10', tmp_path, tmp_path)
    assert prepare.missing('cifar10', str(tmp_path)) == [] and prepare.ensure('cifar10', str(tmp_path)) is None
    (tmp_path / 'cifar10-test.tfrecord').unlink()
    assert prepare.missing('cifar10', str(tmp_path)) == paths[1:]
    assert prepare.create('cifar10', str(tmp_path), tmp_path) == paths[1:]
