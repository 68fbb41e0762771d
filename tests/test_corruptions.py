"""The registry of corruptions, those without random draws against their formulas, noise against its distribution."""

import io
import math

import corrupted
from corrupted import FLAT, assert_truncated, parameters
from libml import corrupted_set, corruption_blur, corruption_filters, corruptions
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from PIL import Image
from scipy import ndimage

each_severity = pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])


@pytest.fixture(scope='module')
def pictures():
    return corrupted.pictures()


def test_names_and_tables():
    assert tuple(corruptions.CORRUPTIONS) == corrupted_set.NAMES and len(corrupted_set.NAMES) == 19
    assert len(corrupted_set.BENCHMARK) == 15
    assert all(len(entry) == 6 for entry in corruptions.CORRUPTIONS.values())
    # Parameter by parameter, severity 1 to 5, of those whose tests take the parameters from the table.
    published = dict(
        glass_blur=[(.05, .25, .4, .25, .4), (1, 1, 1, 1, 1), (1, 1, 1, 2, 2)],
        motion_blur=[(6, 6, 6, 8, 9), (1, 1.5, 2, 2, 2.5)],
        snow=[(.1, .1, .15, .25, .3), (.2, .2, .3, .3, .3), (1, 1, 1.75, 2.25, 1.25), (.6, .5, .55, .6, .65),
              (8, 10, 10, 12, 14), (3, 4, 4, 6, 12), (.95, .9, .9, .85, .8)],
        elastic_transform=[(0, 1.6, 2.56, 3.2, 3.2), (0, 6.4, 1.92, 1.28, .96), (2.56, 2.24, 1.92, 1.6, .96)],
        spatter=[(.62, .65, .65, .65, .65), (.1, .1, .3, .1, .1), (.7, .8, 1, .7, .5), (.7, .7, .69, .69, .68),
                 (.5, .5, .5, .6, .6), (0, 0, 0, 1, 1)])
    for name, columns in published.items():
        assert list(corruptions.CORRUPTIONS[name][1:]) == list(zip(*columns)), name


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


@each_severity
def test_defocus(pictures, severity):
    x = np.pad(pictures / 255., [(0, 0), (1, 1), (1, 1), (0, 0)], mode='reflect')
    if severity <= 3:
        e = [.0439369, .1353353, .2493522][severity - 1]
        x = (e * x[:, :-2] + x[:, 1:-1] + e * x[:, 2:]) / (1 + 2 * e)
        x = (e * x[:, :, :-2] + x[:, :, 1:-1] + e * x[:, :, 2:]) / (1 + 2 * e)
        eps = 1e-4
    elif severity == 4:
        middle = slice(1, -1)
        x = (x[:, middle, middle] + x[:, :-2, middle] + x[:, 2:, middle] + x[:, middle, :-2] + x[:, middle, 2:]) / 5
        eps = 255 * 4 * 3.8e-6  # the blurred edge of the disk
    else:
        x = sum(x[:, i:i + 32, j:j + 32] for i in range(3) for j in range(3)) / 9
        eps = 1e-9
    assert_truncated(corruptions.apply('defocus_blur', pictures, severity), x, eps)


def gaussian(x, sigma):
    """Gaussian filter of [n, 32, 32, 3] with extended edges, as sums over shifted images."""
    radius = int(4 * sigma + 0.5)
    weights = [math.exp(-i * i / (2 * sigma ** 2)) for i in range(-radius, radius + 1)]
    for axis in (1, 2):
        padded = np.pad(x, [(radius, radius) if a == axis else (0, 0) for a in range(4)], mode='edge')
        x = sum(w * padded.take(range(i, i + 32), axis) for i, w in enumerate(weights)) / sum(weights)
    return x


@each_severity
def test_gaussian_blur(pictures, severity):
    x = gaussian(pictures / 255., [.4, .6, .7, .8, 1][severity - 1])
    assert_truncated(corruptions.apply('gaussian_blur', pictures, severity), x)


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


@pytest.mark.parametrize('severity, count', [(1, 7), (2, 12), (3, 16), (4, 21), (5, 26)])
def test_zoom_blur(pictures, severity, count):
    factors = corruption_blur.zoom_factors(*parameters('zoom_blur', severity))
    assert len(factors) == count
    np.testing.assert_allclose(factors, [1 + 0.01 * i for i in range(count)])
    for image, got in zip(pictures[:4], corruptions.apply('zoom_blur', pictures[:4], severity)):
        x = image / 255.
        total = x.copy()
        for factor in factors:
            size = math.ceil(32 / factor)
            first = (32 - size) // 2
            large = ndimage.zoom(x[first:first + size, first:first + size], (factor, factor, 1), order=1)
            trim = (len(large) - 32) // 2
            total += large[trim:trim + 32, trim:trim + 32]
        assert_truncated(got, total / (count + 1), 2e-4)  # The corruption is one of float32.


