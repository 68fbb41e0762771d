"""Transfers, from a server on this machine that does what servers do."""

import concurrent.futures
import hashlib
import http.server
import itertools
import re
import threading

from libml.datasets import transfer
from refusals import refused

import pytest

CONTENT = bytes(range(256)) * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()
SECRET = 'hunter2'


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of a path says what is odd about the answer; /good is CONTENT, and knows ranges."""

    def do_GET(self):
        kind = self.path.split('/')[1]
        self.server.seen.append((kind, self.headers.get('Range')))
        if kind.isdigit():
            return self.send_error(int(kind))
        if kind in ('circles', 'away'):
            return self.sent_on({'circles': self.path, 'away': f'gopher://user:{SECRET}@host/?key={SECRET}'}[kind])
        asked = re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range') or '')
        start = int(asked[1]) if asked and kind not in ('whole', 'short', 'page') else 0
        if start >= len(CONTENT):
            return self.send_error(416)
        self.answer(kind, start)

    def answer(self, kind, start):
        """Sends CONTENT from `start` on."""
        self.send_response(206 if start else 200)
        self.send_header('Content-Type', 'text/html; charset=utf-8' if kind == 'page' else 'application/gzip')
        if start:
            shown = start + (kind == 'shifted')
            self.send_header('Content-Range', f'bytes {shown}-{len(CONTENT) - 1}/{len(CONTENT)}')
        body = CONTENT[start:]
        announced = {'unsaid': None, 'endless': None, 'nonsense': 'many', 'more': len(body) + 9,
                     'huge': 1 << 40}.get(kind, len(body))
        if kind in ('wrong', 'longer'):
            body = body[:-1] + {'wrong': b'?', 'longer': body[-1:] + b'?'}[kind]
            announced = len(body)
        if announced is not None:
            self.send_header('Content-Length', str(announced))
        self.end_headers()
        pieces = {'drips': (body[i:i + 1] for i in range(100)), 'endless': itertools.repeat(body)}
        for piece in pieces.get(kind, ()):
            self.wfile.write(piece)
            self.wfile.flush()
            if kind == 'drips':
                self.server.ends.wait(.02)
        stalls = kind == 'silent' or kind == 'stalls' and not start
        sent = {'silent': 0, 'short': 100, 'breaks': (len(body) + 1) // 2, 'stalls': len(CONTENT) // 2}
        self.wfile.write(body[:sent.get(kind)])
        if stalls:
            self.wfile.flush()
            self.server.ends.wait(30)

    def sent_on(self, address):
        self.send_response(302)
        self.send_header('Location', address)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Says nothing of connections that the other end has closed."""

    def handle_error(self, *args):
        pass


@pytest.fixture(scope='module')
def server():
    server = Server(('127.0.0.1', 0), Handler)
    server.ends = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': .01})
    thread.start()
    yield server
    server.ends.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url(server, monkeypatch):
    """url(kind) -> address; also empties what the server has seen, and makes it impatient to wait for silence."""
    server.seen = []
    monkeypatch.setenv('no_proxy', '*')
    monkeypatch.setattr(transfer, 'TIMEOUT_SECONDS', 0.3)
    return lambda kind: f'http://127.0.0.1:{server.server_port}/{kind}/file'


@pytest.fixture
def got(tmp_path, url, server):
    """got(*kinds) -> what the server saw of a download from these places, which must give CONTENT."""
    def get(*kinds):
        path = tmp_path / 'file'
        transfer.fetch([url(kind) for kind in kinds], str(path), MD5)
        assert path.read_bytes() == CONTENT and list(tmp_path.iterdir()) == [path]
        return server.seen

    return get


def test_a_file_is_fetched_once_with_progress(tmp_path, url, server, capsys):
    path = str(tmp_path / 'new' / 'file')
    assert transfer.fetch([url('good')], path, MD5) == path
    assert open(path, 'rb').read() == CONTENT
    assert '1.28M' in capsys.readouterr().err
    assert transfer.fetch([url('good')], path, MD5) == path
    assert server.seen == [('good', None)]
    assert [entry.name for entry in (tmp_path / 'new').iterdir()] == ['file']


@pytest.mark.parametrize('kind', ['good', 'whole'])
def test_a_broken_download_is_taken_up_again(tmp_path, got, kind):
    """Also from a server that does not know ranges: then from its start."""
    (tmp_path / 'file.part').write_bytes(CONTENT[:1000])
    assert got(kind) == [(kind, 'bytes=1000-')]


@pytest.mark.parametrize('part', [CONTENT[1:1001], CONTENT + b'more', b'?' * len(CONTENT)])
def test_a_part_of_something_else_is_thrown_away(tmp_path, got, part):
    (tmp_path / 'file.part').write_bytes(part)
    assert got('good') == [('good', f'bytes={len(part)}-'), ('good', None)]


def test_a_complete_part_is_accepted(tmp_path, got):
    (tmp_path / 'file.part').write_bytes(CONTENT)
    assert got('good') == [('good', f'bytes={len(CONTENT)}-')]


def test_a_connection_that_breaks_again_and_again_still_gets_there(got):
    assert len(got('breaks')) > 3


def test_what_came_before_a_stall_is_kept(got):
    assert got('stalls') == [('stalls', None), ('stalls', f'bytes={len(CONTENT) // 2}-')]


def test_sizes_that_are_not_true(got):
    """Nothing that is announced counts more than the digest."""
    assert got('more') == [('more', None), ('more', f'bytes={len(CONTENT)}-')]


@pytest.mark.parametrize('kind', ['unsaid', 'nonsense'])
def test_sizes_that_are_not_known(got, kind):
    assert got(kind) == [(kind, None)]


