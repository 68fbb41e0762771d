"""Published archives -> arrays. Archives are read as streams: nothing is unpacked, nothing is unpickled.

What people have unpacked is read as well: a file that is not gzipped, whatever its name, and the folder of a .tar.gz.
"""

import math
import os
import pathlib
import posixpath
import struct
import tarfile

from libml.datasets import blended, download
from libml.datasets.descriptions import FOLDS
from libml.datasets.download import DAMAGED, opened
from libml.datasets.split_rule import class_weights, draw_labeled
from libml.utils import InputError, one_line

import numpy as np


def tar_members(path, names, folders=()):
    """Contents of the named members of a .tar.gz file, and of all files that lie directly in `folders`.

    Args:
        path: the file, or the folder that it was unpacked to, with which all its members' names begin.
    Returns:
        dict name -> bytes, with each of names.
    Raises:
        InputError: the archive is damaged, a named member is missing, or any member is a link or special file, or has
            a path that leads out of its folder.
    """
    contents = {}
    if os.path.isdir(path):
        return _unpacked_members(pathlib.Path(os.path.abspath(path)).parent, names, folders)
    try:
        # Not tarfile's own 'r|gz', which ignores the checksum of the compressed file; gzip compares it at the end.
        with opened(path) as f, tarfile.open(fileobj=f, mode='r|') as tar:
            for member in tar:
                parts = pathlib.PureWindowsPath(member.name)  # Knows both kinds of slash, and drives.
                if parts.anchor or '..' in parts.parts or not (member.isfile() or member.isdir()):
                    raise InputError(f'{path} is refused: its member {member.name!r} is a link or special file or '
                                     'leads out of its folder')
                if member.issparse():  # It would have any size without such bytes in the archive.
                    raise InputError(f'{path} is refused: its member {member.name!r} is a sparse file')
                tar.members.clear()  # It would keep what it knows of all, of any number.
                if member.name in names or member.isfile() and posixpath.dirname(member.name) in folders:
                    contents[member.name] = tar.extractfile(member).read()
            while f.read(1 << 20):
                pass
    except InputError:
        raise
    except (*DAMAGED, tarfile.TarError, ValueError, MemoryError) as error:  # ValueError: of numbers in its headers.
        raise InputError(f'{path} is damaged: {one_line(error)}') from error
    missing = [name for name in names if name not in contents]
    if missing:
        raise InputError(f'{path} has no member {missing[0]}')
    return contents


def _unpacked_members(root, names, folders):
    """What tar_members returns, of an archive that was unpacked in the folder `root`."""
    inside = [f'{folder}/{entry.name}' for folder in folders for entry in root.joinpath(folder).glob('*')
              if entry.is_file()]
    try:
        return {name: root.joinpath(name).read_bytes() for name in [*names, *inside]}
    except OSError as error:
        raise InputError(f'cannot read {error.filename}: {error.strerror}') from error


def cifar(batches, label_bytes):
    """Binary CIFAR: records of label_bytes bytes, of which the last is the (fine) label, and planes R, G, B.

    Args:
        batches: dict name -> bytes, in order.
        label_bytes: 1 for CIFAR-10, 2 for CIFAR-100.
    Returns:
        uint8 [n, 32, 32, 3], uint8 [n].
    """
    size = label_bytes + 3 * 32 * 32
    for name, content in batches.items():
        if not content or len(content) % size:
            raise InputError(f'{name} has {len(content)} bytes, which is no multiple of a record of {size}')
    records = np.frombuffer(b''.join(batches.values()), np.uint8).reshape(-1, size)
    images = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, records[:, label_bytes - 1]


