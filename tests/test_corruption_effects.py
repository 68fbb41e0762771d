"""Corruptions with random draws of more than noise: blur, distortion, weather, spatter."""

import math

import corrupted
from corrupted import FLAT, assert_truncated, parameters
from libml import corruption_digital, corruption_filters, corruption_spatter, corruption_weather, corruptions
from libml.image_draws import ImageDraws

import numpy as np
import pytest
from scipy import ndimage

each_severity = pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])


@pytest.fixture(scope='module')
def pictures():
    return corrupted.pictures()


def loop_motion(image, degrees, radius, sigma):
    weights = [math.exp(-i * i / (2 * sigma ** 2)) for i in range(2 * radius + 1)]
    out = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        dx = math.ceil(i * math.cos(math.radians(degrees)) - 0.5)
        dy = math.ceil(i * math.sin(math.radians(degrees)) - 0.5)
        for y in range(32):
            for x in range(32):
                out[y, x] += weight / sum(weights) * image[min(max(y + dy, 0), 31), min(max(x + dx, 0), 31)]
    return out


def test_motion_blur(pictures):
    degrees = [-37., -100.]
    got = corruption_filters.motion_blur(pictures[:2], np.array(degrees), 6, 1.5)
    for image, angle, result in zip(pictures, degrees, got):
        assert np.abs(result - loop_motion(image, angle, 6, 1.5)).max() <= 0.5 + 1e-9
    # A point becomes a line within 45 degrees of a row, as bright in sum.
    point = np.zeros([60, 32, 32, 3], np.uint8)
    point[:, 16, 16] = 255
    line = corruptions.apply('motion_blur', point, 5)[..., 0].astype(float)
    assert np.abs(line.sum((1, 2)) - 255).max() < 6
    _, y, x = np.nonzero(line)
    assert (np.abs(y - 16) <= np.abs(x - 16)).all() and x.max() == 16 and y.max() > 19 and y.min() < 13


def test_glass_copies_from_above_and_left():
    """Without a blur (severity 1) every pixel is one of the 2x2 that end at it, each equally often."""
    place = np.zeros([40, 32, 32, 3], np.uint8)
    place[..., 0], place[..., 1] = 8 * np.arange(32)[:, None], 8 * np.arange(32)
    moved = place.astype(int) - corruptions.apply('glass_blur', place, 1)
    down, right = moved[..., 0], moved[..., 1]
    assert not down[:, :2].any() and not right[:, :2].any() and not down[:, :, :2].any()
    for inner in (down[:, 2:, 2:], right[:, 2:, 2:]):
        assert set(np.unique(inner)) == {0, 8} and abs(inner.mean() - 4) < 0.05
    assert np.mean(down[:, 2:, 2:] * right[:, 2:, 2:]) == pytest.approx(64 / 4, rel=0.03)
    # What the first and last steps of severity 5 do to a flat picture is nothing.
    np.testing.assert_array_equal(corruptions.apply('glass_blur', FLAT[:2], 5), FLAT[:2])


def test_affine_map_moves_the_corners():
    shift = parameters('elastic_transform', 1)[2]
    y, x = np.mgrid[:32, :32]
    ramp = np.stack([8 * x, 8 * y, 0 * x], -1).astype(np.uint8)[None].repeat(20, 0)
    got = corruption_digital.elastic(ramp, ImageDraws(0, 'a', range(20)), 0, 0, shift)
    moved = corruption_digital.CORNERS + ImageDraws(0, 'a', range(20)).uniform(-shift, shift, [3, 2])
    assert 1 < np.abs(moved - corruption_digital.CORNERS).max() <= 2.56
    for image, points in zip(got, moved):
        for channel in (0, 1):
            value = ndimage.map_coordinates(image[..., channel].astype(float), points.T[::-1], order=1)
            np.testing.assert_allclose(value * 255 / 8, [[26, 26, 6], [26, 6, 6]][channel], atol=1e-3)


