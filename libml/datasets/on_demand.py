"""Images that are made when they are asked for: pictures that are read from files, or framed, or both."""

import collections
import concurrent.futures
import contextlib
import os
import threading

from libml.datasets.index import Index
from libml.datasets.records import in_order
from libml.images.decode import decode_picture
from libml.utils import InputError, session_config

import numpy as np
import tensorflow as tf

# Images that one call of a session makes.
CHUNK = 16
# Batches that may be under way in a stream when one cannot be made.
RECENT = 32


class OnDemand:
    """Stands in the place of an array uint8 [N, h, w, c]: indexed with positions, it gives images as in evaluation.

    Args:
        contents: an index.Index, or decoded pictures uint8 [N, h, w, c].
        stored: (height, width, colors) of the decoded pictures; (0, 0, colors) where each has its own size.
        border: zeros on each side of a picture that is read from a file.
        frame: an images.framing.Frame; None leaves pictures as they are.
        colors: 3 makes three equal channels of grey; 0 leaves the number of `stored`.
    Attributes:
        shape: of the array that it stands for.
        of_files: whether `contents` is an Index.
        read: how many pictures of the files the streams have read.
    """

    dtype = np.uint8

    def __init__(self, contents, stored, border=0, frame=None, colors=0):
        self.contents, self.stored, self.border, self.frame = contents, tuple(stored), border, frame
        height, width, stored_colors = stored
        colors = colors or stored_colors
        sides = (frame.size,) * 2 if frame else (height + 2 * border, width + 2 * border)
        self.shape = len(contents), *sides, colors
        self.of_files = isinstance(contents, Index)
        self.read = 0
        self._recent = collections.deque(maxlen=RECENT)
        self._lock = threading.Lock()
        self._session = None

    def __len__(self):
        return len(self.contents)

    def __getitem__(self, positions):
        """uint8 [..., h, w, c] of one position or an array of them, int [...].

        Raises:
            InputError: a picture cannot be read or decoded, or has another size; the text says which.
        """
        positions = np.asarray(positions)
        flat = positions.ravel()
        images = np.empty([len(flat), *self.shape[1:]], np.uint8)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            chunks = (flat[start:start + CHUNK] for start in range(0, len(flat), CHUNK))
            for i, chunk in enumerate(in_order(pool, self._images, chunks)):
                images[i * CHUNK:i * CHUNK + len(chunk)] = chunk
        return images.reshape(*positions.shape, *self.shape[1:])

    def at(self, positions):
        """The images at positions int64 [n], also made when they are asked for."""
        return Part(self, positions)

    # In a graph.

    def rows(self, order, array=None):
        """What is there of the pictures at `order`, int64 [b]: string [b] of files, or uint8 [b, h, w, c] of `array`.

        `array` is the tensor of decoded contents.
        """
        if not self.of_files:
            return tf.gather(array, order)
        return tf.ensure_shape(tf.numpy_function(self._read, [order], tf.string), order.shape)

    def image(self, row, drawn=None):
        """uint8 [h, w, c] of one of `rows`; `drawn`: framing.Draws of a picture to train on."""
        colors = self.shape[-1]
        if self.of_files and not self.stored[0]:
            return tf.ensure_shape(self.frame.of_encoded(row, colors, drawn), self.shape[1:])
        image = row
        if self.of_files:
            image = tf.pad(tf.ensure_shape(decode_picture(row), self.stored), [[self.border] * 2] * 2 + [[0, 0]])
        image = self.frame.of_pixels(image, drawn) if self.frame else image
        return tf.ensure_shape(tf.repeat(image, colors // self.stored[-1], -1), self.shape[1:])

    def images(self, rows, drawn=None):
        """uint8 [b, h, w, c] of `rows`; `drawn`: framing.Draws of a batch of pictures to train on."""
        inputs = rows if drawn is None else (rows, drawn)
        with tf.device('/cpu:0'):
            return tf.map_fn(self.image if drawn is None else lambda one: self.image(*one), inputs,
                             parallel_iterations=1, fn_output_signature=tf.TensorSpec(self.shape[1:], tf.uint8))

    def placeholder(self, batch=None):
        """What `fetch` is fed to."""
        kind = (tf.string, [batch]) if self.of_files else (tf.uint8, [batch, *self.contents.shape[1:]])
        return tf.compat.v1.placeholder(*kind)

    def explain(self):
        """Raises the InputError of a picture that streams have just read, if there is one that cannot be made."""
        for positions in list(self._recent):
            self._images(positions)

    def _read(self, positions):
        with self._lock:
            self.read += len(positions)
            self._recent.append(positions)
        return np.array(self.contents.read(positions), object)

    # Outside of graphs.

    def fetch(self, positions):
        """`rows` as values: list of bytes of files, or uint8 [b, h, w, c].

        Raises:
            InputError: a file is gone or has changed.
        """
        return self.contents.read(positions) if self.of_files else self.contents[positions]

    def _images(self, positions):
        session, rows, images = self._opened()
        try:
            return session.run(images, {rows: self.fetch(positions)})
        except tf.errors.OpError as error:
            if len(positions) == 1:
                raise InputError(self._wrong(positions[0])) from error
        for position in positions:
            self._images([position])
        raise InputError(f'{self.contents.files[0]}: pictures changed while they were read')

    def _wrong(self, position):
        sizes = 'x'.join(map(str, self.stored)) if self.stored[0] else 'a picture'
        return f'{self.contents.where(position)} is no PNG or JPEG of {sizes}, or damaged'

    def _opened(self):
        """(session, its placeholder of rows, images), made at first use."""
        with self._lock:
            if not self._session:
                with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
                    rows = self.placeholder()
                    images = self.images(rows)
                self._session = tf.compat.v1.Session(graph=graph, config=session_config()), rows, images
            return self._session


@contextlib.contextmanager
def as_tested(dataset):
    """A context with the function that makes the test images of a data.DataSet of what is stored of them.

    It takes a decoded picture, uint8 [h, w, c], and returns uint8 [H, W, C]. Several threads may call it at once.
    """
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        pixels = tf.compat.v1.placeholder(tf.uint8, [None, None, None])
        image = dataset.frame.of_pixels(pixels) if dataset.frame else pixels
    with contextlib.closing(tf.compat.v1.Session(graph=graph, config=session_config())) as session:
        def made(picture):
            adapted, = dataset.adaptation(picture[None])
            return session.run(image, {pixels: adapted}) if dataset.frame else adapted

        yield made


class Part:
    """Some images of an OnDemand: takes slices and arrays of places, as uint8 [n, h, w, c] does."""

    dtype = np.uint8

    def __init__(self, pixels, positions):
        self.pixels, self.positions = pixels, positions
        self.shape = len(positions), *pixels.shape[1:]

    def __len__(self):
        return len(self.positions)

    def __getitem__(self, places):
        return self.pixels[self.positions[places]]
