"""Digits before photographs: MNIST-M as its author publishes it, and the same recipe on scikit-learn's digits.

The recipe (arXiv:1505.07818): |digit - patch|, where patch is a random piece of a colour photograph.
"""

import pathlib
import re

from libml.images.decode import decoded
from libml.images.enlarge import enlarge
from libml.utils import InputError

import numpy as np

SIDE = 16
SEED = 0
PHOTOGRAPHS = ('china.jpg', 'flower.jpg')
# The photographs are 427x640; this many times smaller, a patch shows structure and its digit can still be read.
SHRINK = 4


def mnist_m(label_lines, pictures):
    """One part of MNIST-M, in the order of its labels.

    Args:
        label_lines: bytes, lines of a picture's file name and its digit: `00000000.png 5`.
        pictures: dict file name -> bytes of a PNG; what has no label is left out.
    Returns:
        uint8 [n, 32, 32, 3], int64 [n].
    Raises:
        InputError: a line is of another form, or its picture is missing, damaged or of another size.
    """
    lines = label_lines.decode(errors='replace').splitlines()
    pairs = [re.fullmatch(r'(\S+) (\d)\s*', line) for line in lines]
    if not all(pairs):
        raise InputError(f'the labels of MNIST-M have the line {lines[pairs.index(None)]!r}, which is no file name and '
                         'digit')
    names = [pair[1] for pair in pairs]
    missing = [name for name in names if name not in pictures]
    if missing:
        raise InputError(f'{missing[0]} has a label in MNIST-M, but the picture is not there')
    images = np.empty([len(names), 32, 32, 3], np.uint8)
    encoded = ((name, pictures[name]) for name in names)
    for name, out, image in zip(names, images, decoded(encoded)):
        if image.shape != out.shape:
            raise InputError(f'{name} of MNIST-M has the size {image.shape}, not {out.shape}')
        out[:] = image
    return images, np.array([int(pair[2]) for pair in pairs], np.int64)


def digits_m(digits):
    """scikit-learn's digits, enlarged to 16x16, before patches of the two photographs that come with it.

    Patches of both parts are drawn from both photographs, by one generator with a fixed seed. From the decoded
    photographs on everything is computed in integers.

    Args:
        digits: dict subset -> (uint8 [n, 8, 8, 1], labels [n]).
    Returns:
        dict subset -> (uint8 [n, 16, 16, 3], the same labels).
    """
    photographs = shrunk_photographs()
    random = np.random.RandomState(SEED)
    return {subset: (blend(enlarge(images, SIDE), photographs, random), labels)
            for subset, (images, labels) in digits.items()}


def blend(digits, photographs, random):
    """|digit - patch| with a patch drawn for each image, equally often from each photograph.

    Args:
        digits: uint8 [n, h, w, 1].
        photographs: uint8 [m, H, W, 3].
        random: a RandomState.
    Returns:
        uint8 [n, h, w, 3].
    """
    (n, height, width, _), (m, *size, _) = digits.shape, photographs.shape
    # The type is given because the default one, and with it the numbers, differ between platforms.
    which, top, left = (random.randint(limit, size=n, dtype=np.int64)[:, None, None]
                        for limit in (m, size[0] - height + 1, size[1] - width + 1))
    patches = photographs[which, top + np.arange(height)[:, None], left + np.arange(width)]
    return np.abs(digits.astype(np.int16) - patches).astype(np.uint8)


def shrunk_photographs():
    """The photographs that come with scikit-learn, each pixel the rounded mean of 4x4: uint8 [2, 106, 160, 3]."""
    try:
        import sklearn.datasets
    except ImportError as error:
        raise InputError('digits_m is made of what comes with scikit-learn: pip install scikit-learn') from error
    folder = pathlib.Path(sklearn.datasets.__file__).parent / 'images'
    try:
        encoded = [(name, (folder / name).read_bytes()) for name in PHOTOGRAPHS]
    except OSError as error:
        raise InputError(f'digits_m needs the photographs of scikit-learn: cannot read {error.filename}') from error
    images = np.stack(list(decoded(encoded)))
    height, width = (size // SHRINK for size in images.shape[1:3])
    blocks = images[:, :height * SHRINK, :width * SHRINK].reshape(len(images), height, SHRINK, width, SHRINK, 3)
    return ((blocks.sum((2, 4), dtype=np.int64) + SHRINK ** 2 // 2) // SHRINK ** 2).astype(np.uint8)
