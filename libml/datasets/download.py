"""Published archives: where they are, their digests, and how they come to this machine."""

import contextlib
import gzip
import os
import sys
import zlib

from libml.datasets.transfer import BLOCK, KINDS, digest_of, digest_of_open, fetch
from libml.utils import InputError

# An address without encryption is the last one, where a publisher has both; every file has a digest.
TORONTO = ('https://www.cs.toronto.edu/~kriz/',)
STANFORD_SVHN = ('https://ufldl.stanford.edu/housenumbers/', 'http://ufldl.stanford.edu/housenumbers/')
STANFORD_STL10 = ('https://ai.stanford.edu/~acoates/stl10/', 'http://ai.stanford.edu/~acoates/stl10/')
MNIST = ('https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/')
FASHION = ('https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
           'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/')
CIFAR10_1 = ('https://github.com/modestyachts/CIFAR-10.1/raw/master/datasets/',
             'https://raw.githubusercontent.com/modestyachts/CIFAR-10.1/master/datasets/')
USPS = ('https://hastie.su.domains/ElemStatLearn/datasets/',)
GANIN = 'Google Drive, linked by its author at http://yaroslav.ganin.net'

# Dataset -> archive -> (digest, the folders that it is published in, tried in this order). A digest is an MD5, or with
# 64 digits a SHA-256.
SOURCES = {
    'cifar10': {'cifar-10-binary.tar.gz': ('c32a1d4ab5d03f1284b67883e8d87530', TORONTO)},
    # As TensorFlow Datasets checks them.
    'cifar10_1_v4': {
        'cifar10.1_v4_data.npy': ('5aaedc268df8f4cffca2ac0cf9e608ae1897a8cddb630c7a850a2ea8f6558e75', CIFAR10_1),
        'cifar10.1_v4_labels.npy': ('1f9544300ded199539b6662364ce7fe6c2e1ea9f87408f06db4b1a6184cffb18', CIFAR10_1),
    },
    'cifar10_1_v6': {
        'cifar10.1_v6_data.npy': ('2997188e5816f5bd545dc77771b6227828c28146049fcecf3fa10775474cacc6', CIFAR10_1),
        'cifar10.1_v6_labels.npy': ('ae40beda001693674edc94d925ee8268cfe68905f8f9aff800c8dcdfcd6c9448', CIFAR10_1),
    },
    'cifar100': {'cifar-100-binary.tar.gz': ('03b5dce01913d631647c71ecec9e9cb8', TORONTO)},
    'svhn': {
        'train_32x32.mat': ('e26dedcc434d2e4c54c9b2d4a06d8373', STANFORD_SVHN),
        'test_32x32.mat': ('eb5a983be6a315427106f1b164d9cef3', STANFORD_SVHN),
        'extra_32x32.mat': ('a93ce644f1a588dc4d68dda5feec44a7', STANFORD_SVHN),
    },
    'stl10': {'stl10_binary.tar.gz': ('91f7769df0f17e558f3565bffb0c7dfb', STANFORD_STL10)},
    'mnist': {
        'train-images-idx3-ubyte.gz': ('f68b3c2dcbeaaa9fbdd348bbdeb94873', MNIST),
        'train-labels-idx1-ubyte.gz': ('d53e105ee54ea40749a09fcbcd1e9432', MNIST),
        't10k-images-idx3-ubyte.gz': ('9fb629c4189551a2d022fa330f9573f3', MNIST),
        't10k-labels-idx1-ubyte.gz': ('ec29112dd5afa0611ce80d1b7f02629c', MNIST),
    },
    'fashion_mnist': {
        'train-images-idx3-ubyte.gz': ('8d4fb7e6c68d591d4c3dfef9ec88bf0d', FASHION),
        'train-labels-idx1-ubyte.gz': ('25c81989df183df01b3e8a0aad5dffbe', FASHION),
        't10k-images-idx3-ubyte.gz': ('bef4ecab320f06d8554ea6380940ec79', FASHION),
        't10k-labels-idx1-ubyte.gz': ('bb300cfdad3c16e7a12a480ee83cd310', FASHION),
    },
    'usps': {
        'zip.train.gz': ('206835541ea704bcfb4b6eea872678bf', USPS),
        'zip.test.gz': ('f9350e940232b89f1dc8f8eacac88625', USPS),
    },
    # Without a direct address or a published digest.
    'mnist_m': {'mnist_m.tar.gz': (None, ())},
    'syndigit': {'synth_train_32x32.mat': (None, ()), 'synth_test_32x32.mat': (None, ())},
}
# Dataset -> archive -> MD5 of what is packed in it. It stays when someone packs it anew.
CONTENTS = {
    'mnist': {
        'train-images-idx3-ubyte.gz': '6bbc9ace898e44ae57da46a324031adb',
        'train-labels-idx1-ubyte.gz': 'a25bea736e30d166cdddb491f175f624',
        't10k-images-idx3-ubyte.gz': '2646ac647ad5339dbf082846283269ea',
        't10k-labels-idx1-ubyte.gz': '27ae3e4e09519cfbb04c329615203637',
    },
}
# Archive -> the folder that it is unpacked to.
FOLDERS = {'cifar-10-binary.tar.gz': ('cifar-10-batches-bin',), 'cifar-100-binary.tar.gz': ('cifar-100-binary',),
           'stl10_binary.tar.gz': ('stl10_binary',), 'mnist_m.tar.gz': ('mnist_m',)}
