"""Decoders of the published archives, on small made-up files in their formats."""

import dataclasses
import gzip
import io
import struct
import sys
import tarfile

from libml import descriptions, prepare, published, records
from test_records import refused

import numpy as np
import pytest

RANDOM = np.random.RandomState(0)


def publish(monkeypatch, name, **counts):
    """Makes the published counts of a dataset small."""
    info = dataclasses.replace(descriptions.DATASET_INFO[name], counts=counts)
    monkeypatch.setitem(descriptions.DATASET_INFO, name, info)


def make_tar(path, members):
    """members: list of (name, bytes), or TarInfo for one without content."""
    with tarfile.open(path, 'w:gz') as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))


def cifar_bytes(images, *labels):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([*(np.array(part, np.uint8)[:, None] for part in labels), planes], 1).tobytes()


def stored(data_dir, name, subset, shape):
    return records.read_records([descriptions.subset_path(data_dir, name, subset)], *shape)


def cifar10_members(images, labels):
    parts = [slice(2 * i, 2 * i + 2) for i in range(5)] + [slice(10, 13)]
    names = [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']
    return [(f'cifar-10-batches-bin/{name}', cifar_bytes(images[part], labels[part]))
            for name, part in zip(names, parts)]


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


@pytest.mark.parametrize('name,kind', [('../x', tarfile.REGTYPE), ('/x', tarfile.REGTYPE), ('C:\\x', tarfile.REGTYPE),
                                       ('a/../../x', tarfile.REGTYPE), ('a\\..\\x', tarfile.REGTYPE),
                                       ('x', tarfile.SYMTYPE), ('x', tarfile.LNKTYPE), ('x', tarfile.FIFOTYPE)])
def test_archives_that_leave_their_folder_are_refused(tmp_path, name, kind):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, 'good'
    make_tar(tmp_path / 'a.tar.gz', [('good', b'1'), member])
    with refused('a.tar.gz', 'refused', repr(name)):
        published.tar_members(tmp_path / 'a.tar.gz', ['good'])


def test_cifar100_has_fine_labels(tmp_path, monkeypatch):
    publish(monkeypatch, 'cifar100', train=3, test=2)
    images = RANDOM.randint(0, 256, [5, 32, 32, 3], np.uint8)
    make_tar(tmp_path / 'cifar-100-binary.tar.gz', [
        ('cifar-100-binary/train.bin', cifar_bytes(images[:3], [19, 1, 2], [99, 0, 50])),
        ('cifar-100-binary/test.bin', cifar_bytes(images[3:], [0, 0], [7, 8]))])
    prepare.create('cifar100', tmp_path, tmp_path)
    read, labels = stored(tmp_path, 'cifar100', 'train', (32, 32, 3))
    np.testing.assert_array_equal(read, images[:3])
    assert labels.tolist() == [99, 0, 50]


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


def test_bad_svhn_files_are_refused(tmp_path, monkeypatch):
    savemat = pytest.importorskip('scipy.io').savemat
    path = tmp_path / 'a.mat'
    for content, text in (({'X': np.zeros([32, 32, 3, 2], np.uint8)}, "no variable 'y'"),
                          ({'X': np.zeros([32, 32, 3, 2]), 'y': np.ones([2, 1])}, 'not uint8 (32, 32, 3, n)'),
                          ({'X': np.zeros([32, 32, 3, 3], np.uint8), 'y': np.ones([2, 1])}, '2 labels')):
        savemat(path, content)
        with refused(str(path), text):
            published.svhn(path)
    good = path.read_bytes()
    for damaged in (b'', b'x' * 500, good[:150], good[:-100]):
        path.write_bytes(damaged)
        with refused(str(path)):
            published.svhn(path)
    monkeypatch.setitem(sys.modules, 'scipy.io', None)
    with refused('scipy', 'pip install libml[all]'):
        published.svhn(path)


def test_stl10_is_stored_by_columns(tmp_path, monkeypatch):
    publish(monkeypatch, 'stl10', train=3, test=2, unlabeled=4)
    images = {subset: RANDOM.randint(0, 256, [n, 96, 96, 3], np.uint8)
              for subset, n in descriptions.DATASET_INFO['stl10'].counts.items()}
    members = [(f'stl10_binary/{subset}_X.bin', x.transpose(0, 3, 2, 1).tobytes()) for subset, x in images.items()]
    members += [('stl10_binary/train_y.bin', bytes([1, 10, 2])), ('stl10_binary/test_y.bin', bytes([3, 4])),
                ('stl10_binary/fold_indices.txt', b'0 1\n2 0\n')]
    make_tar(tmp_path / 'stl10_binary.tar.gz', members)
    prepare.create('stl10', tmp_path, tmp_path)
    for subset, labels in (('train', [0, 9, 1]), ('test', [2, 3]), ('unlabeled', [0] * 4)):
        read, read_labels = stored(tmp_path, 'stl10', subset, (96, 96, 3))
        np.testing.assert_array_equal(read, images[subset])
        assert read_labels.tolist() == labels
    folds = tmp_path / 'stl10_fold_indices.txt'
    assert folds.read_bytes() == b'0 1\n2 0\n'
    for lost in (folds, tmp_path / 'stl10-unlabeled.tfrecord'):
        lost.unlink()
        assert prepare.create('stl10', tmp_path, tmp_path) == [str(lost)]


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
    with refused('fashion_mnist, train', 'those of mnist', 'fashion_mnist/'):
        prepare.create('fashion_mnist', tmp_path, tmp_path)
    prepare.create('mnist', tmp_path, tmp_path)
    put_idx(tmp_path / 'fashion_mnist', balanced)
    prepare.create('fashion_mnist', tmp_path, tmp_path)
    for name, expected in (('mnist', uneven), ('fashion_mnist', balanced)):
        images, labels = stored(tmp_path, name, 'test', (28, 28, 1))
        assert labels.tolist() == expected
        np.testing.assert_array_equal(images.ravel(), np.arange(20 * 784).astype(np.uint8))


@pytest.mark.parametrize('content', [b'', b'\0\0\x08\x01', struct.pack('>2I', 2051, 1) + b'1',
                                     struct.pack('>2I', 2049, 3) + b'12', struct.pack('>2I', 2049, 3) + b'1234'])
def test_bad_idx_files_are_refused(tmp_path, content):
    path = tmp_path / 'a.gz'
    for damaged in (gzip.compress(content), content, gzip.compress(content)[:-3]):
        path.write_bytes(damaged)
        with refused(str(path)):
            published.idx(path, 1)


def test_usps(tmp_path, monkeypatch):
    values = np.linspace(-1, 1, 256)
    text = ''.join(f'{label:.4f} ' + ' '.join(f'{v:.4f}' for v in values) + ' \n' for label in (6, 0, 9))
    for subset in ('train', 'test'):
        (tmp_path / f'zip.{subset}.gz').write_bytes(gzip.compress(text.encode()))
    publish(monkeypatch, 'usps', train=3, test=3)
    prepare.create('usps', tmp_path, tmp_path)
    images, labels = stored(tmp_path, 'usps', 'train', (16, 16, 1))
    assert labels.tolist() == [6, 0, 9]
    np.testing.assert_array_equal(images[1].ravel(), np.arange(256))
    for bad in ('', '1 2 3\n', text + '1 2\n', text.replace('0.', '1.'), text.replace('6.0', '6.5'), text + 'x\n'):
        (tmp_path / 'bad.gz').write_bytes(gzip.compress(bad.encode()))
        with refused('bad.gz'):
            published.usps(tmp_path / 'bad.gz')


def test_digits_are_split_evenly_and_always_the_same():
    load_digits = pytest.importorskip('sklearn.datasets').load_digits
    content = published.digits()
    train, test = content['train'], content['test']
    assert train[0].shape == (1400, 8, 8, 1) and test[0].shape == (397, 8, 8, 1)
    assert train[0].dtype == np.uint8 and train[0].max() == 255 and train[0].min() == 0
    exact = np.bincount(load_digits().target) * 397 / 1797
    assert (np.abs(np.bincount(test[1]) - exact) <= 1).all()
    pixels = np.concatenate([train[0], test[0]]).reshape(1797, -1)
    expected = np.rint(load_digits().data * 255 / 16)
    assert sorted(map(tuple, pixels)) == sorted(map(tuple, expected))
    np.testing.assert_array_equal(test[1][:12], published.digits()['test'][1][:12])


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
