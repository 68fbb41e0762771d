"""The views of SimCLR: of Keras' semi-supervised example (`affine`) and of the paper (`simclr`, arXiv:2002.05709).

Both take a batch of bytes and a Draws, and draw for each image. Colours are changed in [0, 1].
"""

import math

from libml.images import color, resampling

import tensorflow as tf

# Of google-research/simclr@383d414 data_util.py: probabilities, the range of the crop, and of the blur.
JITTER, GREY, BLUR = 0.8, 0.2, 0.5
AREA, ASPECT = (0.08, 1.), (3 / 4, 4 / 3)
DEVIATION = (0.1, 2.)
CROP_TRIALS = 10


def affine(images, draws, mirror, min_area, brightness, jitter):
    """Flip, translation, zoom and a linear map of the colours.

    With z = 1 - sqrt(min_area): a shift by up to z/2 of the size and a zoom to 1-z..1 of it, drawn for each axis, with
    one bilinear interpolation; what comes into the picture is its reflection. Colours are multiplied by
    (1 + b) I + J, where b and the entries of J are uniform in +-brightness and +-jitter.

    Args:
        images: uint8 [b, h, w, c].
        draws: a Draws of this batch.
        mirror: whether half of the images are flipped.
        min_area: in (0, 1], share of the picture that is seen at least.
        brightness, jitter: numbers >= 0.
    Returns:
        float32 [b, h, w, c] in [-1, 1].
    """
    b = tf.shape(images)[0]
    height, width, colors = images.shape[1:]
    z = 1 - math.sqrt(min_area)
    matrices = []
    for axis, size in (('y', height), ('x', width)):
        shift = draws.uniform(f'shift_{axis}', [b, 1], -z / 2, z / 2) * size
        zoom = draws.uniform(f'zoom_{axis}', [b, 1], 1 - z, 1.)
        center = (size - 1) / 2
        positions = center + (tf.range(size, dtype=tf.float32) - center) * zoom - shift
        matrices.append(resampling.linear(positions, size))
    planes = resampling.resample(resampling.to_planes(images), matrices[0], _flipped(matrices[1], draws, mirror))
    light = 1 + draws.uniform('brightness', [b, 1, 1], -brightness, brightness)
    mixture = draws.uniform('jitter', [b, colors, colors], -jitter, jitter)
    return resampling.to_images(color.affine(planes, light * tf.eye(colors) + mixture))


def simclr(images, draws, mirror, strength, blur):
    """Flip, random resized crop, colour jitter and grey, maybe blur (google-research/simclr@383d414 data_util.py).

    Args:
        images: uint8 [b, h, w, c].
        draws: a Draws of this batch.
        mirror: whether half of the images are flipped.
        strength: of the colour jitter, 0.5 for CIFAR-10, 1 for ImageNet there.
        blur: whether half of the images are blurred.
    Returns:
        float32 [b, h, w, c] in [-1, 1].
    """
    height, width = images.shape[1:3]
    top, left, rows, columns = crop_windows(draws.within('crop'), tf.shape(images)[0], height, width)
    columns = _flipped(resampling.cubic_crop(left, columns, width), draws, mirror)
    planes = resampling.resample(resampling.to_planes(images), resampling.cubic_crop(top, rows, height), columns)
    planes = jittered(color.clip(planes), draws.within('color'), strength)
    if blur:
        planes = blurred(planes, draws.within('blur'))
    return resampling.to_images(planes)


def crop_windows(draws, b, height, width):
    """Top, left, rows and columns of random windows, int32 [b] each.

    Their area is uniform in AREA (a share of the picture's), the logarithm of width / height uniform in that of ASPECT;
    of CROP_TRIALS draws the first that fits is taken, or if none does the first, cut down to the picture. This is the
    random resized crop as it is commonly done (after arXiv:1409.4842). The original code leaves it to an op of
    TensorFlow, which draws the height and not the area uniformly: its windows are smaller on average.
    """
    area = draws.uniform('area', [b, CROP_TRIALS], *AREA) * (height * width)
    aspect = tf.exp(draws.uniform('aspect', [b, CROP_TRIALS], *map(math.log, ASPECT)))
    rows, columns = [tf.cast(tf.maximum(tf.round(tf.sqrt(v)), 1), tf.int32) for v in (area / aspect, area * aspect)]
    fits = (rows <= height) & (columns <= width)
    first = tf.argmax(fits, 1)  # 0 also if none does: then the window is cut down to the picture.
    rows, columns = [tf.minimum(tf.gather(v, first, axis=1, batch_dims=1), size)
                     for v, size in ((rows, height), (columns, width))]
    top, left = [tf.cast(draws.uniform(name, [b]) * tf.cast(space + 1, tf.float32), tf.int32)
                 for name, space in (('top', height - rows), ('left', width - columns))]
    return top, left, rows, columns


def jittered(planes, draws, strength):
    """Four changes of colour in random order on JITTER of the images, then GREY of them without colour; in [0, 1]."""
    b = tf.shape(planes)[0]
    spread = 0.8 * strength
    factors = [draws.uniform(name, [b], max(1 - spread, 0), 1 + spread)
               for name in ('brightness', 'contrast', 'saturation')]
    factors += [draws.uniform('hue', [b], -0.2 * strength, 0.2 * strength), tf.zeros([b])]
    order = tf.argsort(draws.uniform('order', [b, 4]), 1)
    order = tf.where(draws.uniform('jitter', [b, 1]) < JITTER, order, len(color.OPERATIONS) - 1)
    planes = color.jitter(planes, order, tf.stack(factors, 1))
    return color.grey(planes, draws.uniform('grey', [b]) < GREY)


def blurred(planes, draws):
    """Gaussian blur on BLUR of the images, standard deviation in DEVIATION pixels, within a twentieth of the height.

    (The original's sum outside of the picture is black; here the weights inside sum to one.)
    """
    b = tf.shape(planes)[0]
    height, width = planes.shape[2:]
    deviation = draws.uniform('deviation', [b], *DEVIATION)
    chosen = (draws.uniform('chosen', [b]) < BLUR)[:, None, None]
    rows, columns = [tf.where(chosen, resampling.gaussian(deviation, max(1, height // 20), size), tf.eye(size))
                     for size in (height, width)]
    return resampling.resample(planes, rows, columns)


def _flipped(columns, draws, mirror):
    """Matrices of the columns, half of them for planes that are flipped before, if `mirror`."""
    if not mirror:
        return columns
    return resampling.mirrored(columns, draws.uniform('mirror', tf.shape(columns)[:1]) < 0.5)