def matlab_digits(path):
    """A MATLAB file of cropped digits, as of SVHN: uint8 [n, 32, 32, 3], int64 [n], its labels as they are."""
    try:
        import scipy.io
    except ImportError as error:
        raise InputError(f'{os.path.basename(path)} is a MATLAB file, which needs scipy: pip install scipy') from error
    try:
        for name, shape, _ in scipy.io.whosmat(path):  # Zeros are packed to a thousandth of their length.
            if name in ('X', 'y') and math.prod(shape) > download.LARGEST:
                raise ValueError(f'{name} has {list(shape)} values')
        content = scipy.io.loadmat(path, variable_names=('X', 'y'))
        images, labels = content['X'], content['y'].ravel()
    except KeyError as error:
        raise InputError(f'{path} has no variable {error}') from error
    except Exception as error:  # loadmat raises whatever it stumbles over; no narrower class covers a damaged file.
        raise InputError(f'{path} is damaged: {one_line(error)}') from error
    if images.dtype != np.uint8 or images.shape != (32, 32, 3, len(labels)):
        raise InputError(f'{path} has X {images.dtype} {images.shape} and {len(labels)} labels, not '
                         'uint8 (32, 32, 3, n) and n')
    if labels.dtype.kind not in 'iuf' or (labels % 1).any():
        raise InputError(f'{path} has a label that is no whole number')
    return images.transpose(3, 0, 1, 2), labels.astype(np.int64)


def npy(path, ndim):
    """An .npy file of whole numbers: array of ndim dimensions."""
    try:
        with open(path, 'rb') as f:
            values = np.lib.format.read_array(f, allow_pickle=False)
    except Exception as error:  # NumPy raises whatever it stumbles over; no narrower class covers a damaged file.
        raise InputError(f'{path} is damaged: {one_line(error)}') from error
    if values.dtype.kind not in 'iu' or values.ndim != ndim:
        raise InputError(f'{path} holds {values.dtype} {list(values.shape)}, not whole numbers in {ndim} dimensions')
    return values


def stl10_images(content, name):
    """Images of the binary STL-10, planes R, G, B stored by columns: uint8 [n, 96, 96, 3]."""
    size = 3 * 96 * 96
    if not content or len(content) % size:
        raise InputError(f'{name} has {len(content)} bytes, which is no multiple of an image of {size}')
    return np.frombuffer(content, np.uint8).reshape(-1, 3, 96, 96).transpose(0, 3, 2, 1)


def idx(path, ndim):
    """An idx file of unsigned bytes (MNIST and its followers), gzipped or not: uint8 array of ndim dimensions."""
    try:
        with opened(path) as f:
            content = f.read()
    except DAMAGED as error:
        raise InputError(f'{path} is damaged: {one_line(error)}') from error
    header = 4 + 4 * ndim
    if content[:4] != bytes([0, 0, 8, ndim]) or len(content) < header:
        raise InputError(f'{path} is not an idx file of unsigned bytes with {ndim} dimensions')
    shape = struct.unpack(f'>{ndim}I', content[4:header])
    values = np.frombuffer(content, np.uint8, offset=header)
    if len(values) != math.prod(shape):
        raise InputError(f'{path} has {len(values)} values, but its header says {shape}')
    return values.reshape(shape)


def usps(path):
    """Text of USPS digits, gzipped or not: each line a label and 256 grey values v in [-1, 1].

    They are stored as round((v+1) * 127.5).

    Returns:
        uint8 [n, 16, 16, 1], int64 [n].
    """
    try:
        with opened(path) as f:
            lines = f.read().decode().splitlines()
        values = np.loadtxt(lines, ndmin=2) if lines else np.zeros([0, 0])
    except (*DAMAGED, ValueError) as error:
        raise InputError(f'{path} is damaged: {one_line(error)}') from error
    if values.shape[1] != 257 or not (np.abs(values[:, 1:]) <= 1).all() or (values[:, 0] % 1).any():
        raise InputError(f'{path} must have lines of a whole label and 256 values in [-1, 1]')
    images = np.rint((values[:, 1:] + 1) * 127.5).astype(np.uint8)
    return images.reshape(-1, 16, 16, 1), values[:, 0].astype(np.int64)