# What is odd -> what is said of it.
REFUSED = {'404': 'HTTP 404 Not Found', '500': 'HTTP 500 Internal Server Error', '799': 'HTTP 799',
           'circles': 'HTTP 302: sent on in circles', 'away': 'HTTP 302: sent on in circles, or to no web address',
           'page': 'a web page came in place of the file', 'silent': 'nothing came for 0.3 seconds',
           'short': f'ended after 100 of {len(CONTENT)} bytes', 'wrong': f', but {MD5} was published',
           'longer': f'its MD5 was {hashlib.md5(CONTENT + b"?").hexdigest()}, but {MD5} was published'}


@pytest.mark.parametrize('kind', REFUSED)
def test_what_a_place_does_is_told_and_the_next_is_tried(tmp_path, url, got, kind):
    with refused(f'cannot download file: {url(kind)} (', REFUSED[kind], 'say --archives=FOLDER') as error:
        transfer.fetch([url(kind)], str(tmp_path / 'file'), MD5)
    assert SECRET not in str(error.value)
    assert [kind for kind, _ in got(kind, 'good')][-1] == 'good'


def test_mirrors_are_tried_in_order(tmp_path, url, server):
    """Each goes on with what is there; one that cannot does no harm to it."""
    (tmp_path / 'file.part').write_bytes(CONTENT[:9])
    places = ['http://127.0.0.1:1/file', *map(url, ('404', 'page', 'shifted', 'good'))]
    transfer.fetch(places, str(tmp_path / 'file'), MD5)
    assert server.seen == [(kind, 'bytes=9-') for kind in ('404', 'page', 'shifted', 'good')]
    assert (tmp_path / 'file').read_bytes() == CONTENT


def test_without_a_mirror_the_error_names_all_and_keeps_the_part(tmp_path, url):
    (tmp_path / 'file.part').write_bytes(CONTENT[:9])
    with refused('file', url('404'), '404', 'http://127.0.0.1:1/ (Connection refused)', '--archives'):
        transfer.fetch([url('404'), 'http://127.0.0.1:1/'], str(tmp_path / 'file'), MD5)
    assert (tmp_path / 'file.part').read_bytes() == CONTENT[:9]


@pytest.mark.parametrize('kind', ['md5', 'sha256'])
def test_a_wrong_digest_is_refused_with_both(tmp_path, url, server, kind):
    found = hashlib.new(kind, CONTENT).hexdigest()
    wanted = '0' * len(found)
    with refused('file', dict(md5='MD5', sha256='SHA-256')[kind], found, wanted):
        transfer.fetch([url('good')], str(tmp_path / 'file'), wanted)
    assert not list(tmp_path.iterdir()) and len(server.seen) == 1
    assert transfer.fetch([url('good')], str(tmp_path / 'file'), found) == str(tmp_path / 'file')


def test_a_folder_that_cannot_be_written(tmp_path, url):
    (tmp_path / 'blocked').write_text('')
    with refused('cannot write', 'blocked'):
        transfer.fetch([url('good')], str(tmp_path / 'blocked' / 'file'), MD5)


@pytest.mark.parametrize('proxy', [
    f'http://user:{SECRET}@127.0.0.1:1', f'http:/user:{SECRET}@127.0.0.1:1', f'http://user:{SECRET}/1@127.0.0.1:1',
    f'http://user:{SECRET}', f'http://127.0.0.1:{SECRET}', f'{SECRET}://user:{SECRET}@127.0.0.1:1'])
def test_no_message_holds_what_a_proxy_is_told(tmp_path, monkeypatch, proxy):
    monkeypatch.setenv('http_proxy', proxy)
    monkeypatch.delenv('no_proxy', raising=False)
    monkeypatch.delenv('NO_PROXY', raising=False)
    with refused('cannot download file: http://127.0.0.1:1/file (') as error:
        transfer.fetch(['http://127.0.0.1:1/file'], str(tmp_path / 'file'), MD5)
    assert SECRET not in str(error.value)


def test_digests(tmp_path):
    (tmp_path / 'file').write_bytes(CONTENT)
    assert transfer.digest_of(str(tmp_path / 'file'), 'MD5') == MD5
    assert transfer.digest_of(str(tmp_path / 'file'), 'SHA-256') == hashlib.sha256(CONTENT).hexdigest()
    with refused('cannot read', 'none: No such file'):
        transfer.digest_of(str(tmp_path / 'none'), 'MD5')


@pytest.mark.parametrize('kind, reason', [('drips', 'less than 1024 bytes a second came'),
                                          ('endless', 'it has more than 5000000 bytes'),
                                          ('huge', 'it has more than 5000000 bytes')])
def test_what_would_not_end_is_asked_for_once(tmp_path, url, server, monkeypatch, kind, reason):
    monkeypatch.setattr(transfer, 'LARGEST', 5_000_000)
    with refused(f'cannot download file: {url(kind)} ({reason})'):
        transfer.fetch([url(kind)], str(tmp_path / 'file'), MD5)
    assert server.seen == [(kind, None)]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 100


def test_processes_download_one_after_the_other(tmp_path, url, server, capsys):
    """By threads: a lock is of what was opened, not of a process."""
    path = str(tmp_path / 'file')
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(transfer.fetch, [url('stalls')], path, MD5) for _ in range(2)]
        assert [future.result() for future in futures] == [path] * 2
    assert [kind for kind, _ in server.seen] == ['stalls'] * 2  # One transfer, taken up again.
    assert capsys.readouterr().out == f'Waits for another process that downloads into {tmp_path}\n'
    assert open(path, 'rb').read() == CONTENT
