"""Archives on this machine; what is known of the published ones. Transfers are in test_transfer.py."""

import gzip
import hashlib
import os
import re

from libml.datasets import download
from refusals import refused

import pytest

CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()


def test_local_archives(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(download.SOURCES, 'usps', {'zip.train.gz': (MD5, ())})
    (tmp_path / 'zip.train.gz').write_bytes(CONTENT)
    flat = str(tmp_path / 'zip.train.gz')
    assert download.archive('usps', 'zip.train.gz', tmp_path / 'data', str(tmp_path)) == flat
    assert not capsys.readouterr().err
    (tmp_path / 'usps').mkdir()
    other = gzip.compress(b'other', mtime=0)
    (tmp_path / 'usps' / 'zip.train.gz').write_bytes(other)
    own = download.archive('usps', 'zip.train.gz', tmp_path / 'data', str(tmp_path))
    assert own == str(tmp_path / 'usps' / 'zip.train.gz')
    warning = capsys.readouterr().err
    assert warning.startswith('warning: ') and warning.count('\n') == 1
    assert MD5 in warning and hashlib.md5(other).hexdigest() in warning
    with refused('usps', 'zip.train.gz', 'nowhere'):
        download.archive('usps', 'zip.train.gz', tmp_path / 'data', str(tmp_path / 'nowhere'))


def put(path):
    """Makes a file, or a folder if its name ends with a slash; returns its path as a text."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not path.endswith('/'):
        open(path, 'x').close()
    return path.rstrip('/')


@pytest.mark.parametrize('name, filename, found', [
    ('usps', 'zip.train.gz', 'zip.train'), ('mnist', 'train-images-idx3-ubyte.gz', 'mnist/train-images-idx3-ubyte'),
    ('mnist', 't10k-labels-idx1-ubyte.gz', 't10k-labels.idx1-ubyte'),
    ('cifar10', 'cifar-10-binary.tar.gz', 'cifar-10-binary.tar'),
    ('cifar10', 'cifar-10-binary.tar.gz', 'cifar-10-batches-bin/'),
    ('cifar100', 'cifar-100-binary.tar.gz', 'cifar100/cifar-100-binary/'),
    ('stl10', 'stl10_binary.tar.gz', 'stl10_binary/')])
def test_unpacked_archives_are_found(tmp_path, capsys, name, filename, found):
    path = put(f'{tmp_path}/{found}')
    assert download.archive(name, filename, 'data', str(tmp_path)) == path
    if os.path.isdir(path):
        assert download.archive(name, filename, 'data', path) == path
    assert bool(capsys.readouterr().err) == (name == 'mnist')  # Of others no digest is known.


MNIST = 'train-labels-idx1-ubyte.gz'


@pytest.fixture
def digests(monkeypatch):
    """The published file packs CONTENT."""
    packed = gzip.compress(CONTENT, mtime=0)
    monkeypatch.setitem(download.SOURCES, 'mnist', {MNIST: (hashlib.md5(packed).hexdigest(), ())})
    monkeypatch.setitem(download.CONTENTS, 'mnist', {MNIST: MD5})
    return packed


@pytest.mark.parametrize('name', [MNIST, MNIST[:-3], 'train-labels.idx1-ubyte'])
def test_what_is_in_a_file_counts_however_it_is_packed_and_called(tmp_path, capsys, digests, name):
    path = tmp_path / name
    for good in (digests, gzip.compress(CONTENT, 1, mtime=7), CONTENT):
        path.write_bytes(good)
        assert download.archive('mnist', MNIST, 'data', str(tmp_path)) == str(path)
        assert not capsys.readouterr().err
    for bad in (CONTENT[:-1], gzip.compress(CONTENT[:-1])):
        path.write_bytes(bad)
        download.archive('mnist', MNIST, 'data', str(tmp_path))
        assert capsys.readouterr().err == (f'warning: what {path} holds has MD5 {hashlib.md5(CONTENT[:-1]).hexdigest()}'
                                           f', what was published has {MD5}\n')


@pytest.mark.parametrize('name', [MNIST, MNIST[:-3]])
def test_unpacked_files_are_not_compared_with_what_was_packed(tmp_path, capsys, digests, monkeypatch, name):
    """Where nothing is known of their content; a damaged file is told when it is read."""
    monkeypatch.delitem(download.CONTENTS, 'mnist')
    for content, warns in ((CONTENT, False), (gzip.compress(CONTENT, 1, mtime=7), True), (digests, False)):
        (tmp_path / name).write_bytes(content)
        download.archive('mnist', MNIST, 'data', str(tmp_path))
        assert ('the published one has' in capsys.readouterr().err) is warns
    monkeypatch.setitem(download.CONTENTS, 'mnist', {MNIST: MD5})
    (tmp_path / name).write_bytes(digests[:-9])
    assert download.archive('mnist', MNIST, 'data', str(tmp_path)) and not capsys.readouterr().err


def test_a_folder_is_not_taken_for_an_unpacked_file(tmp_path):
    put(f'{tmp_path}/train-images-idx3-ubyte/')
    found = put(f'{tmp_path}/train-images.idx3-ubyte')
    assert download.archive('mnist', 'train-images-idx3-ubyte.gz', 'data', str(tmp_path)) == found


@pytest.mark.parametrize('name, filename, pickled', [
    ('mnist', 'train-images-idx3-ubyte.gz', 'mnist.pkl.gz'),
    ('cifar10', 'cifar-10-binary.tar.gz', 'cifar-10-python.tar.gz'),
    ('cifar10', 'cifar-10-binary.tar.gz', 'cifar-10-batches-py/'),
    ('cifar100', 'cifar-100-binary.tar.gz', 'cifar100/cifar-100-python.tar.gz'),
    ('cifar100', 'cifar-100-binary.tar.gz', 'cifar-100-python/')])
def test_pickles_are_refused_and_what_is_right_is_named(tmp_path, name, filename, pickled):
    path, place = put(f'{tmp_path}/{pickled}'), download.SOURCES[name][filename][1][0]
    for archives in [str(tmp_path), path] if os.path.isdir(path) else [str(tmp_path)]:
        with refused(f'{path} is the python version of {name}: a pickle', f'get {filename} from {place}'):
            download.archive(name, filename, 'data', archives)
    right = put(f'{tmp_path}/{filename}')
    assert download.archive(name, filename, 'data', str(tmp_path)) == right


def test_downloads_go_below_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setitem(download.SOURCES, 'usps', {'zip.train.gz': (MD5, ['https://a/', 'https://b/c/'])})
    monkeypatch.setattr(download, 'fetch', lambda urls, path, digest: (urls, path, digest))
    assert download.archive('usps', 'zip.train.gz', str(tmp_path)) == (
        ['https://a/zip.train.gz', 'https://b/c/zip.train.gz'],
        str(tmp_path / 'downloads' / 'usps' / 'zip.train.gz'), MD5)


def test_a_file_without_a_published_digest_says_so(tmp_path, capsys):
    path = put(f'{tmp_path}/mnist_m.tar.gz')
    assert download.archive('mnist_m', 'mnist_m.tar.gz', 'data', str(tmp_path)) == path
    assert capsys.readouterr().err == (
        f'warning: no digest of mnist_m.tar.gz was published: {path} is taken as it is\n')


def test_every_source_has_a_digest_and_a_place():
    """The first place is encrypted."""
    for name, files in download.SOURCES.items():
        for digest, folders in files.values():
            if name not in download.BY_HAND:
                assert re.fullmatch('[0-9a-f]{32}|[0-9a-f]{64}', digest)
                assert folders and all(folder.endswith('/') for folder in folders)
                assert folders[0].startswith('https://')
    for name, files in download.CONTENTS.items():
        assert files.keys() == download.SOURCES[name].keys()
        assert all(re.fullmatch('[0-9a-f]{32}', md5) for md5 in files.values())
