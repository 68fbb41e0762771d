"""Labelled images in TFRecord files, in the schema of the original code, written and read on all cores.

A record is an uncompressed tf.train.Example with `image` (bytes: a PNG of uint8 [h, w, c]; a JPEG is read as well),
`label` (int64 scalar) and, where it is known, `path` (bytes: where the picture came from).
Every function builds a graph of its own, so that it can be called while another one is being built.
"""

import collections
import concurrent.futures
import contextlib
import itertools
import os

from libml.files import written_whole
from libml.images.decode import decode_picture, decoded
from libml.utils import InputError, one_line, session_config

import numpy as np
import tensorflow as tf
from google.protobuf import message

CHUNK = 256
# A record has its length (8 bytes) and a checksum (4) before it, and a checksum (4) after it.
BEFORE, AFTER = 12, 4
IMAGE = {'image': tf.io.FixedLenFeature([], tf.string)}
LABEL = {'label': tf.io.FixedLenFeature([], tf.int64)}
PATH = {'path': tf.io.FixedLenFeature([], tf.string, '')}
LARGEST_LABEL = np.iinfo(np.int32).max


def write_records(path, images, labels, origins=None):
    """Writes a TFRecord file, whole or not at all.

    Args:
        path: file to write; its folder is made.
        images: uint8 [n, h, w, c], c 1 or 3; may be a view, it is copied by chunks.
        labels: [n] integers, 0 to 2 ** 31 - 1.
        origins: [n] texts, where each picture came from, if that is known.
    Raises:
        InputError: the file cannot be written, or the arrays are of other types or sizes.
    """
    labels = np.asarray(labels)
    if images.dtype != np.uint8 or images.ndim != 4 or labels.shape != images.shape[:1]:
        raise InputError(f'{path} takes images uint8 [n, h, w, c] and labels [n], not {images.dtype} '
                         f'{list(images.shape)} and {list(labels.shape)}')
    wrong = labels[(labels < 0) | (labels > LARGEST_LABEL)] if labels.dtype.kind in 'biu' else labels
    if len(wrong):
        raise InputError(f'{path} takes whole numbers from 0 to {LARGEST_LABEL} as labels, not {labels.dtype} '
                         f'{wrong[0]}')
    origins = [None] * len(labels) if origins is None else origins
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        pixels = tf.compat.v1.placeholder(tf.uint8, [None, *images.shape[1:]])
        encoded = tf.io.encode_png(pixels)

    with contextlib.ExitStack() as stack:
        write = stack.enter_context(writer(path))
        session = stack.enter_context(_session(graph))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(os.cpu_count()))

        def encode(start):
            return session.run(encoded, {pixels: images[start:start + CHUNK]})

        chunks = in_order(pool, encode, range(0, len(images), CHUNK))
        for png, label, origin in zip(itertools.chain.from_iterable(chunks), labels, origins):
            write(png, label, origin)


@contextlib.contextmanager
def writer(path):
    """A context with a function (bytes of a PNG or JPEG, label, origin or None) that adds a record to a TFRecord file.

    The file is there, whole, when the context is left, and not at all when it is left by an exception.

    Raises:
        InputError: the file cannot be written.
    """
    with written_whole(path, 'wb') as f, _cannot_write(path), tf.io.TFRecordWriter(f.name) as records:
        def write(png, label, origin):
            with _cannot_write(path):
                records.write(_example(png, label, origin))

        yield write


@contextlib.contextmanager
def _cannot_write(path):
    """TensorFlow's errors from within become an InputError that names the path."""
    try:
        yield
    except tf.errors.OpError as error:
        raise InputError(f'cannot write {path}: {one_line(error.message)}') from error


def read_records(paths, height, width, colors, nclass=None, counts=None):
    """Reads TFRecord files, one after the other, into one array.

    Args:
        paths: list of files.
        height, width, colors: what every image must be.
        nclass: labels must be below it, where given.
        counts: dict path -> how many records a file must have, for those that it is known of.
    Returns:
        uint8 [n, height, width, colors], int32 [n].
    Raises:
        InputError: a file is missing, empty, damaged or cut short, or has another number of records, an image has
            another size, a label is out of range.
    """
    labels = read_labels(paths, nclass, counts)
    images = np.empty([len(labels), height, width, colors], np.uint8)

    def decode_image(encoded):
        return tf.ensure_shape(decode_picture(encoded), images.shape[1:])

    def decode(examples):
        encoded = tf.io.parse_example(examples, IMAGE)['image']
        # One at a time: chunks run beside each other, which costs less than doing so within a chunk.
        return tf.map_fn(decode_image, encoded, parallel_iterations=1,
                         fn_output_signature=tf.TensorSpec(images.shape[1:], tf.uint8))

    start = 0
    for path in paths:
        first = start
        try:
            for chunk in _chunks(path, decode):
                images[start:start + len(chunk)] = chunk
                start += len(chunk)
        except tf.errors.InvalidArgumentError as error:
            raise InputError(_wrong_image(path, start - first, images.shape[1:])) from error
    return images, labels


