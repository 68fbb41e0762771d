"""Decoders of the published archives, on small made-up files in their formats."""

import gzip
import math
import struct
import sys
import tarfile

from libml.datasets import archives, descriptions, download, prepare
from made_up_archives import make_tar, publish, stored
from made_up_cifar import cifar_bytes
from refusals import refused

import numpy as np
import pytest

RANDOM = np.random.RandomState(0)


@pytest.mark.parametrize('name,kind', [('../x', tarfile.REGTYPE), ('/x', tarfile.REGTYPE), ('C:\\x', tarfile.REGTYPE),
                                       ('a/../../x', tarfile.REGTYPE), ('a\\..\\x', tarfile.REGTYPE),
                                       ('x', tarfile.SYMTYPE), ('x', tarfile.LNKTYPE), ('x', tarfile.FIFOTYPE)])
def test_archives_that_leave_their_folder_are_refused(tmp_path, name, kind):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, 'good'
    make_tar(tmp_path / 'a.tar.gz', [('good', b'1'), member])
    with refused('a.tar.gz', 'refused', repr(name)):
        archives.tar_members(tmp_path / 'a.tar.gz', ['good'])


def test_what_is_packed_very_small_is_refused(tmp_path, monkeypatch):
    """Zeros are a thousand times as long as what they are packed to."""
    monkeypatch.setattr(download, 'LARGEST', 20000)
    header = struct.pack('>2I', 2049, 30000)
    (tmp_path / 'a').write_bytes(gzip.compress(header + bytes(30000)))
    (tmp_path / 'b').write_bytes(header + bytes(30000))
    make_tar(tmp_path / 'c', [('good', b'1'), ('x', bytes(30000))])
    make_tar(tmp_path / 'd', [('good', b'1'), ('other', bytes(15000)), ('more', bytes(15000))])
    sparse = tarfile.TarInfo('good')
    sparse.size, sparse.type = 10 ** 15, tarfile.GNUTYPE_SPARSE
    make_tar(tmp_path / 'e', [sparse])
    for read in (archives.usps, lambda path: archives.idx(path, 1)):
        with refused(f'{tmp_path}/a is damaged: more than 20000 bytes are packed in it'):
            read(tmp_path / 'a')
    assert archives.idx(tmp_path / 'b', 1).tolist() == [0] * 30000  # What is not packed is as large as it is.
    for name, text in (('c', 'more than 20000 bytes are packed'), ('d', 'more than 20000 bytes are packed'),
                       ('e', "its member 'good' is a sparse file")):
        with refused(f'{tmp_path}/{name} is ', text):
            archives.tar_members(tmp_path / name, ['good'])
    savemat = pytest.importorskip('scipy.io').savemat
    savemat(tmp_path / 'x.mat', {'X': np.zeros([32, 32, 3, 9], np.uint8), 'y': [1] * 9}, do_compression=True)
    with refused(f'{tmp_path}/x.mat is damaged: X has [32, 32, 3, 9] values'):
        archives.matlab_digits(tmp_path / 'x.mat')