def digits():
    """The 1,797 digits that come with scikit-learn, 8x8 with values 0..16 stored as round(v * 255 / 16).

    The test images are the 397 that the rule of the splits draws with seed 1, so that both parts have the same class
    proportions; the order within each part is scikit-learn's.

    Returns:
        dict subset -> (uint8 [n, 8, 8, 1], int64 [n]), n 1400 for `train` and 397 for `test`.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError('digits come with scikit-learn: pip install scikit-learn') from error
    content = load_digits()
    images = np.rint(content.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = content.target.astype(np.int64)
    of_test = np.zeros(len(labels), bool)
    of_test[draw_labeled(labels, class_weights(labels, 10), seed=1, size=397)] = True
    return {'train': (images[~of_test], labels[~of_test]), 'test': (images[of_test], labels[of_test])}


# The decoders below yield (subset, (images, labels)), or (file name, bytes) for a file that is kept as it is. They get
# locate(archive) -> path, and which subsets are wanted: those with an archive for each subset open only these.


def _cifar10(locate, wanted):
    del wanted
    folder = 'cifar-10-batches-bin/'
    names = {'train': [f'{folder}data_batch_{i}.bin' for i in range(1, 6)], 'test': [f'{folder}test_batch.bin']}
    contents = tar_members(locate('cifar-10-binary.tar.gz'), sum(names.values(), []))
    for subset, members in names.items():
        yield subset, cifar({name: contents[name] for name in members}, 1)


def _cifar10_1(version):
    """The decoder of a version of CIFAR-10.1, which has a test set alone."""
    def decode(locate, wanted):
        del wanted
        images = npy(locate(f'cifar10.1_{version}_data.npy'), 4)
        yield 'test', (images, npy(locate(f'cifar10.1_{version}_labels.npy'), 1))

    return decode


def _cifar100(locate, wanted):
    del wanted
    names = {subset: f'cifar-100-binary/{subset}.bin' for subset in ('train', 'test')}
    contents = tar_members(locate('cifar-100-binary.tar.gz'), list(names.values()))
    for subset, name in names.items():
        yield subset, cifar({name: contents[name]}, 2)


def _svhn(locate, wanted):
    for subset in wanted:
        images, labels = matlab_digits(locate(f'{subset}_32x32.mat'))
        yield subset, (images, labels - 1)  # Zero, which SVHN calls 10, is 9.


def _syndigit(locate, wanted):
    for subset in wanted:
        yield subset, matlab_digits(locate(f'synth_{subset}_32x32.mat'))


def _stl10(locate, wanted):
    del wanted
    folder = 'stl10_binary/'
    names = [folder + name for name in ('train_X.bin', 'train_y.bin', 'test_X.bin', 'test_y.bin', 'unlabeled_X.bin',
                                        'fold_indices.txt')]
    contents = tar_members(locate('stl10_binary.tar.gz'), names)
    yield FOLDS['stl10'], contents[f'{folder}fold_indices.txt']
    for subset in ('train', 'test', 'unlabeled'):
        images = stl10_images(contents[f'{folder}{subset}_X.bin'], f'{subset}_X.bin')
        labels = np.zeros(len(images), np.int64)  # As in the original: unlabelled images carry label 0.
        if subset != 'unlabeled':
            labels = np.frombuffer(contents[f'{folder}{subset}_y.bin'], np.uint8).astype(np.int64) - 1
        yield subset, (images, labels)


def _mnist(locate, wanted):
    for subset in wanted:
        prefix = {'train': 'train', 'test': 't10k'}[subset]
        images = idx(locate(f'{prefix}-images-idx3-ubyte.gz'), 3)
        yield subset, (images[..., None], idx(locate(f'{prefix}-labels-idx1-ubyte.gz'), 1))


def _usps(locate, wanted):
    for subset in wanted:
        yield subset, usps(locate(f'zip.{subset}.gz'))


def _digits(locate, wanted):
    del locate, wanted
    yield from digits().items()


def _digits_m(locate, wanted):
    del locate, wanted
    yield from blended.digits_m(digits()).items()


def _mnist_m(locate, wanted):
    del wanted
    labels = {subset: f'mnist_m/mnist_m_{subset}_labels.txt' for subset in ('train', 'test')}
    folders = {subset: f'mnist_m/mnist_m_{subset}' for subset in labels}
    contents = tar_members(locate('mnist_m.tar.gz'), list(labels.values()), list(folders.values()))
    for subset, folder in folders.items():
        pictures = {posixpath.basename(name): content for name, content in contents.items()
                    if posixpath.dirname(name) == folder}
        yield subset, blended.mnist_m(contents[labels[subset]], pictures)


DECODERS = {'cifar10': _cifar10, 'cifar10_1_v4': _cifar10_1('v4'), 'cifar10_1_v6': _cifar10_1('v6'),
            'cifar100': _cifar100, 'svhn': _svhn, 'stl10': _stl10, 'mnist': _mnist, 'fashion_mnist': _mnist,
            'usps': _usps, 'mnist_m': _mnist_m, 'syndigit': _syndigit, 'digits': _digits, 'digits_m': _digits_m}
