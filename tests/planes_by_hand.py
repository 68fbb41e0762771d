"""Random pictures, planes of them, and changes of their colours by hand."""

import colorsys

import numpy as np
import tensorflow as tf

IMAGES = np.random.RandomState(0).randint(0, 256, [6, 12, 10, 3]).astype(np.uint8)
UNIT = IMAGES / 255


def fresh_graph():
    """For a fixture: tensors of a test are in a graph of its own."""
    with tf.Graph().as_default():
        yield


def run(*tensors):
    """Values of tensors of the current graph."""
    with tf.compat.v1.Session() as session:
        return session.run(list(tensors))


def planes(images=UNIT):
    """Images [b, h, w, c] as a constant [b, c, h, w]."""
    return tf.constant(np.moveaxis(images, -1, 1), tf.float32)


def images_of(tensor):
    """Planes as an array [b, h, w, c]."""
    return np.moveaxis(run(tensor)[0], 1, -1)


def changed(image, operation, factor):
    """An image [h, w, 3] in [0, 1] changed by hand."""
    if operation == 'brightness':
        return np.clip(image * factor, 0, 1)
    if operation == 'contrast':
        mean = image.mean((0, 1))
        return np.clip(mean + (image - mean) * factor, 0, 1)

    def pixel(rgb):
        h, s, v = colorsys.rgb_to_hsv(*rgb)
        if operation == 'hue':
            return colorsys.hsv_to_rgb((h + factor) % 1, s, v)
        return colorsys.hsv_to_rgb(h, min(s * factor, 1), v)

    return np.apply_along_axis(pixel, 2, image)
