"""What a worker process does: contents of pictures -> what a dataset stores of them, and what identifies them."""

import collections
import hashlib
import io
import multiprocessing.resource_tracker
import os
import pathlib
import signal
import threading
import warnings

from libml.pictures.fitting import fitted, in_colors
from libml.pictures.reading import Unreadable, is_upright_jpeg, read

import numpy as np
from PIL import Image

# One picture: digest of its file, then '' and of the pixels their digest, size (width, height) and the bytes of the PNG
# or JPEG that is stored, or what is wrong with it and three times None.
Converted = collections.namedtuple('Converted', 'content wrong pixels size stored')
# Modes of Pillow in which a JPEG gives the pixels of a dataset with so many colors wherever it is decoded.
KEPT = {1: ('L',), 3: ('L', 'RGB')}


def block():
    """Settings of the thread that starts the worker processes: what ends their parent is not for them until `start`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    multiprocessing.resource_tracker.ensure_running()  # It would be started with the first, and let SIGINT through.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


def start():
    """Settings of a worker process: Ctrl-C is its parent's business, and what Pillow and the libraries below it print
    is about oddities, or is in their errors."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    warnings.simplefilter('ignore')
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """Ends this process when its parent is gone, also when that was killed: it would wait for work forever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def convert(contents, size, colors, fit):
    """list of Converted.

    Args:
        contents: list of paths, bytes of files or arrays, as for reading.read.
        size: height and width of the PNGs; 0: upright JPEGs stay as they are, others become PNGs of their own size.
        colors, fit: as for fitting.fitted.
    """
    return [_convert(content, size, colors, fit) for content in contents]


def _convert(content, size, colors, fit):
    content = loaded(content)
    try:
        picture = in_colors(read(content), colors)
    except Unreadable as error:
        return Converted(digest(content), str(error), None, None, None)
    pixels = np.asarray(picture)
    if not size and isinstance(content, bytes) and is_upright_jpeg(content, KEPT[colors]):
        stored = content
    else:
        stored = _png(fitted(picture, size, size, colors, fit).squeeze() if size else pixels)
    return Converted(digest(content), '', digest(pixels), picture.size, stored)


def as_png(content, colors):
    """The bytes of a picture that can be read -> those of a PNG of its own size, 1 or 3 `colors`."""
    return _png(np.asarray(in_colors(read(content), colors)))


def _png(pixels):
    """Of uint8 [h, w] or [h, w, 3], without what else a picture carries."""
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, 'PNG')
    return png.getvalue()


def loaded(content):
    """The bytes of a file for its path, where it can be read; other contents as they are."""
    if isinstance(content, str):
        try:
            return pathlib.Path(content).read_bytes()
        except OSError:
            pass
    return content


def digest(content):
    """16 bytes that identify the bytes of a file, or the shape and the values of an array; of a path nothing."""
    found = hashlib.blake2b(digest_size=16)
    if isinstance(content, np.ndarray):
        found.update(repr(content.shape).encode())
        content = np.ascontiguousarray(content)
    if not isinstance(content, str):
        found.update(content)
    return found.digest()
