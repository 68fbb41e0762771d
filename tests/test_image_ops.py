"""Image operations against Pillow itself, byte for byte, on pictures of every kind and size."""

import zlib

from libml import image_ops, image_rescale

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

tf1 = tf.compat.v1
RESAMPLING = [Image.Resampling[name.upper()] for name in image_rescale.METHODS]
SIZES = [(8, 8), (28, 28), (32, 32), (96, 96), (24, 40)]


def run(name, images, *parameters):
    """The image operation's result, with a batch size that the graph does not know."""
    with tf.Graph().as_default(), tf1.Session() as session:
        images = np.asarray(images)
        x = tf1.placeholder(tf.uint8, [None, *images.shape[1:]])
        parameters = [tf.constant(p.astype(np.int32) if p.dtype == np.int64 else p) for p in parameters]
        return session.run(image_ops.OPERATIONS[name](x, *parameters), {x: images})


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


def affine(image, *six):
    return image.transform(image.size, Image.Transform.AFFINE, six)


def blended(function):
    """A twin with a second parameter: how much of the effect is blended into the image."""
    return lambda image, amount: Image.blend(image, function(image), amount)


def cut(image, size, x, y):
    array, half = np.array(image), size // 2
    array[max(0, y - half):max(0, y + half), max(0, x - half):max(0, x + half)] = 127
    return Image.fromarray(array)


def twins():
    """name -> (Pillow's function of (image, parameters), draws of n parameters for images of (height, width))."""
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
        return [rng.randint(0, image_rescale.max_cut(side) + 1, n) for side in size[::-1]] + [rng.randint(0, 6, n)]

    def square(rng, n, size):
        return [rng.randint(0, max(size) + 1, n), rng.randint(0, size[1], n), rng.randint(0, size[0], n)]

    def flip(rng, n, size):
        return [rng.uniform(size=n) < 0.5]

    def enhancer(kind):
        return lambda image, f: kind(image).enhance(f)

    return {
        'autocontrast': (blended(ImageOps.autocontrast), amount),
        'blur': (blended(filtered(ImageFilter.BLUR)), amount),
        'brightness': (enhancer(ImageEnhance.Brightness), factor),
        'color': (enhancer(ImageEnhance.Color), factor),
        'contrast': (enhancer(ImageEnhance.Contrast), factor),
        'crop_bilinear': (lambda image, n: rescaled(image, n, n, 2), integers(0, 2)),
        'cutout': (cut, square),
        'equalize': (blended(ImageOps.equalize), amount),
        'flip_lr': (lambda image, flip: ImageOps.mirror(image) if flip else image, flip),
        'flip_ud': (lambda image, flip: ImageOps.flip(image) if flip else image, flip),
        'identity': (lambda image: image, lambda rng, n, size: []),
        'invert': (blended(ImageOps.invert), amount),
        'posterize': (ImageOps.posterize, integers(1, 8)),
        'rescale': (rescaled, rescaling),
        'rotate': (lambda image, degrees: image.rotate(degrees), integers(-45, 45)),
        'sharpness': (enhancer(ImageEnhance.Sharpness), factor),
        'shear_x': (lambda image, k: affine(image, 1, k, 0, 0, 1, 0), slope),
        'shear_y': (lambda image, k: affine(image, 1, 0, 0, k, 1, 0), slope),
        'smooth': (blended(filtered(ImageFilter.SMOOTH)), amount),
        'solarize': (ImageOps.solarize, integers(-20, 276)),
        'translate_x': (lambda image, t: affine(image, 1, 0, t, 0, 1, 0), integers(-12, 12)),
        'translate_y': (lambda image, t: affine(image, 1, 0, 0, 0, 1, t), integers(-12, 12)),
    }


def assert_twin(name, images, parameters):
    """Compares the operation with Pillow's on every image."""
    function = twins()[name][0]
    wanted = [from_pil(function(to_pil(image), *[p[i].item() for p in parameters])) for i, image in enumerate(images)]
    np.testing.assert_array_equal(run(name, images, *parameters), wanted, err_msg=name)


def test_every_operation_has_a_twin():
    assert set(twins()) == set(image_ops.OPERATIONS)


@pytest.mark.parametrize('colors', [1, 3])
@pytest.mark.parametrize('size', SIZES)
def test_equals_pillow(size, colors):
    rng = np.random.RandomState(size[0] * 10 + colors)
    images = pictures(rng, *size, colors)
    for name, (_, draw) in twins().items():
        assert_twin(name, images, draw(rng, len(images), size))


@pytest.mark.parametrize('name, twin', [('autocontrast', ImageOps.autocontrast), ('equalize', ImageOps.equalize),
                                        ('invert', ImageOps.invert),
                                        ('smooth', lambda image: image.filter(ImageFilter.SMOOTH)),
                                        ('blur', lambda image: image.filter(ImageFilter.BLUR))])
def test_without_amount_is_the_full_effect(name, twin):
    images = pictures(np.random.RandomState(0), 32, 32, 3)
    np.testing.assert_array_equal(run(name, images), [from_pil(twin(to_pil(image))) for image in images])


def test_every_rotation():
    for size in (32, 32), (24, 40), (33, 17):
        degrees = np.arange(-45, 46)
        images = np.random.RandomState(0).randint(0, 256, (len(degrees), *size, 1)).astype(np.uint8)
        assert_twin('rotate', images, [degrees])


