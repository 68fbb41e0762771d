"""Changes after the lens against other libraries' formulas, distortion against scipy."""

import io
import math

from corrupted import assert_truncated, parameters
from libml.corruptions import digital
from libml.corruptions import table as corruptions
from libml.corruptions.draws import ImageDraws

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from PIL import Image
from scipy import ndimage

each_severity = pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])


@each_severity
def test_contrast(pictures, severity):
    factor = [.75, .5, .4, .3, .15][severity - 1]
    x = pictures / 255.
    mean = np.array([[channel.mean() for channel in np.rollaxis(image, 2)] for image in x])[:, None, None]
    assert_truncated(corruptions.apply('contrast', pictures, severity), (x - mean) * factor + mean)


def with_grey(pictures):
    pictures = pictures.copy()
    pictures[:, 3:9, 3:9] = pictures[:, 3:9, 3:9, :1]
    pictures[:, 0, 0] = 0
    return pictures


@each_severity
def test_brightness_and_saturate(pictures, severity):
    pictures = with_grey(pictures)
    hsv = rgb_to_hsv(pictures / 255.)
    hsv[..., 2] = np.clip(hsv[..., 2] + [.05, .1, .15, .2, .3][severity - 1], 0, 1)
    assert_truncated(corruptions.apply('brightness', pictures, severity), hsv_to_rgb(hsv))
    hsv = rgb_to_hsv(pictures / 255.)
    factor, add = [(.3, 0), (.1, 0), (1.5, 0), (2, .1), (2.5, .2)][severity - 1]
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + add, 0, 1)
    assert_truncated(corruptions.apply('saturate', pictures, severity), hsv_to_rgb(hsv))


def box(x, size):
    """Means along axis 1 of the pixels whose centres lie within half a cell of each of `size` cells, rounded."""
    n = x.shape[1]
    cell = n / size
    out = []
    for j in range(size):
        centre = (j + 0.5) * cell
        inside = [i for i in range(n) if -0.5 * max(cell, 1) < i + 0.5 - centre <= 0.5 * max(cell, 1)]
        out.append(np.floor(x[:, inside].mean(1) + 0.5))
    return np.stack(out, 1)


@each_severity
def test_pixelate(pictures, severity):
    size = [30, 28, 27, 24, 20][severity - 1]
    x = pictures.astype(np.float64)
    for n in (size, 32):
        x = box(box(x.swapaxes(1, 2), n).swapaxes(1, 2), n)
    np.testing.assert_array_equal(corruptions.apply('pixelate', pictures, severity), x)


@each_severity
def test_jpeg(pictures, severity):
    """The bytes of TensorFlow's coder, which has its own defaults."""
    quality = [80, 65, 58, 50, 40][severity - 1]
    got = corruptions.apply('jpeg_compression', pictures, severity)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder(tf.uint8, [32, 32, 3])
        stored = tf.io.encode_jpeg(image, quality=quality, chroma_downsampling=True)
        out = tf.io.decode_jpeg(stored, dct_method='INTEGER_ACCURATE')
        for picture, result in zip(pictures, got):
            np.testing.assert_array_equal(session.run(out, {image: picture}), result)
    file = io.BytesIO()
    Image.fromarray(pictures[0]).save(file, 'JPEG', quality=quality)
    np.testing.assert_array_equal(np.asarray(Image.open(file)), got[0])


def test_affine_map_moves_the_corners():
    shift = parameters('elastic_transform', 1)[2]
    y, x = np.mgrid[:32, :32]
    ramp = np.stack([8 * x, 8 * y, 0 * x], -1).astype(np.uint8)[None].repeat(20, 0)
    got = digital.elastic(ramp, ImageDraws(0, 'a', range(20)), 0, 0, shift)
    moved = digital.CORNERS + ImageDraws(0, 'a', range(20)).uniform(-shift, shift, [3, 2])
    assert 1 < np.abs(moved - digital.CORNERS).max() <= 2.56
    for image, points in zip(got, moved):
        for channel in (0, 1):
            value = ndimage.map_coordinates(image[..., channel].astype(float), points.T[::-1], order=1)
            np.testing.assert_allclose(value * 255 / 8, [[26, 26, 6], [26, 6, 6]][channel], atol=1e-3)


@pytest.mark.parametrize('border', ['mirror', 'reflect'])
def test_samples_between_pixels(pictures, border):
    x = (pictures[:3] / 255).astype(np.float32)
    rows, columns = np.random.RandomState(0).uniform(-9, 40, [2, 3, 32, 32])
    got = digital.bilinear(x, rows, columns, border)
    for image, r, c, result in zip(x, rows, columns, got):
        expected = [ndimage.map_coordinates(plane, [r, c], order=1, mode=border) for plane in np.rollaxis(image, 2)]
        np.testing.assert_allclose(result, np.stack(expected, -1), atol=1e-6)


def test_elastic_field_is_smooth_and_small():
    """The position of a pixel before the displacement, from a picture of positions and no affine map."""
    y, x = np.mgrid[:32, :32]
    ramp = np.stack([8 * x, 8 * y, 0 * x], -1).astype(np.uint8)[None].repeat(30, 0)
    spread = []
    for severity in (2, 3, 4, 5):
        alpha, sigma, _ = parameters('elastic_transform', severity)
        got = digital.elastic(ramp, ImageDraws(0, 'a', range(30)), alpha, sigma, 0) * 255 / 8
        d = (got[..., :2] - ramp[0, ..., :2] / 8)[:, 6:-6, 6:-6]
        spread.append(d.std())
        # Uniform noise under a Gaussian of sigma pixels: standard deviation alpha / sqrt(3) / (2 sigma sqrt(pi)).
        assert spread[-1] == pytest.approx(alpha / math.sqrt(3) / (2 * sigma * math.sqrt(math.pi)), rel=0.25)
        assert np.abs(d[:, 1:] - d[:, :-1]).mean() < 0.85 * d.std()
    assert spread == sorted(spread)
