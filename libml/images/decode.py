"""Decoding of picture files outside of a training graph."""

import contextlib

from libml.utils import InputError, session_config

import tensorflow as tf


def decode_jpeg(encoded):
    """Bytes of a JPEG -> uint8 [h, w, c], an op of TensorFlow."""
    # The accurate method computes in integers: its bytes do not depend on the machine.
    return tf.io.decode_jpeg(encoded, dct_method='INTEGER_ACCURATE')


def decoded(pictures, decode):
    """Yields the image uint8 [h, w, c] of each entry of a dict name -> bytes.

    Args:
        pictures: dict file name -> bytes.
        decode: op of TensorFlow, such as decode_jpeg or tf.io.decode_png.
    Raises:
        InputError: a picture is damaged.
    """
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        encoded = tf.compat.v1.placeholder(tf.string, [])
        image = decode(encoded)
    # Closed at the end, but never the default session: the caller may be building a graph.
    with contextlib.closing(tf.compat.v1.Session(graph=graph, config=session_config())) as session:
        for name, content in pictures.items():
            try:
                pixels = session.run(image, {encoded: content})
            except tf.errors.InvalidArgumentError as error:
                raise InputError(f'{name} is no picture or damaged') from error
            yield pixels
