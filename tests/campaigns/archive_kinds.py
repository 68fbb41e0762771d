"""Bad inputs that are archives: as published, and their formats alone; and downloads.

Functions as in data_kinds.py.
"""

import gzip
import io
import tarfile

from campaigns import bases, nearly_right
from campaigns.cases import Case
from libml.datasets import archives, descriptions, download, prepare
from libml.datasets.records import read_records

import numpy as np

BOMB = 1 << 26  # bytes that are packed in one of a few KB
LARGEST = 1 << 24  # of archives, while one is read


class Trap:
    """What unpickling it would do: make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, 'w')


def _member(random, good):
    """A TarInfo of a member that is refused, or of one that says another size than it has."""
    member = tarfile.TarInfo(random.choice(('../x', '/x', 'a/../../x', 'C:\\x', 'a\\..\\x', good, '.', '', 'x' * 300)))
    member.type = random.choice((tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
                                 tarfile.DIRTYPE, tarfile.BLKTYPE))
    member.linkname = random.choice(('', good, '/etc/passwd', '../../x'))
    return member


def _tar(random, content):
    """Bytes of a .tar.gz: damaged, or with other members, also such as are too large."""
    if random.random() < 0.5:
        return nearly_right.data(random, random.choice((content, gzip.decompress(content))))
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=out, mode='w:gz') as new:
        members = [(member, old.extractfile(member).read()) for member in old]
        for member, inside in members:
            action = random.randint(0, 9)
            if action == 0:
                new.addfile(_member(random, member.name))
            elif action == 1:
                name = nearly_right.text(random, [member.name]).replace('\0', '0')
                member.name = name.encode(errors='replace').decode()
            elif action == 2:
                inside = nearly_right.data(random, inside)
            member.size = len(inside)
            if action != 3:
                new.addfile(member, io.BytesIO(inside))
    return out.getvalue()


def archive(random, folder):
    """Published archives, with counts as small as theirs."""
    name = random.choice(list(bases.PUBLISHED))
    files = [path for path in sorted((folder / 'archives').iterdir()) if path.name in download.SOURCES[name]]
    path = random.choice(files)
    content = path.read_bytes()
    new = _tar(random, content) if path.name.endswith('.tar.gz') else _damaged(random, content)
    path.write_bytes(new)
    info = descriptions.DATASET_INFO[name]
    small = descriptions.dataclasses.replace(info, counts=bases.PUBLISHED[name])

    def call():
        descriptions.DATASET_INFO[name] = small
        try:
            written = prepare.create(name, str(folder / 'made'), str(folder / 'archives'))
        finally:
            descriptions.DATASET_INFO[name] = info
        for records in written:
            read_records([records], small.height, small.width, small.colors, 10)

    members = [path.rpartition('/')[2] for path in ('data_batch_', 'test_batch', 'MNIST-M')]
    return Case('archive', call, (str(path), f'{name}, ', 'cifar10, ', 'member', *members, '.png'), path.name)


def _damaged(random, content):
    """Bytes of a file that may be gzipped: damaged within or without."""
    if content[:2] == download.GZIP and random.random() < 0.6:
        return random.choice((gzip.compress, bytes))(nearly_right.data(random, gzip.decompress(content)))
    return nearly_right.data(random, content)


def packed(random, folder):
    """Formats alone, with what they do not hold; and files of zeros that are much larger than they look."""
    kind = random.choice(('idx', 'usps', 'npy', 'mat', 'mat', 'tar', 'bomb'))
    path = folder / f'a.{kind}'
    if kind == 'mat':
        import scipy.io
        y = random.choice((np.array(['a', 'b']), np.array([[1], [2]]), np.array([[1.5], [2]]), np.array([[1e300], [2]]),
                           np.array([[1 + 2j], [2]]), np.array([[np.nan], [1]]), np.array([{}, {}], object), 'text'))
        scipy.io.savemat(path, {'X': np.zeros([32, 32, 3, 2], np.uint8), 'y': y})
        call = archives.matlab_digits
    elif kind == 'npy':
        np.save(path, random.choice((np.zeros(3), np.array([Trap(str(folder / 'trap'))]), np.zeros([2, 2], 'S3'),
                                     np.arange(4).reshape(2, 2))))
        _lie(random, path)
        call = lambda path: archives.npy(path, 2)  # noqa: E731
    elif kind in ('tar', 'bomb'):
        _bomb(random, path, kind == 'tar')
        call = (lambda path: archives.tar_members(path, ['a'])) if kind == 'tar' else (
            lambda path: random.choice((archives.usps, lambda path: archives.idx(path, 1)))(path))
    else:
        good = b'\0\0\x08\x01\0\0\0\x03abc' if kind == 'idx' else ('1.0 ' + '0.5 ' * 256 + '\n').encode() * 2
        path.write_bytes(_damaged(random, random.choice((good, gzip.compress(good)))))
        call = archives.usps if kind == 'usps' else lambda path: archives.idx(path, 1)

    def caught():
        usual, download.LARGEST = download.LARGEST, LARGEST
        try:
            call(str(path))
        finally:
            download.LARGEST = usual
            assert not (folder / 'trap').exists()

    return Case('packed', caught, (str(path),), kind)


def _lie(random, path):
    """Sometimes has the header of an .npy file say another shape."""
    if random.random() < 0.6:
        content = path.read_bytes()
        old, new = random.choice(((b'(3,)', b'(10000000000000,)'), (b'(2, 2)', b'(99999999, 999999)'),
                                  (b"'shape'", b"'shapes'"), (b'False', b'(' * 90), (b'descr', b'\xff\xfe')))
        path.write_bytes(content.replace(old, new).replace(b' ' * max(0, len(new) - len(old)), b'', 1))


def _bomb(random, path, tar):
    """A gzipped file of BOMB zeros, a member of a .tar.gz or alone."""
    member = tarfile.TarInfo(random.choice(('a', 'b')))
    member.size = BOMB
    start = member.tobuf() if tar else b'\0\0\x08\x01\x04\0\0\0'
    path.write_bytes(gzip.compress(start, 1) + gzip.compress(b'\0' * BOMB, 1))


def fetched(random, folder):
    """A download: of a file here, with its digest or another."""
    source, path = folder / 'archives' / 'zip.test.gz', folder / 'downloads' / 'zip.test.gz'
    digest = random.choice((download.digest_of(source, 'MD5'), '0' * 32, 'f' * 64))
    urls = random.choice(([f'file://{source}'], [f'file://{source}.no', f'file://{source}'], ['file:///no'], ['x:y'],
                          [], ['http://127.0.0.1:1/x']))

    def call():
        download.fetch(urls, str(path), digest)
        assert path.read_bytes() == source.read_bytes()

    return Case('download', call, ('zip.test.gz',), f'{urls} {digest}')


KINDS = {archive: 10, packed: 4, fetched: 1}
