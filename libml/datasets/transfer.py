"""Files from the web: a transfer that breaks is taken up where it stopped, and the whole file has its digest.

No message holds what a library says of an address: that may be the password of a proxy, or the key of a signed link.
"""

import contextlib
import fcntl
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request

from libml import durable
from libml.utils import InputError, one_line, progress

# Length of a digest -> its kind.
KINDS = {32: 'MD5', 64: 'SHA-256'}
BLOCK = 1 << 20
TIMEOUT_SECONDS = 30  # without a byte
SLOWEST = 1 << 10  # bytes a second, on average over TIMEOUT_SECONDS
LARGEST = 8 << 30  # bytes of a file; published ones have 2.6 GB at most
# What a transfer fails with; ValueError where an address, such as that of a proxy, is none.
FAILURES = (OSError, http.client.HTTPException, ValueError)


class _Broken(Exception):
    """A place did not give the whole file; its text says why."""


class _Endless(_Broken):
    """A place would not end in any useful time: it is not asked again."""


def fetch(urls, path, digest):
    """Downloads a file unless it is there; a broken download is taken up again where it stopped (`<path>.part`).

    While another process downloads into the same folder, it waits.

    Args:
        urls: places of the same file, tried in this order.
        path: where it goes; its folder is made.
        digest: hexadecimal, MD5 or SHA-256, that it must have.
    Returns:
        path.
    Raises:
        InputError: no place gave the whole file with this digest, or the folder cannot be written.
    """
    if os.path.exists(path):
        return path
    part, label, failures = f'{path}.part', os.path.basename(path), []
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        with _alone(folder):
            if os.path.exists(path):
                return path
            for url in urls:
                try:
                    _fetch_from(url, part, label, digest)
                    durable.replace(part, path)
                    return path
                except _Broken as error:
                    failures.append(f'{url} ({error})')
    except OSError as error:
        raise InputError(f'cannot write {part}: {error.strerror or error}') from error
    raise InputError(f'cannot download {label}: {", ".join(failures)}; try again later, or fetch it in another way, '
                     'put it into a folder and say --archives=FOLDER')


@contextlib.contextmanager
def _alone(folder):
    """A context that one process at a time is in for a folder, where its file system has locks."""
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f'Waits for another process that downloads into {folder}', flush=True)
            fcntl.flock(number, fcntl.LOCK_EX)
        except OSError:
            pass
        yield
    finally:
        os.close(number)


def digest_of(path, kind):
    """Hexadecimal digest of a file, of one of KINDS."""
    try:
        with open(path, 'rb') as f:
            return digest_of_open(f, kind)
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from error


def digest_of_open(f, kind):
    """As digest_of, of what is left to read of an open file."""
    digest = hashlib.new(kind.replace('-', '').lower(), usedforsecurity=False)
    while block := f.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _fetch_from(url, part, label, digest):
    """Makes `part` the whole file, from one place; begins anew, once, where what was there already was wrong."""
    resumed = _size(part) > 0
    _complete(url, part, label)
    kind = KINDS[len(digest)]
    found = digest_of(part, kind)
    if found != digest:
        os.unlink(part)
        if not resumed:
            raise _Broken(f'its {kind} was {found}, but {digest} was published')
        _fetch_from(url, part, label, digest)


def _complete(url, part, label):
    """Appends to `part` until the server has no more; a transfer that brought nothing new is the last one."""
    while True:
        before = _size(part)
        try:
            return _transfer(url, part, label)
        except _Broken as error:
            if isinstance(error, _Endless) or _size(part) <= before:
                raise


def _transfer(url, part, label):
    """One request for what `part` still lacks of the file at `url`."""
    start = _size(part)
    request = urllib.request.Request(url, headers={'Range': f'bytes={start}-'} if start else {})
    try:
        # Not urlopen, which keeps the proxies of its first call.
        response = urllib.request.build_opener().open(request, timeout=TIMEOUT_SECONDS)
    except FAILURES as error:
        if getattr(error, 'code', None) == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # Nothing is left to send: the part is the whole file, or a wrong one, which its digest will tell.
        raise _Broken(_reason(error)) from error
    with response:
        if response.headers.get_content_type() == 'text/html':
            raise _Broken('a web page came in place of the file')
        if response.status != http.client.PARTIAL_CONTENT:
            start = 0
        total = _total(response, start)
        _check_size(total, part)
        with (open(part, 'ab' if start else 'wb') as f,
              progress(desc=label, total=total, initial=start, unit='B', unit_scale=True, disable=False) as bar):
            since, came = time.monotonic(), 0
            while block := _read(response):
                f.write(block)
                bar.update(len(block))
                _check_size(f.tell(), part)
                came += len(block)
                if time.monotonic() - since >= TIMEOUT_SECONDS:
                    if came < SLOWEST * TIMEOUT_SECONDS:
                        raise _Endless(f'less than {SLOWEST} bytes a second came')
                    since, came = time.monotonic(), 0
    if total is not None and _size(part) < total:
        raise _Broken(f'ended after {_size(part)} of {total} bytes')


def _check_size(size, part):
    """_Endless, and nothing is left of it, if a file is too large for any that is published."""
    if size is not None and size > LARGEST:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise _Endless(f'it has more than {LARGEST} bytes')


def _read(response):
    """What has come, BLOCK at most, empty at the end. Not `read`, which loses what came before a stall."""
    try:
        return response.read1(BLOCK)
    except FAILURES as error:
        raise _Broken(_reason(error)) from error


def _reason(error):
    """What a transfer failed with, in words that hold no part of an address."""
    if isinstance(error, urllib.error.HTTPError):
        if 300 <= error.code < 400:
            return f'HTTP {error.code}: sent on in circles, or to no web address'
        return f'HTTP {error.code} {http.client.responses.get(error.code, "")}'.rstrip()
    if isinstance(error, urllib.error.URLError):
        error = error.reason
    if isinstance(error, TimeoutError):
        return f'nothing came for {TIMEOUT_SECONDS:g} seconds'
    if getattr(error, 'strerror', None):
        return error.strerror
    if isinstance(error, (str, ValueError, http.client.InvalidURL)):
        return 'an address is none: look at the proxies, http_proxy and https_proxy'
    return one_line(error)


def _total(response, start):
    """Size of the whole file in bytes, None where the server does not say."""
    content_range = re.fullmatch(r'bytes (\d+)-\d+/(\d+)', response.headers.get('Content-Range', ''))
    if start and content_range:
        if int(content_range[1]) != start:
            raise _Broken(f'the server sent bytes from {content_range[1]} and not from {start}')
        return int(content_range[2])
    length = getattr(response, 'length', None)
    return None if length is None else start + length


def _size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0
