"""Downloads, from a server on this machine."""

import gzip
import hashlib
import http.server
import os
import re
import threading

from libml.datasets import download
from refusals import refused

import pytest

CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """/good knows ranges, /whole does not, /breaks ends each answer early, /shifted answers another range."""

    def do_GET(self):
        kind = self.path.split('/')[1]
        self.server.seen.append((kind, self.headers.get('Range')))
        asked = re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range') or '')
        start = int(asked[1]) if asked and kind != 'whole' else 0
        if kind == 'nothing':
            return self.send_error(404)
        if start >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            shown = start + (kind == 'shifted')
            self.send_header('Content-Range', f'bytes {shown}-{len(CONTENT) - 1}/{len(CONTENT)}')
        self.send_header('Content-Length', str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        self.wfile.write(body[:(len(body) + 1) // 2] if kind == 'breaks' else body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def server():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': .01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url(server):
    """url(kind) -> address; also empties what the server has seen."""
    server.seen = []
    return lambda kind: f'http://127.0.0.1:{server.server_port}/{kind}/file'


def test_a_file_is_fetched_once_with_progress(tmp_path, url, server, capsys):
    path = str(tmp_path / 'new' / 'file')
    assert download.fetch([url('good')], path, MD5) == path
    assert open(path, 'rb').read() == CONTENT
    assert '1.28M' in capsys.readouterr().err
    assert download.fetch([url('good')], path, MD5) == path
    assert server.seen == [('good', None)]
    assert [entry.name for entry in (tmp_path / 'new').iterdir()] == ['file']


@pytest.mark.parametrize('kind,last', [('good', 'bytes=1000-'), ('whole', 'bytes=1000-')])
def test_a_broken_download_is_taken_up_again(tmp_path, url, server, kind, last):
    (tmp_path / 'file.part').write_bytes(CONTENT[:1000])
    download.fetch([url(kind)], str(tmp_path / 'file'), MD5)
    assert (tmp_path / 'file').read_bytes() == CONTENT and server.seen == [(kind, last)]


def test_a_complete_part_is_accepted(tmp_path, url):
    (tmp_path / 'file.part').write_bytes(CONTENT)
    download.fetch([url('good')], str(tmp_path / 'file'), MD5)
    assert (tmp_path / 'file').read_bytes() == CONTENT


def test_a_connection_that_breaks_again_and_again_still_gets_there(tmp_path, url, server):
    download.fetch([url('breaks')], str(tmp_path / 'file'), MD5)
    assert (tmp_path / 'file').read_bytes() == CONTENT and len(server.seen) > 3


def test_mirrors_are_tried_in_order(tmp_path, url, server):
    (tmp_path / 'file.part').write_bytes(CONTENT[:9])
    places = ['http://127.0.0.1:1/file', url('nothing'), url('shifted'), url('good')]
    download.fetch(places, str(tmp_path / 'file'), MD5)
    assert [kind for kind, _ in server.seen] == ['nothing', 'shifted', 'good']
    assert (tmp_path / 'file').read_bytes() == CONTENT


def test_without_a_mirror_the_error_names_all_and_keeps_the_part(tmp_path, url):
    (tmp_path / 'file.part').write_bytes(CONTENT[:9])
    with refused('file', url('nothing'), '404', 'http://127.0.0.1:1/', '--archives'):
        download.fetch([url('nothing'), 'http://127.0.0.1:1/'], str(tmp_path / 'file'), MD5)
    assert (tmp_path / 'file.part').read_bytes() == CONTENT[:9]


@pytest.mark.parametrize('kind', ['md5', 'sha256'])
def test_a_wrong_digest_is_refused_with_both(tmp_path, url, kind):
    found = hashlib.new(kind, CONTENT).hexdigest()
    wanted = '0' * len(found)
    with refused('file', dict(md5='MD5', sha256='SHA-256')[kind], found, wanted):
        download.fetch([url('good')], str(tmp_path / 'file'), wanted)
    assert not list(tmp_path.iterdir())
    assert download.fetch([url('good')], str(tmp_path / 'file'), found) == str(tmp_path / 'file')


def test_a_folder_that_cannot_be_written(tmp_path, url):
    (tmp_path / 'blocked').write_text('')
    with refused('cannot write', 'blocked'):
        download.fetch([url('good')], str(tmp_path / 'blocked' / 'file'), MD5)


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


def test_downloads_go_below_the_data_folder(tmp_path, url, monkeypatch):
    monkeypatch.setitem(download.SOURCES, 'usps', {'zip.train.gz': (MD5, [url('nothing') + '/', url('good') + '/'])})
    path = download.archive('usps', 'zip.train.gz', str(tmp_path))
    assert path == str(tmp_path / 'downloads' / 'usps' / 'zip.train.gz')
    assert open(path, 'rb').read() == CONTENT


def test_every_source_has_a_digest_and_a_place():
    for name, files in download.SOURCES.items():
        for digest, folders in files.values():
            if name not in download.BY_HAND:
                assert re.fullmatch('[0-9a-f]{32}|[0-9a-f]{64}', digest)
                assert folders and all(folder.endswith('/') for folder in folders)
    for name, files in download.CONTENTS.items():
        assert files.keys() == download.SOURCES[name].keys()
        assert all(re.fullmatch('[0-9a-f]{32}', md5) for md5 in files.values())