@pytest.mark.parametrize('border', ['mirror', 'reflect'])
def test_samples_between_pixels(pictures, border):
    x = (pictures[:3] / 255).astype(np.float32)
    rows, columns = np.random.RandomState(0).uniform(-9, 40, [2, 3, 32, 32])
    got = corruption_digital.bilinear(x, rows, columns, border)
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
        got = corruption_digital.elastic(ramp, ImageDraws(0, 'a', range(30)), alpha, sigma, 0) * 255 / 8
        d = (got[..., :2] - ramp[0, ..., :2] / 8)[:, 6:-6, 6:-6]
        spread.append(d.std())
        # Uniform noise under a Gaussian of sigma pixels: standard deviation alpha / sqrt(3) / (2 sigma sqrt(pi)).
        assert spread[-1] == pytest.approx(alpha / math.sqrt(3) / (2 * sigma * math.sqrt(math.pi)), rel=0.25)
        assert np.abs(d[:, 1:] - d[:, :-1]).mean() < 0.85 * d.std()
    assert spread == sorted(spread)


def test_plasma_by_loops():
    """Diamond-square on a torus, point by point; noise as drawn by the module."""
    draws = ImageDraws(5, 'plasma', range(2))
    fields, step, amplitude = np.zeros([2, 32, 32]), 32, 100.
    while step > 1:
        half = step // 2
        random = draws.uniform(-amplitude, amplitude, [3, 32 // step, 32 // step]) * amplitude
        for m, (centre, right, down) in zip(fields, random):
            for i in range(0, 32, step):
                for j in range(0, 32, step):
                    around = [m[(i + a) % 32, (j + b) % 32] for a in (0, step) for b in (0, step)]
                    m[i + half, j + half] = sum(around) / 4 + centre[i // step, j // step]
            for i in range(0, 32, step):
                for j in range(0, 32, step):
                    # Between two corners in a row, and between two in a column; the others are centres.
                    m[i, j + half] = (m[i, j] + m[i, (j + step) % 32] + m[i + half, j + half]
                                      + m[i - half, j + half]) / 4 + right[i // step, j // step]
                    m[i + half, j] = (m[i, j] + m[(i + step) % 32, j] + m[i + half, j + half]
                                      + m[i + half, j - half]) / 4 + down[i // step, j // step]
        step, amplitude = half, amplitude / 1.75
    fields -= fields.min((1, 2), keepdims=True)
    fields /= fields.max((1, 2), keepdims=True)
    got = corruption_weather.plasma(ImageDraws(5, 'plasma', range(2)), 32, 1.75)
    np.testing.assert_allclose(got, fields, atol=1e-12)


@each_severity
def test_fog(pictures, severity):
    strength, decay = [(.2, 3), (.5, 3), (.75, 2.5), (1, 2), (1.5, 1.75)][severity - 1]
    field = corruption_weather.plasma(ImageDraws(1, f'fog/{severity}', range(24)), 32, decay)[..., None]
    x = pictures / 255.
    largest = np.array([image.max() for image in x])[:, None, None, None]
    got = corruptions.apply('fog', pictures, severity, seed=1)
    assert_truncated(got, (x + strength * field) * largest / (largest + strength))
    assert (got.max((1, 2, 3)) <= pictures.max((1, 2, 3))).all() and not corruptions.apply('fog', 0 * FLAT[:1], 5).any()


@each_severity
def test_snow(severity):
    mean, std, factor, threshold, radius, sigma, keep = parameters('snow', severity)
    draws = ImageDraws(1, f'snow/{severity}', range(100))
    flakes = corruption_filters.zoomed(draws.normal(mean, std, [32, 32]), factor)
    flakes[flakes < threshold] = 0
    flakes = np.trunc(255 * np.clip(flakes, 0, 1)).astype(np.uint8)
    angles = draws.uniform(-135, -45, [])
    got = corruptions.apply('snow', np.uint8([200, 40, 90]) * np.ones_like(FLAT), severity, seed=1)
    x = np.array([200, 40, 90]) / 255
    pale = keep * x + (1 - keep) * np.maximum(x, 1.5 * (.299 * x[0] + .587 * x[1] + .114 * x[2]) + .5)
    for image, layer, angle in zip(got[:3], flakes, angles):
        layer = np.floor(loop_motion(layer, angle, radius, sigma) + 0.5) / 255
        assert_truncated(image, pale + (layer + np.rot90(layer, 2))[..., None])
    assert (got >= np.floor(pale * 255)).all() and got.std() > 5


def test_frost_is_bright_bluish_and_weighted():
    black = 0 * FLAT[:50]
    for severity, (weight, weight_frost) in enumerate([(1, .2), (1, .3), (.9, .4), (.85, .4), (.75, .45)], 1):
        ice = (corruptions.apply('frost', black, severity) + 0.5) / 255 / weight_frost
        on_grey = corruptions.apply('frost', FLAT[:50], severity) / 255 - 128 / 255 * weight
        on_grey = np.where(on_grey + 128 / 255 * weight < 0.99, on_grey / weight_frost, ice)
        np.testing.assert_allclose(on_grey, ice, atol=0.025)  # bytes
        assert ice.max() < 1.02 and 0.45 < ice.mean() < 0.8 and ice.std() > 0.15
        red, green, blue = ice.mean((0, 1, 2))
        assert red < green < blue < 1.2 * red


def test_mud():
    grey = corruptions.apply('spatter', FLAT, 4)
    mud = np.array([63, 42, 20])
    covered = grey[..., 0] != 128
    assert 0.002 < covered.mean() < 0.2
    # Only what is covered by 0.8 or more is changed; a half byte is truncated.
    cover = (128 - grey[covered]) / (128 - mud)
    assert cover.min() > 0.79 and cover.max() < 1.02


def test_water():
    black = corruptions.apply('spatter', 0 * FLAT, 3)
    brightest = black.max((1, 2))
    assert (brightest == np.floor(0.5 * np.array([175, 238, 238]))).all()
    wet = black[black[..., 1] > 20]
    np.testing.assert_allclose(wet / wet[:, 1:2], [[175 / 238, 1, 1]] * len(wet), atol=0.06)
    assert 0.02 < np.mean(black > 0) < 0.4
    # No drop anywhere: nothing happens.
    x = corruption_spatter.spatter(FLAT[:2], ImageDraws(0, '', range(2)), 0.1, .01, .7, .7, .5, False)
    np.testing.assert_array_equal(x, FLAT[:2] / 255)


def test_edges():
    """Values worked out by hand from the definition of Canny's detector."""
    x = np.zeros([3, 32, 32], np.uint8)
    x[0, :, 16:] = 37   # gradient 148: between the thresholds
    x[1, :, 16:] = 38   # 152: above
    x[2, :16, 16:], x[2, 16:, 16:] = 38, 30  # 120 below, connected to 152 above
    edges = corruption_spatter.canny(x, 50, 150)
    assert not edges[0].any()
    rows = np.zeros([32, 32], bool)
    rows[:, 15] = True  # Of two equal neighbours the first is the peak.
    np.testing.assert_array_equal(edges[1], rows)
    assert edges[2].any(1).all()
    # Slopes along a diagonal are thin too, in both directions.
    y, x45 = np.mgrid[:32, :32]
    for side in (x45 > y, x45 + y > 31):
        edge = corruption_spatter.canny(80 * side[None].astype(np.uint8), 50, 150)[0]
        assert edge[4:28].any(1).all() and edge[4:28].sum(1).max() <= 2
    lower = np.where(x[2:] > 0, x[2:] - 8, 0).astype(np.uint8)  # 120 and 88
    assert not corruption_spatter.canny(lower, 50, 150).any()


def test_distances_and_equalisation():
    edges = np.zeros([2, 32, 32], bool)
    edges[0, 10, 10] = True
    d = corruption_spatter.distances(edges)
    assert (d[1] == 20).all()
    y, x = np.abs(np.mgrid[:32, :32] - 10)
    np.testing.assert_allclose(d[0], np.minimum(np.hypot(y, x), 20), rtol=0.025)
    assert d[0, 10, 15] == 5 and d[0, 12, 12] == pytest.approx(2.8) and d[0, 11, 12] == pytest.approx(2.1969)
    values = np.repeat(np.array([10, 20, 30, 40], np.uint8), 256).reshape(1, 32, 32)
    out = corruption_spatter.equalized(np.concatenate([values, 0 * values + 7]))
    assert np.unique(out[0]).tolist() == [0, 85, 170, 255] and (out[1] == 7).all()