def read_labels(paths, nclass=None, counts=None):
    """Only the labels of TFRecord files: int32 [n]. Arguments and errors as for read_records."""

    def decode(examples):
        return tf.io.parse_example(examples, LABEL)['label']

    labels = []
    limit = LARGEST_LABEL + 1 if nclass is None else nclass
    for path in paths:
        chunks = [np.empty(0, np.int64)]
        try:
            chunks.extend(_chunks(path, decode))
        except tf.errors.InvalidArgumentError as error:
            raise InputError(_wrong_label(path, sum(map(len, chunks)))) from error
        labels.append(np.concatenate(chunks))
        expected = (counts or {}).get(path)
        if not len(labels[-1]):
            raise InputError(f'{path} holds no record')
        if expected not in (None, len(labels[-1])):
            raise InputError(f'{path} holds {len(labels[-1])} records, but its description counts {expected}')
        wrong = np.flatnonzero((labels[-1] < 0) | (labels[-1] >= limit))
        if len(wrong):
            raise InputError(f'{path}: record {wrong[0]} has label {labels[-1][wrong[0]]}, not in 0..{limit - 1}')
    return np.concatenate(labels).astype(np.int32)


def read_origins(paths):
    """Where each picture of TFRecord files came from: array of texts [n], '' where it is not known."""

    def decode(examples):
        return tf.io.parse_example(examples, PATH)['path']

    return np.array([origin.decode(errors='replace') for path in paths for chunk in _chunks(path, decode)
                     for origin in chunk], np.str_)


def raw_records(path):
    """Yields the records of a TFRecord file as bytes (serialized tf.train.Example), in order.

    Raises:
        InputError: the file is missing, damaged or cut short.
    """
    for chunk in _chunks(path, tf.identity):
        yield from chunk


def _chunks(path, decode):
    """Yields decode(string [b] of serialized examples) as arrays, for all records of one file in order."""
    if not os.path.isfile(path):
        raise InputError(f'there is no file {path}')

    def sized(examples):
        return decode(examples), tf.reduce_sum(tf.cast(tf.strings.length(examples), tf.int64) + BEFORE + AFTER)

    left = os.path.getsize(path)
    # The default graph must not be changed across a yield: the caller may be building one.
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        dataset = tf.data.TFRecordDataset(path).batch(CHUNK)
        parallel = 2 * os.cpu_count()
        dataset = dataset.map(tf.autograph.experimental.do_not_convert(sized), num_parallel_calls=parallel)
        chunk = tf.compat.v1.data.make_one_shot_iterator(dataset.prefetch(2)).get_next()
    with _session(graph) as session:
        while True:
            try:
                value, size = session.run(chunk)
                left -= size
            except tf.errors.OutOfRangeError:
                if left:  # Less than the head of a record, which TensorFlow takes for the end.
                    raise InputError(f'{path} is cut short: its last {left} bytes are no record') from None
                return
            except tf.errors.DataLossError as error:
                raise InputError(f'{path} is damaged or cut short in record {_whole_records(path)}: '
                                 f'{one_line(error.message)}') from error
            except UnicodeDecodeError as error:  # The message quotes the record.
                raise tf.errors.InvalidArgumentError(None, None, 'a record cannot be parsed') from error
            except (tf.errors.PermissionDeniedError, tf.errors.NotFoundError) as error:
                raise InputError(f'cannot read {path}: {one_line(error.message)}') from error
            yield value


def _whole_records(path):
    """How many records of a damaged TFRecord file can be read."""
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        record = tf.compat.v1.data.make_one_shot_iterator(tf.data.TFRecordDataset(path)).get_next()
    with _session(graph) as session:
        for n in itertools.count():
            try:
                session.run(record)
            except tf.errors.OpError:
                return n


def _session(graph):
    """A context with a session on the CPU that does not become the default one."""
    config = session_config()
    config.device_count['GPU'] = 0
    return contextlib.closing(tf.compat.v1.Session(graph=graph, config=config))


def in_order(pool, function, arguments):
    """Yields function(argument) in order, computed by the pool at most a few ahead, so that memory stays bounded."""
    waiting = collections.deque()
    for argument in arguments:
        waiting.append(pool.submit(function, argument))
        if len(waiting) > 2 * os.cpu_count():
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


def _example(png, label, origin):
    features = {'image': _bytes(png), 'label': tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)]))}
    if origin is not None:
        features['path'] = _bytes(os.fsencode(origin))  # Names of files need not be UTF-8.
    # Features are a map, whose order would otherwise differ between processes.
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def features(record, path, position):
    """Map name -> tf.train.Feature of a serialized tf.train.Example, empty where there is none of that name.

    Raises:
        InputError: it is none; the message names the file and the position.
    """
    try:
        return tf.train.Example.FromString(record).features.feature
    except message.DecodeError as error:
        raise InputError(f'{path}: record {position} is no tf.train.Example') from error


def _wrong_label(path, start):
    """The text for the first record of the chunk at position `start` that has not one integer as its label; InputError
    as of `features`."""
    for position, record in enumerate(_chunk_at(path, start), start):
        if len(features(record, path, position)['label'].int64_list.value) != 1:
            return f'{path}: record {position} has no integer `label`'
    return f'{path}: a label cannot be read'


def _wrong_image(path, start, shape):
    """The text for the first record of the chunk at position `start` whose image is not of the given shape."""
    pictures = [(f'{path}: the image of record {position}',
                 b''.join(features(record, path, position)['image'].bytes_list.value))
                for position, record in enumerate(_chunk_at(path, start), start)]
    for (name, _), image in zip(pictures, decoded(pictures)):
        if image.shape != shape:
            found, right = ('x'.join(map(str, size)) for size in (image.shape, shape))
            return f'{name} is {found} (height x width x colors), not {right}'
    return f'{path}: an image cannot be decoded'


def _chunk_at(path, start):
    """The records of a file from position `start` on, CHUNK at most."""
    return itertools.islice(raw_records(path), start, start + CHUNK)
