"""Decoding of picture files outside of a training graph."""

import contextlib

from libml.utils import InputError, session_config

import tensorflow as tf


def decode_picture(encoded, colors=0):
    """Bytes of a PNG or JPEG -> uint8 [h, w, c], an op of TensorFlow; `colors` 0 leaves their number."""
    # It reads both. The accurate method of JPEGs computes in integers: its bytes do not depend on the machine.
    return tf.io.decode_jpeg(encoded, colors, dct_method='INTEGER_ACCURATE')


@contextlib.contextmanager
def decoder():
    """A context with a function bytes of a PNG or JPEG -> uint8 [h, w, c], which threads may share.

    The function raises tf.errors.InvalidArgumentError for a damaged picture.
    """
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        encoded = tf.compat.v1.placeholder(tf.string, [])
        image = decode_picture(encoded)
    # Closed at the end, but never the default session: the caller may be building a graph.
    with contextlib.closing(tf.compat.v1.Session(graph=graph, config=session_config())) as session:
        yield lambda content: session.run(image, {encoded: content})


def decoded(pictures):
    """Yields the image uint8 [h, w, c] of each picture.

    Args:
        pictures: iterable of (what an error calls it, bytes of its file).
    Raises:
        InputError: a picture is damaged.
    """
    with decoder() as decode:
        for name, content in pictures:
            try:
                pixels = decode(content)
            except tf.errors.InvalidArgumentError as error:
                raise InputError(f'{name} is no PNG or JPEG, or damaged') from error
            yield pixels
