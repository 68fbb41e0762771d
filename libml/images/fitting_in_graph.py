"""What libml/pictures/fitting.py does, as TensorFlow ops: encoded pictures of any size -> images of one size.

Equal to the byte: Pillow's resize goes along the rows, then along the columns, with weights of PRECISION bits, and
rounds to bytes each time. Here both are products of matrices of whole numbers, which float64 holds exactly.
"""

from libml.images.pixels import GREY_WEIGHTS
from libml.images.rescale import PRECISION

import tensorflow as tf

# EXIF data are looked for in so many bytes of a file, and the orientation among so many of their entries.
HEAD = 1 << 16
MOST_ENTRIES = 1000
ORIENTATION = 0x0112
# Place of the byte of a PNG that says what its samples are: 0 grey, 2 colours, 3 a palette ...
PNG_KIND = 25


def triangle(t):
    """Pillow's BILINEAR."""
    return tf.maximum(1 - tf.abs(t), 0)


def cubic(t):
    """Pillow's BICUBIC, a = -0.5."""
    t = tf.abs(t)
    inner, outer = (1.5 * t - 2.5) * t * t + 1, -0.5 * (((t - 5) * t + 8) * t - 4)
    return tf.where(t < 1, inner, tf.where(t < 2, outer, tf.zeros_like(t)))


def weights(n_in, start, end, n_out, kernel, support):
    """Whole numbers, float64 [n_out, n_in]: how much of each pixel of a line is in each pixel of the result.

    Args:
        n_in, n_out: int32 scalars, lengths of the lines.
        start, end: float32 scalars, the part of the line that is used.
        kernel, support: function of distances, and the distance at which it becomes 0.
    """
    scale = tf.cast(end - start, tf.float64) / tf.cast(n_out, tf.float64)
    stretch = tf.maximum(scale, 1.)
    center = tf.cast(start, tf.float64) + (tf.range(tf.cast(n_out, tf.float64)) + 0.5) * scale
    first = tf.maximum(tf.floor(center - support * stretch + 0.5), 0)
    last = tf.minimum(tf.floor(center + support * stretch + 0.5), tf.cast(n_in, tf.float64))
    source = tf.range(tf.cast(n_in, tf.float64))[None]
    inside = (source >= first[:, None]) & (source < last[:, None])
    found = tf.where(inside, kernel((source - center[:, None] + 0.5) * (1 / stretch)), tf.zeros([], tf.float64))
    found *= 1 / tf.reduce_sum(found, 1, keepdims=True) * 2. ** PRECISION
    return tf.sign(found) * tf.floor(tf.abs(found) + 0.5)


def resized(image, height, width, box, kernel=triangle, support=1.):
    """A part of a picture at another size.

    Args:
        image: uint8 [h, w, c].
        height, width: int32 scalars.
        box: float32 scalars left, upper, right, lower.
    Returns:
        uint8 [height, width, c].
    """
    left, upper, right, lower = box
    h, w = tf.unstack(tf.shape(image)[:2])
    rows = _bytes(tf.einsum('oi,hic->hoc', weights(w, left, right, width, kernel, support), tf.cast(image, tf.float64)))
    return tf.cast(_bytes(tf.einsum('oi,iwc->owc', weights(h, upper, lower, height, kernel, support), rows)), tf.uint8)


def _bytes(total):
    return tf.clip_by_value(tf.floor((total + 2. ** (PRECISION - 1)) / 2. ** PRECISION), 0, 255)


