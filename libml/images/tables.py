"""Image operations that give each channel of each image its own 256-entry table: autocontrast and equalize."""

from libml.images import pixels as image_pixels

import tensorflow as tf


def autocontrast(images, amount=None):
    """Stretches every channel to the full range; with `amount` [b] in [0, 1], blended into the original by that much.

    A channel of one single value stays as it is. ImageOps.autocontrast without cutoff: the table is
    int(v * scale + offset) of float64 values. float32 or exact integers would differ for some of them by one.

    Args:
        images: uint8 [b, h, w, c].
        amount: float [b], or None for the full effect.
    Returns:
        uint8 [b, h, w, c].
    """
    height, width, colors = images.shape[1:]
    pixels = tf.reshape(images, [-1, height * width, colors])
    low, high = [tf.cast(reduce(pixels, 1), tf.float64)[:, :, None] for reduce in (tf.reduce_min, tf.reduce_max)]
    scale = 255. / tf.maximum(high - low, 1.)
    values = tf.range(256, dtype=tf.float64)
    table = tf.floor(tf.clip_by_value(values * scale - low * scale, 0., 255.))
    table = tf.where(high > low, table, values)
    return _looked_up(_positions(images), _blended(table, amount), images)


def equalize(images, amount=None):
    """Makes the histogram of every channel flat; with `amount` [b] in [0, 1], blended into the original by that much.

    ImageOps.equalize: table[v] = min(255, (step // 2 + pixels below v) // step) with
    step = (n - pixels of the largest value) // 255; where step is 0 the channel stays as it is.

    Args:
        images: uint8 [b, h, w, c].
        amount: float [b], or None for the full effect.
    Returns:
        uint8 [b, h, w, c].
    """
    colors = images.shape[-1]
    positions = _positions(images)
    counts = tf.raw_ops.DenseBincount(input=positions, size=colors * 256, weights=tf.zeros([0], tf.int32),
                                      binary_output=False)
    counts = tf.reshape(counts, [-1, colors, 256])
    below = tf.cumsum(counts, axis=-1, exclusive=True)
    # Pixels below the largest value that occurs: the largest cumulated count that some pixel still lies above.
    step = tf.reduce_max(tf.where(counts > 0, below, 0), -1, keepdims=True) // 255
    # The clip matters: the integer step is rounded down, so the last entries would pass 255.
    table = tf.minimum((step // 2 + below) // tf.maximum(step, 1), 255)
    table = tf.where(step > 0, table, tf.range(256))
    return _looked_up(positions, _blended(table, amount), images)


def _positions(images):
    """int32 [b, h*w*c]: channel * 256 + value, the place of each byte in its image's row of tables."""
    height, width, colors = images.shape[1:]
    channels = tf.tile(tf.range(colors) * 256, [height * width])
    return tf.cast(tf.reshape(images, [-1, height * width * colors]), tf.int32) + channels


def _blended(table, amount):
    """Tables [b, c, 256] of whole numbers, blended with the identity by `amount` [b] or as they are, as uint8."""
    if amount is not None:
        values = tf.range(256, dtype=tf.float32)
        table = image_pixels.mix(values, tf.cast(table, tf.float32), tf.cast(amount, tf.float32)[:, None, None])
    return tf.cast(table, tf.uint8)


def _looked_up(positions, table, images):
    """Entries of uint8 tables [b, c, 256] at positions [b, h*w*c], in the shape of the images."""
    entries = images.shape[-1] * 256
    positions += tf.range(tf.shape(images)[0])[:, None] * entries
    return tf.reshape(tf.gather_nd(tf.reshape(table, [-1]), positions[..., None]), [-1, *images.shape[1:]])
