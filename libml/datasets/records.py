"""Labelled images in TFRecord files, in the schema of the original code, written and read on all cores.

A record is an uncompressed tf.train.Example with `image` (bytes: a PNG of uint8 [h, w, c]) and `label` (int64 scalar).
Every function builds a graph of its own, so that it can be called while another one is being built.
"""

import collections
import concurrent.futures
import contextlib
import os

from libml.utils import InputError, one_line, session_config, written_whole

import numpy as np
import tensorflow as tf

CHUNK = 256
IMAGE = {'image': tf.io.FixedLenFeature([], tf.string)}
LABEL = {'label': tf.io.FixedLenFeature([], tf.int64)}
# Colour type of a PNG header -> channels that its decoder makes (3 is a palette).
PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}


def write_records(path, images, labels):
    """Writes a TFRecord file, whole or not at all.

    Args:
        path: file to write; its folder is made.
        images: uint8 [n, h, w, c], c 1 or 3; may be a view, it is copied by chunks.
        labels: [n] integers.
    Raises:
        InputError: the file cannot be written.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(labels):
        raise ValueError(f'images {images.dtype} {images.shape}, {len(labels)} labels, not uint8 [n, h, w, c] and [n]')
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        pixels = tf.compat.v1.placeholder(tf.uint8, [None, *images.shape[1:]])
        encoded = tf.io.encode_png(pixels)

    with contextlib.ExitStack() as stack:
        f = stack.enter_context(written_whole(path, 'wb'))
        session = stack.enter_context(_session(graph))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(os.cpu_count()))

        def examples(start):
            chunk = slice(start, start + CHUNK)
            return list(map(_example, session.run(encoded, {pixels: images[chunk]}), labels[chunk]))

        try:
            with tf.io.TFRecordWriter(f.name) as writer:
                for chunk in _in_order(pool, examples, range(0, len(images), CHUNK)):
                    for example in chunk:
                        writer.write(example)
        except tf.errors.OpError as error:
            raise InputError(f'cannot write {path}: {one_line(error.message)}') from error


def read_records(paths, height, width, colors, nclass=None):
    """Reads TFRecord files, one after the other, into one array.

    Args:
        paths: list of files.
        height, width, colors: what every image must be.
        nclass: labels must be below it, where given.
    Returns:
        uint8 [n, height, width, colors], int32 [n].
    Raises:
        InputError: a file is missing, empty, damaged or cut short, an image has another size, a label is out of range.
    """
    labels = read_labels(paths, nclass)
    images = np.empty([len(labels), height, width, colors], np.uint8)

    def decode_image(png):
        return tf.ensure_shape(tf.io.decode_png(png), images.shape[1:])

    def decode(examples):
        pngs = tf.io.parse_example(examples, IMAGE)['image']
        # One at a time: chunks run beside each other, which costs less than doing so within a chunk.
        return tf.map_fn(decode_image, pngs, parallel_iterations=1,
                         fn_output_signature=tf.TensorSpec(images.shape[1:], tf.uint8))

    start = 0
    for path in paths:
        try:
            for chunk in _chunks(path, decode):
                images[start:start + len(chunk)] = chunk
                start += len(chunk)
        except tf.errors.InvalidArgumentError as error:
            raise InputError(_what_is_wrong(path, images.shape[1:])) from error
    return images, labels


def read_labels(paths, nclass=None):
    """Only the labels of TFRecord files: int32 [n]. Arguments and errors as for read_records."""

    def decode(examples):
        return tf.io.parse_example(examples, LABEL)['label']

    labels = []
    for path in paths:
        try:
            chunks = list(_chunks(path, decode))
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f'{path}: a record has no integer `label`') from error
        if not chunks:
            raise InputError(f'{path} holds no record')
        labels.append(np.concatenate(chunks))
        limit = np.iinfo(np.int32).max if nclass is None else nclass
        wrong = np.flatnonzero((labels[-1] < 0) | (labels[-1] >= limit))
        if len(wrong):
            raise InputError(f'{path}: record {wrong[0]} has label {labels[-1][wrong[0]]}, not in 0..{limit - 1}')
    return np.concatenate(labels).astype(np.int32)


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
    # The default graph must not be changed across a yield: the caller may be building one.
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        dataset = tf.data.TFRecordDataset(path).batch(CHUNK)
        dataset = dataset.map(tf.autograph.experimental.do_not_convert(decode), num_parallel_calls=2 * os.cpu_count())
        chunk = tf.compat.v1.data.make_one_shot_iterator(dataset.prefetch(2)).get_next()
    with _session(graph) as session:
        while True:
            try:
                value = session.run(chunk)
            except tf.errors.OutOfRangeError:
                return
            except tf.errors.DataLossError as error:
                raise InputError(f'{path} is damaged or cut short: {one_line(error.message)}') from error
            except (tf.errors.PermissionDeniedError, tf.errors.NotFoundError) as error:
                raise InputError(f'cannot read {path}: {one_line(error.message)}') from error
            yield value


def _session(graph):
    """A context with a session on the CPU that does not become the default one."""
    config = session_config()
    config.device_count['GPU'] = 0
    return contextlib.closing(tf.compat.v1.Session(graph=graph, config=config))


def _in_order(pool, function, arguments):
    """Yields function(argument) in order, computed by the pool at most a few ahead, so that memory stays bounded."""
    waiting = collections.deque()
    for argument in arguments:
        waiting.append(pool.submit(function, argument))
        if len(waiting) > 2 * os.cpu_count():
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


def _example(png, label):
    features = {'image': tf.train.Feature(bytes_list=tf.train.BytesList(value=[png])),
                'label': tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)]))}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _what_is_wrong(path, shape):
    """The text for the first record whose image is not a PNG of the given (height, width, colors)."""
    for position, record in enumerate(raw_records(path)):
        png = b''.join(tf.train.Example.FromString(record).features.feature['image'].bytes_list.value)
        if png[:8] != b'\x89PNG\r\n\x1a\n' or len(png) < 26:
            return f'{path}: record {position} has no PNG as its `image`'
        width, height = int.from_bytes(png[16:20], 'big'), int.from_bytes(png[20:24], 'big')
        found = height, width, PNG_CHANNELS.get(png[25])
        if found != tuple(shape):
            sizes = ['x'.join(map(str, size)) for size in (found, shape)]
            return f'{path}: the image of record {position} is {sizes[0]} (height x width x colors), not {sizes[1]}'
    return f'{path}: an image cannot be decoded'
