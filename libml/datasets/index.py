"""Where each encoded picture of a subset lies, so that any of them is read without those before it.

An index is kept beside the records as `<name>-<subset>.index.npz`. It is made again when the files are others.
"""

import array
import dataclasses
import functools
import json
import os

from libml.datasets.records import AFTER, BEFORE, LARGEST_LABEL, features, raw_records
from libml.files import written_whole
from libml.utils import InputError, progress

import numpy as np

ARRAYS = dict(number=np.int32, offset=np.int64, size=np.int64, label=np.int32)


@dataclasses.dataclass(frozen=True)
class Keys:
    """Names of the features of a tf.train.Example, and the number that its first class has."""
    image: str = 'image'
    label: str = 'label'
    first: int = 0


@dataclasses.dataclass(frozen=True)
class Index:
    """Encoded pictures by position.

    Attributes:
        files: tuple of paths.
        stamps: tuple of (bytes, time of change in ns), one for each file; empty where each file is one picture, which
            is checked when it is read.
        number: int32 [n], place in `files` of the file that a picture is in.
        offset, size: int64 [n], its first byte there, and how many bytes it has.
        label: int32 [n].
    """
    files: tuple
    stamps: tuple
    number: np.ndarray
    offset: np.ndarray
    size: np.ndarray
    label: np.ndarray

    def __len__(self):
        return len(self.number)

    def read(self, positions):
        """list of the bytes of the pictures at `positions`, int64 [b].

        Raises:
            InputError: a file is gone or shorter than it was.
        """
        return [self._read(position) for position in positions]

    def _read(self, position):
        size, path = int(self.size[position]), self.files[self.number[position]]
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                content = os.pread(descriptor, size, int(self.offset[position]))
                changed = not self.stamps and os.fstat(descriptor).st_size != size
            finally:
                os.close(descriptor)
        except OSError as error:
            raise InputError(f'cannot read {self.where(position)}: {error.strerror}') from error
        if changed or len(content) != size:
            raise InputError(f'{self.where(position)} is not the {size} bytes that it was when the data folder was '
                             'made')
        return content

    def where(self, position):
        """What an error calls the picture at a position."""
        number = self.number[position]
        path = self.files[number]
        if not self.stamps:
            return path
        return f'{path}: record {position - np.searchsorted(self.number, number)}'

    def fresh(self):
        """Whether all files are as they were; those of a picture each are not looked at."""
        return not self.stamps or self.stamps == stamps(self.files)

    def holds(self, other):
        """Whether another Index, or None, has the same pictures at the same places."""
        return bool(other) and (self.files, self.stamps) == (other.files, other.stamps) and all(
            np.array_equal(getattr(self, key), getattr(other, key)) for key in ARRAYS)

    def save(self, path):
        """Writes it, whole or not at all."""
        folder = os.path.dirname(path)
        files = [os.path.basename(file) if os.path.dirname(file) == folder else file for file in self.files]
        about = json.dumps(dict(files=files, stamps=self.stamps)).encode()
        with written_whole(path, 'wb') as f:
            np.savez(f, about=np.frombuffer(about, np.uint8), **{key: getattr(self, key) for key in ARRAYS})