def test_sizes_of_zoomed_snow():
    factors = [parameters('snow', severity)[2] for severity in (1, 3, 4, 5)]
    assert factors == [1, 1.75, 2.25, 1.25]
    assert [corruption_filters.zoom_sizes(32, factor) for factor in factors] == [(32, 32), (19, 33), (15, 34), (26, 32)]
    x = np.random.RandomState(0).rand(32, 32)
    large = ndimage.zoom(x[8:23, 8:23], 2.25, order=1)
    np.testing.assert_allclose(corruption_filters.zoomed(x, 2.25), large[1:33, 1:33], atol=1e-12)


def noise(name, severity, images=FLAT):
    """Difference to the truncated original in units where 1 is white, without the half byte that truncation takes."""
    return (corruptions.apply(name, images, severity).astype(float) + 0.5 - images) / 255


@each_severity
def test_noise_by_its_distribution(severity):
    x = 128 / 255
    for name, std in (('gaussian_noise', [.04, .06, .08, .09, .10][severity - 1]),
                      ('shot_noise', math.sqrt(x / [500, 250, 100, 75, 50][severity - 1])),
                      ('speckle_noise', x * [.06, .1, .12, .16, .2][severity - 1])):
        d = noise(name, severity)
        assert abs(d.mean()) < 1e-3 and d.std() == pytest.approx(std, rel=0.02), name
        assert np.abs(np.corrcoef(d.reshape(-1, 3).T) - np.eye(3)).max() < 0.02
    # Poisson counts: steps of 1 / photons; Gaussian noise is symmetric.
    photons = [500, 250, 100, 75, 50][severity - 1]
    got = corruptions.apply('shot_noise', FLAT, severity)
    counts = np.unique(np.rint((got + 0.5) / 255 * photons))
    np.testing.assert_array_equal(np.unique(got), np.floor(counts / photons * 255))
    assert abs(np.mean(noise('gaussian_noise', severity) > 0) - 0.5) < 0.005


def test_noise_follows_the_value():
    dark = np.full([50, 32, 32, 3], 32, np.uint8)
    assert noise('speckle_noise', 5, dark).std() == pytest.approx(32 / 255 * .2, rel=0.01)
    assert noise('shot_noise', 1, dark).std() == pytest.approx(math.sqrt(32 / 255 / 500), rel=0.02)
    black = np.zeros_like(dark)
    for name in ('speckle_noise', 'shot_noise'):
        assert not corruptions.apply(name, black, 5).any()


@each_severity
def test_impulse_noise(severity):
    amount = [.01, .02, .03, .05, .07][severity - 1]
    got = corruptions.apply('impulse_noise', FLAT, severity)
    shares = [np.mean(got == value) for value in (0, 128, 255)]
    np.testing.assert_allclose(shares, [amount / 2, 1 - amount, amount / 2], atol=0.001)
    changed = got != 128
    assert np.mean(changed[..., 0] & changed[..., 1]) == pytest.approx(amount ** 2, abs=0.001)


@pytest.mark.parametrize('name', corrupted_set.NAMES)
def test_seeds_positions_and_severities(pictures, monkeypatch, name):
    whole = {severity: corruptions.apply(name, pictures, severity, seed=3) for severity in (1, 5)}
    assert whole[5].shape == pictures.shape and whole[5].dtype == np.uint8
    # An image's bytes depend on its position only: not on the others, nor on how many are treated at once.
    monkeypatch.setattr(corruptions, 'CHUNK', 5)
    np.testing.assert_array_equal(corruptions.apply(name, pictures, 5, seed=3), whole[5])
    np.testing.assert_array_equal(corruptions.apply(name, pictures[17:18], 5, seed=3, first=17), whole[5][17:18])
    is_random = name not in ('defocus_blur', 'zoom_blur', 'brightness', 'contrast', 'pixelate', 'jpeg_compression',
                             'gaussian_blur', 'saturate')
    for other in (corruptions.apply(name, pictures, 5, seed=4), corruptions.apply(name, pictures, 5, seed=3, first=1)):
        assert (other != whole[5]).any() == is_random
        assert not is_random or (other != whole[5]).any((1, 2, 3)).mean() > 0.9
    distance = {s: np.abs(out.astype(int) - pictures).mean() for s, out in whole.items()}
    assert name == 'elastic_transform' or distance[5] > 1.2 * distance[1] > 0
    assert (whole[5] != pictures).any((1, 2, 3)).all() or name == 'spatter'


def test_bad_input(pictures):
    with pytest.raises(InputError, match="unknown corruption 'rain': choose from gaussian_noise, .*, saturate"):
        corruptions.apply('rain', pictures, 1)
    for severity in (0, 6, 2.5, '3'):
        with pytest.raises(InputError, match=f'severity {severity}: choose'):
            corruptions.apply('fog', pictures, severity)
    for images in (pictures[:, :28, :28], pictures[..., :1], pictures / 255, np.zeros([2, 96, 96, 3], np.uint8)):
        with pytest.raises(InputError, match='defined for uint8 .n, 32, 32, 3.'):
            corruptions.apply('fog', images, 1)
    assert corruptions.apply('fog', pictures[:0], 1).shape == (0, 32, 32, 3)
