"""Pillow's own operations beside those of libml.images, and pictures of every kind to compare them on."""

from libml.images import operations, rescale

import numpy as np
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

tf1 = tf.compat.v1
RESAMPLING = [Image.Resampling[name.upper()] for name in rescale.METHODS]


def run(name, images, *parameters):
    """The image operation's result, with a batch size that the graph does not know."""
    with tf.Graph().as_default(), tf1.Session() as session:
        images = np.asarray(images)
        x = tf1.placeholder(tf.uint8, [None, *images.shape[1:]])
        parameters = [tf.constant(p.astype(np.int32) if p.dtype == np.int64 else p) for p in parameters]
        return session.run(operations.OPERATIONS[name](x, *parameters), {x: images})


def pictures(rng, height, width, colors):
    """uint8 [16, h, w, c]: noise, low contrast, gradients, few colours, one colour, and noise with one colour."""
    y, x = np.mgrid[:height, :width]
    out = []
    for _ in range(4):
        noise = rng.randint(0, 256, (height, width, colors))
        low = rng.randint(0, 200) + rng.randint(0, 6 + rng.randint(50), (height, width, colors))
        slopes = rng.uniform(-9, 9, (2, colors))
        gradient = (y[..., None] * slopes[0] + x[..., None] * slopes[1] + rng.randint(256)) % 256
        blocks = np.kron(rng.randint(0, 256, (height // 4, width // 4, colors)), np.ones((4, 4, 1)))
        out += [noise, low, gradient, blocks]
    out[4][:] = rng.randint(0, 256, colors)
    out[8][..., 0] = 7
    return np.array(out).astype(np.uint8)


def to_pil(image):
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def from_pil(image):
    array = np.array(image)
    return array[..., None] if array.ndim == 2 else array


def rescaled(image, cut_x, cut_y, method):
    width, height = image.size
    return image.crop((cut_x, cut_y, width - cut_x, height - cut_y)).resize((width, height), RESAMPLING[method])


def corner(image, cut_x, cut_y):
    return image.crop((cut_x, cut_y, *image.size)).resize(image.size, Image.Resampling.BICUBIC)


def posterized(image, bits):
    """Newer versions of Pillow refuse 0 bits, which older ones made black."""
    return ImageOps.posterize(image, bits) if bits else image.point(lambda value: 0)


def added(image, addition):
    return image.point(lambda value: value + addition if value < 128 else value)


def affine(image, *six):
    return image.transform(image.size, Image.Transform.AFFINE, six)


def blended(function):
    """A twin with a second parameter: how much of the effect is blended into the image."""
    return lambda image, amount: Image.blend(image, function(image), amount)


def cut(image, size, x, y):
    array, half = np.array(image), size // 2
    array[max(0, y - half):max(0, y + half), max(0, x - half):max(0, x + half)] = 127
    return Image.fromarray(array)


def filtered(kind):
    return lambda image: image.filter(kind)


def amount(rng, n, size):
    return [np.r_[0., 1., rng.uniform(size=n - 2)]]


def factor(rng, n, size):
    return [np.r_[1., 0., rng.uniform(0, 3, n - 2)]]


def integers(low, high):
    return lambda rng, n, size: [rng.randint(low, high + 1, n)]


def slope(rng, n, size):
    return [np.r_[0., rng.uniform(-0.5, 0.5, n - 1)]]


def rescaling(rng, n, size):
    return [rng.randint(0, rescale.max_cut(side) + 1, n) for side in size[::-1]] + [rng.randint(0, 6, n)]


def corners(rng, n, size):
    return [rng.randint(0, side // 4 + 1, n) for side in size[::-1]]


def square(rng, n, size):
    return [rng.randint(0, max(size) + 1, n), rng.randint(0, size[1], n), rng.randint(0, size[0], n)]


def flip(rng, n, size):
    return [rng.uniform(size=n) < 0.5]


def enhancer(kind):
    return lambda image, f: kind(image).enhance(f)


# name -> (Pillow's function of (image, parameters), draws of n parameters for images of (height, width))
TWINS = {
    'autocontrast': (blended(ImageOps.autocontrast), amount),
    'blur': (blended(filtered(ImageFilter.BLUR)), amount),
    'brightness': (enhancer(ImageEnhance.Brightness), factor),
    'color': (enhancer(ImageEnhance.Color), factor),
    'contrast': (enhancer(ImageEnhance.Contrast), factor),
    'crop_bilinear': (lambda image, n: rescaled(image, n, n, 2), integers(0, 2)),
    'crop_corner': (corner, corners),
    'cutout': (cut, square),
    'equalize': (blended(ImageOps.equalize), amount),
    'flip_lr': (lambda image, flip: ImageOps.mirror(image) if flip else image, flip),
    'flip_ud': (lambda image, flip: ImageOps.flip(image) if flip else image, flip),
    'identity': (lambda image: image, lambda rng, n, size: []),
    'invert': (blended(ImageOps.invert), amount),
    'posterize': (posterized, integers(0, 8)),
    'rescale': (rescaled, rescaling),
    'rotate': (lambda image, degrees: image.rotate(degrees), integers(-45, 45)),
    'sharpness': (enhancer(ImageEnhance.Sharpness), factor),
    'shear_x': (lambda image, k: affine(image, 1, k, 0, 0, 1, 0), slope),
    'shear_y': (lambda image, k: affine(image, 1, 0, 0, k, 1, 0), slope),
    'smooth': (blended(filtered(ImageFilter.SMOOTH)), amount),
    'solarize': (ImageOps.solarize, integers(-20, 276)),
    'solarize_add': (added, integers(0, 110)),
    'translate_x': (lambda image, t: affine(image, 1, 0, t, 0, 1, 0), integers(-12, 12)),
    'translate_y': (lambda image, t: affine(image, 1, 0, 0, 0, 1, t), integers(-12, 12)),
}


def assert_equals(function, name, images, *parameters):
    """Compares the operation with a function of (Pillow's image, parameters) on every image."""
    wanted = [from_pil(function(to_pil(image), *[p[i].item() for p in parameters])) for i, image in enumerate(images)]
    np.testing.assert_array_equal(run(name, images, *parameters), wanted, err_msg=name)


def assert_twin(name, images, parameters):
    """Compares the operation with Pillow's on every image."""
    assert_equals(TWINS[name][0], name, images, *parameters)