def load(path):
    """The Index in a file; None where there is none or it is damaged, so that it is made again.

    Files beside it are named without their folder, so that the folder can be moved. It is read once: a start asks for
    it several times, and that of ImageNet's folders takes two seconds.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    return _loaded(path, (status.st_ino, status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=8)
def _loaded(path, version):
    """As `load`, of the version of the file that is there."""
    del version
    try:
        with np.load(path, allow_pickle=False) as found:
            about = json.loads(found['about'].tobytes())
            arrays = {key: found[key] for key in ARRAYS}
        files = (os.path.join(os.path.dirname(path), file) for file in about['files'])
        index = Index(tuple(files), tuple(map(tuple, about['stamps'])), **arrays)
        shape = len(index.size),
        whole = all(array.dtype == ARRAYS[key] and array.shape == shape for key, array in arrays.items())
        return index if whole and _is_possible(index) else None
    except Exception:  # NumPy and zipfile raise whatever they stumble over; no narrower class covers a damaged file.
        return None


def _is_possible(index):
    """Whether each picture of an Index is in one of its files."""
    n, stamped = len(index.files), np.array([size for size, _ in index.stamps] or [0], np.int64)
    if len(index.stamps) not in (0, n) or not len(index) or not 0 <= index.number.min() <= index.number.max() < n:
        return False
    end = stamped[index.number] if index.stamps else index.size
    return bool((index.offset >= 0).all() and (index.size > 0).all() and (index.size <= end - index.offset).all())


def stamps(paths):
    """((bytes, time of change in ns), ...) of files; (-1, -1) for one that is not there."""
    found = []
    for path in paths:
        try:
            status = os.stat(path)
            found.append((status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((-1, -1))
    return tuple(found)


def of_records(paths, keys=Keys()):
    """The Index of TFRecord files; reads them once, with a progress bar.

    Raises:
        InputError: a file is missing or damaged, or a record has not one picture and one label.
    """
    before, rows, n = stamps(paths), array.array('q'), 0
    with progress(total=sum(max(size, 0) for size, _ in before), unit='B', unit_scale=True, desc='Indexing') as bar:
        for number, path in enumerate(paths):
            start, first = 0, n
            for record in raw_records(path):
                at, size, label = _found(record, keys, path, n - first)
                rows.extend((number, start + BEFORE + at, size, label))
                n += 1
                start += BEFORE + len(record) + AFTER
                bar.update(BEFORE + len(record) + AFTER)
            if n == first:
                raise InputError(f'{path} holds no record')
    return Index(tuple(paths), before, *_columns(np.frombuffer(rows, np.int64)))


def of_pictures(paths, labels):
    """The Index of files of one picture each, and their labels."""
    try:
        sizes = [os.path.getsize(path) for path in paths]
    except OSError as error:
        raise InputError(f'cannot read {error.filename}: {error.strerror}') from error
    columns = [np.arange(len(paths)), np.zeros(len(paths)), sizes, labels]
    return Index(tuple(paths), (), *_columns(np.stack(columns, 1)))


def joined(parts):
    """One Index of several, one after the other."""
    first, *others = parts
    if not others:
        return first
    firsts = np.cumsum([0] + [len(part.files) for part in parts])
    files = sum((part.files for part in parts), ())
    checked = sum((part.stamps or ((-1, -1),) * len(part.files) for part in parts), ())
    number = np.concatenate([part.number + start for part, start in zip(parts, firsts)]).astype(np.int32)
    columns = [np.concatenate([getattr(part, key) for part in parts]) for key in ('offset', 'size', 'label')]
    return Index(files, checked if any(part.stamps for part in parts) else (), number, *columns)


def _columns(rows):
    table = rows.reshape(-1, len(ARRAYS))
    return [table[:, column].astype(kind) for column, kind in enumerate(ARRAYS.values())]


def _found(record, keys, path, position):
    """(first byte in the record, bytes, label) of the picture of a serialized tf.train.Example."""
    found = features(record, path, position)
    pictures, labels = found[keys.image].bytes_list.value, found[keys.label].int64_list.value
    if len(pictures) != 1 or not pictures[0]:
        raise InputError(f'{path}: record {position} has no picture `{keys.image}`')
    if len(labels) != 1:
        raise InputError(f'{path}: record {position} has no integer `{keys.label}`')
    if abs(labels[0]) > LARGEST_LABEL:  # Of an array of int32 it would be another one.
        raise InputError(f'{path}: record {position} has label {labels[0]}, larger than {LARGEST_LABEL}')
    return record.find(pictures[0]), len(pictures[0]), labels[0] - keys.first
