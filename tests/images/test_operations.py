"""Image operations against Pillow itself, byte for byte, on pictures of every kind and size."""

import zlib

from libml.images import operations
from pillow_twins import TWINS, assert_twin, pictures, run

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1
# Height, width, colors.
SHAPES = [(8, 8, 1), (8, 8, 3), (28, 28, 1), (32, 32, 3), (96, 96, 3), (24, 40, 1), (24, 40, 3)]


def test_every_operation_has_a_twin():
    assert set(TWINS) == set(operations.OPERATIONS)


@pytest.mark.parametrize('height, width, colors', SHAPES)
def test_equals_pillow(height, width, colors):
    rng = np.random.RandomState(height * 10 + colors)
    images = pictures(rng, height, width, colors)
    for name, (_, draw) in TWINS.items():
        assert_twin(name, images, draw(rng, len(images), (height, width)))


def test_no_images_are_no_images():
    images = np.zeros([0, 8, 8, 3], np.uint8)
    rng = np.random.RandomState(0)
    for name, (_, draw) in TWINS.items():
        assert run(name, images, *[p[:0] for p in draw(rng, 2, (8, 8))]).shape == (0, 8, 8, 3)


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
        out = session.run(operations.apply_each(functions, tf.constant(choice, tf.int32),
                                                tf.constant(x), tf.constant(y)))
    for i, k in enumerate(choice):
        np.testing.assert_array_equal(out[0][i], [x[i], x[i] * y[i], -x[i]][k])
        assert out[1][i] == [y[i], y[i] + 1, y[i]][k]