# Dataset -> Python pickles that it is spread as, too, packed and unpacked.
PICKLED = {'cifar10': ('cifar-10-python.tar.gz', 'cifar-10-batches-py'),
           'cifar100': ('cifar-100-python.tar.gz', 'cifar-100-python'),
           'mnist': ('mnist.pkl.gz', 'mnist.pkl'), 'mnist_m': ('keras_mnistm.pkl.gz', 'keras_mnistm.pkl')}
# Datasets whose archives a browser has to fetch -> from where.
BY_HAND = {'mnist_m': GANIN, 'syndigit': f'SynthDigits.zip on {GANIN}'}
GZIP = b'\x1f\x8b'  # what a gzip file begins with
# What reading a damaged one raises.
DAMAGED = (OSError, EOFError, zlib.error)
LARGEST = 4 << 30  # bytes that are packed in a published archive, at most: STL-10 has 3.1 GB


def archive(name, filename, data_dir, archives=None):
    """Path of one archive of a dataset on this machine, packed, or as it was unpacked: a file, or the folder in it.

    Args:
        name: dataset, a key of SOURCES.
        filename: one of its archives.
        data_dir: downloads go to `<data_dir>/downloads/<name>/`.
        archives: folder with archives that are here already, `<archives>/<name>/<file>` or `<archives>/<file>`, or
            such an unpacked folder itself; nothing is downloaded then.
    Raises:
        InputError: it is not in `archives` or is there as a pickle, it cannot be downloaded, or the download fails or
            has a wrong digest.
    """
    digest, folders = SOURCES[name][filename]
    if not archives:
        if name in BY_HAND:
            raise InputError(f'{name} has no direct address: fetch {filename} from {BY_HAND[name]}, put it into '
                             'a folder and say --archives=FOLDER')
        path = os.path.join(data_dir, 'downloads', name, filename)
        return fetch([folder + filename for folder in folders], path, digest)
    # A .gz is unpacked under its own name or, by some tools, under the one that is written in it.
    unpacked = filename.removesuffix('.gz')
    path = _lying(archives, name, [filename, unpacked, unpacked.replace('-idx', '.idx')], os.path.isfile)
    if path:
        _compare(name, filename, path)
    path = path or _lying(archives, name, FOLDERS.get(filename, ()), os.path.isdir)
    if path:
        return path
    pickled = _lying(archives, name, PICKLED.get(name, ()), os.path.exists)
    if pickled:
        raise InputError(f'{pickled} is the python version of {name}: a pickle, which can run any program when it is '
                         f'read, so it never is; get {filename} from {" or ".join(folders) or BY_HAND[name]}')
    raise InputError(f'{name} needs {filename}, packed or unpacked, which is neither in {archives} nor in '
                     f'{os.path.join(archives, name)}')


def _compare(name, filename, path):
    """Prints a warning if the file at `path` is not an archive as it was published, nor what was packed in that.

    Nothing is known of most unpacked files; a damaged one is told when it is read.
    """
    (published, _), content = SOURCES[name][filename], CONTENTS.get(name, {}).get(filename)
    if not published:
        print(f'warning: no digest of {filename} was published: {path} is taken as it is', file=sys.stderr)
        return
    kind = KINDS[len(published)]
    found = digest_of(path, kind)
    if found == published:
        return
    if content:
        with contextlib.suppress(*DAMAGED), opened(path) as f:
            found = digest_of_open(f, 'MD5')
            if found != content:
                print(f'warning: what {path} holds has MD5 {found}, what was published has {content}', file=sys.stderr)
    elif is_packed(path) or not filename.endswith('.gz'):
        print(f'warning: {path} has {kind} {found}, the published one has {published}', file=sys.stderr)


def is_packed(path):
    """Whether a file is gzipped, whatever its name."""
    with open(path, 'rb') as f:
        return f.read(len(GZIP)) == GZIP


class _Unpacked(gzip.GzipFile):
    """What a gzipped file holds: OSError where that is more than LARGEST, as zeros are a thousand times as long as what
    they are packed to."""

    def read(self, size=-1):
        if size is None or size < 0:
            return b''.join(iter(lambda: self.read(BLOCK), b''))
        found = super().read(size)
        if self.tell() > LARGEST:
            raise OSError(f'more than {LARGEST} bytes are packed in it')
        return found


def opened(path):
    """A binary file to read: what a gzipped one holds, or the file itself where it is not gzipped."""
    return _Unpacked(path) if is_packed(path) else open(path, 'rb')


def _lying(archives, name, entries, kind):
    """Path of the first of some entries that lies in `archives` or its folder `name`, or is `archives` itself.

    `kind` says whether a path is of the right kind, such as os.path.isfile.
    """
    for entry in entries:
        paths = [os.path.join(archives, name, entry), os.path.join(archives, entry)]
        if os.path.basename(os.path.abspath(archives)) == entry:
            paths.append(archives)
        for path in filter(kind, paths):
            return path
    return None
