"""Sets of corrupted test images as CIFAR-10-C is published: `<corruption>.npy` and `labels.npy` in one folder.

`<corruption>.npy` is uint8 [5 n, 32, 32, 3]: the n test images at severity 1, then at 2 ...; `labels.npy` is uint8
[5 n], or int64 where there are more than 256 classes. Labels of any integer type are read.
"""

import os

from libml.files import written_whole
from libml.utils import InputError, one_line

import numpy as np

# The 15 of the benchmark, then 4 more that were published for choosing hyper-parameters.
BENCHMARK = ('gaussian_noise', 'shot_noise', 'impulse_noise', 'defocus_blur', 'glass_blur', 'motion_blur', 'zoom_blur',
             'snow', 'frost', 'fog', 'brightness', 'contrast', 'elastic_transform', 'pixelate', 'jpeg_compression')
EXTRA = ('speckle_noise', 'gaussian_blur', 'spatter', 'saturate')
NAMES = BENCHMARK + EXTRA
SEVERITIES = (1, 2, 3, 4, 5)
SHAPE = (32, 32, 3)
LABELS = 'labels'


def check_names(names):
    """Raises InputError if there is one that is no corruption."""
    for name in names:
        if name not in NAMES:
            raise InputError(f'unknown corruption {name!r}: choose from {", ".join(NAMES)}')


def check_severities(severities):
    """Raises InputError if there is one that is not 1 to 5."""
    for severity in severities:
        if severity not in SEVERITIES:
            raise InputError(f'severity {severity}: choose from 1, 2, 3, 4, 5')


def array_path(folder, name):
    """Path of the array of a corruption, or of LABELS."""
    return os.path.join(folder, name + '.npy')


def write_labels(folder, labels):
    """Writes the labels of the test images, integers [n], five times."""
    stored = labels.astype(np.uint8)
    if not np.array_equal(stored, labels):
        stored = labels.astype(np.int64)
    write(folder, LABELS, np.stack([stored] * len(SEVERITIES)))


def write(folder, name, array):
    """Writes the array of a corruption [5, n, 32, 32, 3], or of LABELS [5, n], whole or not at all."""
    with written_whole(array_path(folder, name), 'wb') as f:
        np.save(f, array.reshape(-1, *array.shape[2:]))


def read_labels(folder):
    """Integers [n] from 0, of the type that is stored: the labels of the test images.

    Raises:
        InputError: the folder or the file is not there, or it does not hold five times the same labels.
    """
    if not os.path.isdir(folder):
        raise InputError(f'there is no folder {folder}: give an unpacked CIFAR-10-C, or make one with '
                         '`python scripts/create_corrupted.py --dataset=cifar10 --out=FOLDER`')
    labels = _load(folder, LABELS)
    n = len(labels) // len(SEVERITIES) if labels.ndim == 1 else 0
    if (not n or labels.dtype.kind not in 'iu' or labels.min() < 0
            or not np.array_equal(labels, np.tile(labels[:n], len(SEVERITIES)))):
        raise InputError(f'{array_path(folder, LABELS)} holds {labels.dtype} {list(labels.shape)}: it must be five '
                         'times the same labels, integers from 0')
    return np.array(labels[:n])


def read(folder, name, n):
    """uint8 [5, n, 32, 32, 3] of a corruption, by severity; read from the disk when it is used.

    Args:
        n: number of test images.
    Raises:
        InputError: the file is not there, damaged, or of another shape.
    """
    images = _load(folder, name)
    shape = (len(SEVERITIES) * n, *SHAPE)
    if images.dtype != np.uint8 or images.shape != shape:
        raise InputError(f'{array_path(folder, name)} holds {images.dtype} {list(images.shape)}, not uint8 '
                         f'{list(shape)} for {n} labels')
    return images.reshape(len(SEVERITIES), n, *SHAPE)


def _load(folder, name):
    path = array_path(folder, name)
    try:
        array = np.load(path, mmap_mode='r', allow_pickle=False)
    except FileNotFoundError as error:
        raise InputError(f'there is no {path}') from error
    except Exception as error:  # NumPy raises whatever it stumbles over; no narrower class covers a damaged file.
        raise InputError(f'{path} is damaged: {one_line(error)}') from error
    if not isinstance(array, np.ndarray):
        raise InputError(f'{path} is damaged: it holds no array')
    return array