def decoded(content):
    """A JPEG or PNG file, scalar string -> uint8 [h, w, 3].

    JPEGs are turned upright as the EXIF data in their first HEAD bytes say, transparent pixels of a PNG lie over white,
    of 16 bits the upper half counts. A byte of a CMYK picture may differ by one from Pillow's; EXIF data in a PNG, and
    XMP data, are not looked at.
    """
    def jpeg():
        return upright(tf.io.decode_jpeg(content, channels=3, dct_method='INTEGER_ACCURATE'), orientation(content))

    def png():
        # Of as many channels as are stored: those that decode_png adds to a palette are not opaque. It looks at the
        # transparent colour of other pictures only if it is asked for a fourth one.
        pixels = tf.cond(has_transparent_color(content), lambda: tf.io.decode_png(content, 4),
                         lambda: tf.io.decode_png(content))
        pixels = tf.cast(pixels, tf.int32)
        n = tf.shape(pixels)[-1]
        color = tf.gather(pixels, tf.where(n < 3, [0, 0, 0], [0, 1, 2]), axis=-1)
        alpha = tf.where(tf.equal(n % 2, 0), pixels[..., -1:], 255)
        total = color * alpha + 255 * (255 - alpha) + 128
        return tf.cast((total // 256 + total) // 256, tf.uint8)

    return tf.cond(tf.io.is_jpeg(content), jpeg, png)


def has_transparent_color(content):
    """Whether a PNG file, scalar string, is grey or in colours without a palette and has a chunk tRNS: bool scalar."""
    data = tf.io.decode_raw(tf.strings.substr(content, 0, HEAD), tf.uint8)
    kind = tf.gather(data, tf.minimum(PNG_KIND, tf.size(data) - 1))
    return tf.reduce_any(tf.equal(kind, [0, 2])) & (tf.size(_starts(data, b'tRNS')) > 0)


def _starts(data, wanted, any_at=()):
    """Where bytes stand in bytes uint8 [n], those at the places `any_at` of them whatever they are: int32 [m]."""
    windows = tf.gather(data, tf.range(tf.maximum(tf.size(data) - len(wanted) + 1, 0))[:, None] + tf.range(len(wanted)))
    same = tf.equal(windows, tf.constant([*wanted], tf.uint8)) | [place in any_at for place in range(len(wanted))]
    return tf.cast(tf.where(tf.reduce_all(same, 1))[:, 0], tf.int32)


def orientation(content):
    """The EXIF orientation in a JPEG file, scalar string: int32 scalar, 1 to 8; 1 where there is none."""
    data = tf.io.decode_raw(tf.strings.substr(content, 0, HEAD), tf.uint8)
    # The segment that begins with these bytes; its length stands at the zeros.
    starts = _starts(data, b'\xff\xe1\0\0Exif\0\0', any_at=(2, 3))
    start = tf.concat([starts, [tf.size(data)]], 0)[0] + 10
    data = tf.cast(data, tf.int32)
    little = tf.equal(_numbers(data, start, 1), ord('I'))
    first = start + _numbers(data, start + 4, 4, little)
    entries = first + 2 + 12 * tf.range(tf.minimum(_numbers(data, first, 2, little), MOST_ENTRIES))
    values = _numbers(data, entries + 8, 2, little)
    values = tf.boolean_mask(values, tf.equal(_numbers(data, entries, 2, little), ORIENTATION) & (values < 9))
    return tf.maximum(tf.concat([values, [1]], 0)[0], 1)


def _numbers(data, places, size, little=False):
    """Whole numbers of `size` bytes that begin at places [...] of bytes [n]; beyond the end they are of no use."""
    order = tf.range(size)
    places = places[..., None] + tf.where(little, order[::-1], order)
    found = tf.gather(tf.concat([data, [0]], 0), tf.clip_by_value(places, 0, tf.size(data)))
    return tf.reduce_sum(found * tf.bitwise.left_shift(1, 8 * order[::-1]), -1)


def upright(image, turn):
    """An image [h, w, c] turned as an EXIF orientation says, int32 scalar."""
    image = tf.cond(turn > 4, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    rows, columns = [tf.reduce_any(tf.equal(turn, turns)) for turns in ([3, 4, 7, 8], [2, 3, 6, 7])]
    return tf.reverse(image, tf.boolean_mask([0, 1], [rows, columns]))


def in_colors(image, colors):
    """As fitting.in_colors, of uint8 [h, w, 3]: uint8 [h, w, colors]."""
    if colors == 3:
        return image
    total = tf.reduce_sum(tf.cast(image, tf.int32) * GREY_WEIGHTS, -1, keepdims=True) + (1 << 15)
    return tf.cast(total // (1 << 16), tf.uint8)


def fitted(image, height, width, fit):
    """As fitting.fitted, of uint8 [h, w, c] in its colours and with Python numbers for the rest: [height, width, c]."""
    h, w = tf.unstack(tf.shape(image)[:2])
    if fit == 'crop':
        image = resized(image, height, width, _crop(h, w, height, width))
    else:
        size = _pad(h, w, height, width) if fit == 'pad' else (height, width)
        whole = [tf.cast(value, tf.float32) for value in (0, 0, w, h)]
        image = resized(image, *size, whole)
        image = tf.image.pad_to_bounding_box(image, (height - size[0]) // 2, (width - size[1]) // 2, height, width)
    return tf.ensure_shape(image, [height, width, image.shape[-1]])


def _crop(h, w, height, width):
    h, w = tf.cast(h, tf.float64), tf.cast(w, tf.float64)
    box_w, box_h = tf.minimum(w, h * width / height), tf.minimum(h, w * height / width)
    left, upper = (w - box_w) / 2, (h - box_h) / 2
    return [tf.cast(value, tf.float32) for value in (left, upper, left + box_w, upper + box_h)]


def _pad(h, w, height, width):
    """(height, width), int32 scalars."""
    wide = w * height >= h * width
    return (tf.where(wide, tf.maximum(1, (2 * h * width + w) // (2 * w)), height),
            tf.where(wide, width, tf.maximum(1, (2 * w * height + h) // (2 * h))))


def adapted(image, adaptation):
    """What an Adaptation does to uint8 [h, w, c], of static shape."""
    image = tf.pad(image, [*adaptation.border, (0, 0)])
    side, (height, width) = adaptation.side, image.shape[:2]
    if side and (height, width) != (side, side):
        whole = [tf.constant(float(value)) for value in (0, 0, width, height)]
        image = resized(image, side, side, whole, cubic, 2.)
    return tf.repeat(image, adaptation.colors, -1) if adaptation.colors > image.shape[-1] else image