@pytest.mark.parametrize('headers', [{'GNU.sparse.map': 'a,b'}, {'GNU.sparse.size': 'x'}, {'GNU.sparse.realsize': '9'},
                                     {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0'}])
def test_headers_that_python_cannot_read_are_damage(tmp_path, headers):
    member = tarfile.TarInfo('good')
    member.pax_headers = headers
    with tarfile.open(tmp_path / 'a.tar.gz', 'w:gz', format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member)
    with refused(f'{tmp_path}/a.tar.gz is '):
        archives.tar_members(tmp_path / 'a.tar.gz', ['good'])


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


def test_bad_matlab_files_are_refused(tmp_path, monkeypatch):
    savemat = pytest.importorskip('scipy.io').savemat
    path = tmp_path / 'a.mat'
    for content, text in (({'X': np.zeros([32, 32, 3, 2], np.uint8)}, "no variable 'y'"),
                          ({'X': np.zeros([32, 32, 3, 2]), 'y': np.ones([2, 1])}, 'not uint8 (32, 32, 3, n)'),
                          ({'X': np.zeros([32, 32, 3, 2], np.uint8), 'y': np.full([2, 1], 1.5)}, 'no whole number'),
                          ({'X': np.zeros([32, 32, 3, 2], np.uint8), 'y': np.array(['a', 'b'])}, 'no whole number'),
                          ({'X': np.zeros([32, 32, 3, 3], np.uint8), 'y': np.ones([2, 1])}, '2 labels')):
        savemat(path, content)
        with refused(str(path), text):
            archives.matlab_digits(path)
    good = path.read_bytes()
    for damaged in (b'', b'x' * 500, good[:150], good[:-100]):
        path.write_bytes(damaged)
        with refused(str(path)):
            archives.matlab_digits(path)
    monkeypatch.setitem(sys.modules, 'scipy.io', None)
    with refused('pip install scipy'):
        archives.matlab_digits(path)


def test_bad_npy_files_are_refused(tmp_path):
    path = tmp_path / 'a.npy'
    np.save(path, np.arange(6, dtype=np.int32).reshape(2, 3))
    assert archives.npy(path, 2).tolist() == [[0, 1, 2], [3, 4, 5]]
    good = path.read_bytes()
    path.write_bytes(good.replace(b'(2, 3), }' + b' ' * 16, b'(200000000, 300000000), }'))
    with refused(str(path), 'damaged'):  # There is no such memory.
        archives.npy(path, 2)
    path.write_bytes(good)
    with refused(str(path), 'int32 [2, 3], not whole numbers in 1 dim'):
        archives.npy(path, 1)
    for wrong, text in ((np.zeros(3), 'float64 [3]'), (np.array([{}]), 'damaged')):
        np.save(path, wrong)
        with refused(str(path), text):
            archives.npy(path, 1)
    for damaged in (b'', b'x' * 500, good[:20], good[:-1]):
        path.write_bytes(damaged)
        with refused(str(path), 'damaged'):
            archives.npy(path, 2)


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


@pytest.mark.parametrize('content', [b'', b'\0\0\x08\x01', struct.pack('>2I', 2051, 1) + b'1',
                                     struct.pack('>2I', 2049, 3) + b'12', struct.pack('>2I', 2049, 3) + b'1234'])
def test_bad_idx_files_are_refused(tmp_path, content):
    path = tmp_path / 'a.gz'
    for damaged in (gzip.compress(content), content, gzip.compress(content)[:-3]):
        path.write_bytes(damaged)
        with refused(str(path)):
            archives.idx(path, 1)


def test_a_size_that_64_bits_do_not_hold_is_no_size(tmp_path):
    path, shape = tmp_path / 'a', (2 ** 22, 2 ** 21, 2 ** 21)
    assert math.prod(shape) == 2 ** 64
    path.write_bytes(struct.pack('>4I', 2051, *shape))
    with refused(str(path), '0 values', 'its header says'):
        archives.idx(path, 3)


@pytest.mark.parametrize('name', ['a.gz', 'a'])
def test_unpacked_files_are_read_under_any_name(tmp_path, name):
    content = struct.pack('>2I', 2049, 3) + b'\x1f\x8b\x08'
    (tmp_path / name).write_bytes(content)
    assert archives.idx(tmp_path / name, 1).tolist() == [31, 139, 8]
    (tmp_path / name).write_text('6.0000' + ' 1.0000' * 256 + '\n')
    images, labels = archives.usps(tmp_path / name)
    assert labels.tolist() == [6] and (images == 255).all()
    make_tar(tmp_path / 'packed', [('x/y', b'content')])
    (tmp_path / name).write_bytes(gzip.decompress((tmp_path / 'packed').read_bytes()))
    assert archives.tar_members(tmp_path / name, ['x/y']) == {'x/y': b'content'}


def test_an_unpacked_folder_is_read_as_its_archive(tmp_path, monkeypatch):
    folder = tmp_path / 'elsewhere' / 'x'
    (folder / 'parts').mkdir(parents=True)
    for entry in ('y', 'parts/1', 'parts/2'):
        (folder / entry).write_text(entry)
    (tmp_path / 'x').symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    expected = {'x/y': b'y', 'x/parts/1': b'parts/1', 'x/parts/2': b'parts/2'}
    for path in ('x', tmp_path / 'x', f'{folder}/'):
        assert archives.tar_members(path, ['x/y'], ['x/parts']) == expected
    with refused('cannot read', 'x/z'):
        archives.tar_members('x', ['x/y', 'x/z'])


@pytest.mark.parametrize('name, filename', [(name, filename) for name, files in download.SOURCES.items()
                                            for filename in files if filename in download.FOLDERS])
def test_the_members_of_an_archive_lie_in_its_folder(tmp_path, name, filename):
    folder, = download.FOLDERS[filename]
    (tmp_path / folder).mkdir()
    with refused(f'cannot read {tmp_path / folder}/'):
        list(archives.DECODERS[name](lambda _: tmp_path / folder, ['train']))


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
            archives.usps(tmp_path / 'bad.gz')


def test_digits_are_split_evenly_and_always_the_same():
    load_digits = pytest.importorskip('sklearn.datasets').load_digits
    content = archives.digits()
    train, test = content['train'], content['test']
    assert train[0].shape == (1400, 8, 8, 1) and test[0].shape == (397, 8, 8, 1)
    assert train[0].dtype == np.uint8 and train[0].max() == 255 and train[0].min() == 0
    exact = np.bincount(load_digits().target) * 397 / 1797
    assert (np.abs(np.bincount(test[1]) - exact) <= 1).all()
    pixels = np.concatenate([train[0], test[0]]).reshape(1797, -1)
    expected = np.rint(load_digits().data * 255 / 16)
    assert sorted(map(tuple, pixels)) == sorted(map(tuple, expected))
    np.testing.assert_array_equal(test[1][:12], archives.digits()['test'][1][:12])
