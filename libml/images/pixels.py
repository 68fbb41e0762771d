"""Image operations that compute each pixel from its own value: enhancers, invert, posterize, solarize, cutout ..."""

import tensorflow as tf

# ITU-R 601 weights of R, G, B in Pillow's conversion to grey, in units of 2^-16. A weighted sum of bytes has at most
# 24 bits, so a float32 matrix product is exact in any order of summation.
GREY_WEIGHTS = (19595, 38470, 7471)
# Networks see images in [-1, 1]: byte * TO_FLOAT - 1.
TO_FLOAT = 2. / 255


def flat(images):
    """[b, h, w, c] of any type -> float32 [b, h*w*c]: rows that a parameter [b, 1] broadcasts over cheaply."""
    return tf.cast(_rows(images), tf.float32)


def per_image(parameter):
    """[b] of any number type -> float32 [b, 1]. Pillow, too, takes its blending factors as float32."""
    return tf.cast(parameter, tf.float32)[:, None]


def to_bytes(values, images):
    """Floats with the elements of `images` -> uint8 in its shape: clipped to 0..255, then truncated as in Pillow."""
    return _shaped(tf.cast(tf.clip_by_value(values, 0., 255.), tf.uint8), images)


def mix(a, b, t):
    """Pillow's blend of floats, before clipping: a + t * (b - a). (a * (1 - t) + b * t rounds differently.)"""
    return a + t * (b - a)


def blend(a, b, t):
    """Pillow's Image.blend of two batches of images: a where t = 0, b where t = 1; t may lie outside [0, 1]."""
    return to_bytes(mix(flat(a), flat(b), per_image(t)), a)


def identity(images):
    """The images."""
    return images


def invert(images, amount=None):
    """255 - v; with `amount` [b] in [0, 1], blended into the original by that much."""
    if amount is None:
        return tf.bitwise.invert(images)
    values = flat(images)
    return to_bytes(mix(values, 255. - values, per_image(amount)), images)


def brightness(images, factor):
    """Blend of black (factor 0) and the image (factor 1); ImageEnhance.Brightness."""
    return to_bytes(flat(images) * per_image(factor), images)


def color(images, factor):
    """Blend of the grey image (factor 0) and the image (factor 1); ImageEnhance.Color. Identity for one channel."""
    if images.shape[-1] == 1:
        return images
    return to_bytes(mix(_rows(_grey(images, 3), images), flat(images), per_image(factor)), images)


def contrast(images, factor):
    """Blend of the mean grey level (factor 0) and the image (factor 1); ImageEnhance.Contrast."""
    height, width, colors = images.shape[1:]
    grey = flat(images) if colors == 1 else tf.reshape(_grey(images, 1), [-1, height * width])
    total = tf.cast(tf.reduce_sum(grey, 1), tf.int32)  # Exact: at most 255 * 224 * 224 < 2^24.
    mean = (2 * total + height * width) // (2 * height * width)
    return to_bytes(mix(per_image(mean), flat(images), per_image(factor)), images)


def posterize(images, bits):
    """Keeps the highest `bits` (0..8) bits of every byte."""
    mask = 256 - tf.bitwise.left_shift(1, 8 - tf.cast(bits, tf.int32))
    return _shaped(tf.bitwise.bitwise_and(_rows(images), tf.cast(mask, tf.uint8)[:, None]), images)


def solarize(images, threshold):
    """Inverts the bytes that are not below `threshold`, any integer: 0 inverts all, 256 none."""
    rows = _rows(images)
    over = tf.cast(rows, tf.int32) >= tf.cast(threshold, tf.int32)[:, None]
    return _shaped(tf.bitwise.bitwise_xor(rows, tf.cast(over, tf.uint8) * 255), images)


def solarize_add(images, addition):
    """Adds `addition` (int32 [b], 0..255) to the bytes below 128; 255 is the most that they become."""
    rows = tf.cast(_rows(images), tf.int32)
    added = tf.minimum(rows + tf.cast(addition, tf.int32)[:, None], 255)
    return _shaped(tf.cast(tf.where(rows < 128, added, rows), tf.uint8), images)


def cutout(images, size, x, y, fill=127):
    """Fills a square around column x and row y, clipped at the borders.

    Its side is the even number 2 * (size // 2); size 0 or 1 does nothing. Columns x - size//2 .. x + size//2 - 1.
    (google-research/fixmatch cta/lib and third_party/auto_augment.)

    Args:
        images: uint8 [b, h, w, c].
        size, x, y: int32 [b].
        fill: byte for all channels.
    """
    height, width, colors = images.shape[1:]
    half = size[:, None] // 2
    rows = _inside(tf.range(height), y[:, None], half)[:, :, None]
    columns = _inside(tf.range(width * colors) // colors, x[:, None], half)[:, None, :]
    lines = tf.reshape(images, [-1, height, width * colors])
    # Bit operations are several times faster than tf.where here: v ^ (v ^ fill) is fill.
    change = tf.bitwise.bitwise_and(tf.bitwise.bitwise_xor(lines, tf.constant(fill, tf.uint8)),
                                    tf.bitwise.bitwise_and(rows, columns))
    return _shaped(tf.bitwise.bitwise_xor(lines, change), images)


def _inside(positions, center, half):
    """uint8 [b, n]: 255 at the positions in center - half .. center + half - 1, else 0."""
    return tf.cast((positions >= center - half) & (positions < center + half), tf.uint8) * 255


def _grey(images, copies):
    """Grey levels of RGB images as float32 [b*h*w, copies]: (19595 R + 38470 G + 7471 B + 32768) >> 16."""
    weights = tf.constant([[weight / 65536] * copies for weight in GREY_WEIGHTS])
    return tf.floor(tf.matmul(tf.cast(tf.reshape(images, [-1, 3]), tf.float32), weights) + 0.5)


def _rows(values, images=None):
    """Anything with the elements of `images` (itself by default) as [b, h*w*c]."""
    height, width, colors = (values if images is None else images).shape[1:]
    return tf.reshape(values, [-1, height * width * colors])


def _shaped(values, images):
    """Anything with the elements of `images` in its shape."""
    return tf.reshape(values, [-1, *images.shape[1:]])


def to_float(images):
    """uint8 images -> float32 in [-1, 1]: byte * 2/255 - 1."""
    return tf.cast(images, tf.float32) * TO_FLOAT - 1