@pytest.mark.parametrize('size', [8, 28, 32, 96, 224])
def test_every_rescaling_map(size):
    """Each map, up to 96 px; at 224 px one in eight. Rows and columns use the same maps, so images are narrow."""
    maps = np.arange((image_rescale.max_cut(size) + 1) * 6)[::8 if size == 224 else 1]
    images = np.random.RandomState(size).choice([0, 1, 3, 128, 252, 255], (len(maps), 8, size, 1)).astype(np.uint8)
    assert_twin('rescale', images, [maps // 6, 0 * maps, maps % 6])


def test_autocontrast_of_every_range():
    """The float64 table of Pillow for all (low, high): one image each, holding all values between."""
    low, high = np.array([(a, b) for a in range(256) for b in range(a + 1, 256)]).T[:, :, None].astype(np.float64)
    values = np.clip(np.arange(256), low, high)
    scale = 255. / (high - low)
    wanted = np.clip(np.trunc(values * scale + -low * scale), 0, 255)
    out = run('autocontrast', values.reshape(-1, 16, 16, 1).astype(np.uint8))
    np.testing.assert_array_equal(out.reshape(-1, 256), wanted)


def test_no_images_are_no_images():
    images = np.zeros([0, 8, 8, 3], np.uint8)
    rng = np.random.RandomState(0)
    for name, (_, draw) in twins().items():
        assert run(name, images, *[p[:0] for p in draw(rng, 2, (8, 8))]).shape == (0, 8, 8, 3)


def test_blend_truncates_and_clips():
    a, b = pictures(np.random.RandomState(0), 32, 32, 3).reshape(2, 8, 32, 32, 3)
    t = np.array([0, 1, 0.3, 0.37, 0.5, -0.8, 1.7, 2])
    with tf.Graph().as_default(), tf1.Session() as session:
        out = session.run(image_ops.image_pixels.blend(tf.constant(a), tf.constant(b), tf.constant(t)))
    np.testing.assert_array_equal(out, [from_pil(Image.blend(*map(to_pil, pair), k)) for *pair, k in zip(a, b, t)])


# Results on one picture: CRC-32 of the bytes and their sum (recorded with Pillow 9.5 and 13; the same in both).
VECTORS = [
    ('autocontrast', (), 'a33c4487', 370720), ('equalize', (), 'c4096f13', 420134),
    ('invert', (), '84f6cd0b', 360960), ('posterize', (3,), '7aded0f8', 376064),
    ('solarize', (100,), '526a7bae', 215377), ('smooth', (), '24bbd14c', 421985), ('blur', (), '34925a58', 420240),
    ('brightness', (0.575,), 'e7a184eb', 241491), ('color', (1.525,), '484306de', 435188),
    ('contrast', (1.525,), '4a181afd', 442849), ('sharpness', (1.525,), 'c476b487', 422408),
    ('rotate', (17,), '7fb5ed4a', 385644), ('rotate', (-30,), '004ed7a2', 369147),
    ('shear_x', (0.17,), '6eeec9b8', 400490), ('shear_y', (-0.23,), 'ec61869c', 379301),
    ('translate_x', (7,), '8fa0fae6', 357104), ('invert', (0.37,), '733dd9e5', 398128),
    ('rescale', (5, 5, 0), '56edfa62', 468643), ('rescale', (5, 5, 1), '98602ca2', 468808),
    ('rescale', (5, 5, 2), 'b9d27f66', 468850), ('rescale', (5, 5, 3), '3ad5725f', 471040),
    ('rescale', (5, 5, 4), '9be0813d', 469221), ('rescale', (5, 5, 5), '3ad5725f', 471040),
]


@pytest.mark.parametrize('name, parameters, crc, total', VECTORS)
def test_golden_vectors(name, parameters, crc, total):
    y, x = np.mgrid[:32, :32]
    image = (np.stack([7 * x + 3 * y, x * y, 255 - 5 * y], -1) % 256).astype(np.uint8)
    assert f'{zlib.crc32(image.tobytes()):08x}' == '5e953c59'
    out = run(name, image[None], *[np.array([p]) for p in parameters])[0]
    assert (f'{zlib.crc32(out.tobytes()):08x}', out.sum()) == (crc, total)


@pytest.mark.parametrize('name, recorded, parameters', [
    ('flip_lr', 'FlipLR', [True] * 11), ('flip_ud', 'FlipUD', [True] * 11),
    ('crop_bilinear', 'CropBilinear', range(11)), ('blur', 'Blur', [1.] * 11), ('smooth', 'Smooth', [1.] * 11)])
def test_golden_operations_outside_policies(name, recorded, parameters, golden):
    arrays = golden('randaugment_ops')
    wanted = arrays[f'out_lo:{recorded}']
    assert np.all(wanted[..., 3] == 255)
    images = np.concatenate([arrays['images']] * 11)
    out = run(name, images, np.repeat(np.array(parameters), 3))
    np.testing.assert_array_equal(out, wanted.reshape(-1, 32, 32, 4)[..., :3])


def test_apply_each_keeps_rows_together():
    with tf.Graph().as_default(), tf1.Session() as session:
        rng = np.random.RandomState(0)
        x, y, choice = rng.normal(size=(50, 3)), rng.normal(size=50), rng.randint(0, 3, 50)
        functions = [lambda x, y: [x, y], lambda x, y: [x * y[:, None], y + 1], lambda x, y: [-x, y],
                     lambda x, y: [x, y]]
        out = session.run(image_ops.apply_each(functions, tf.constant(choice, tf.int32),
                                                tf.constant(x), tf.constant(y)))
    for i, k in enumerate(choice):
        np.testing.assert_array_equal(out[0][i], [x[i], x[i] * y[i], -x[i]][k])
        assert out[1][i] == [y[i], y[i] + 1, y[i]][k]
