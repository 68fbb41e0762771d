"""Snow, frost and fog, on their own draws."""

from corrupted import FLAT, assert_truncated, parameters
from libml.corruptions import filters, weather
from libml.corruptions import table as corruptions
from libml.corruptions.draws import ImageDraws
from motion_by_hand import loop_motion

import numpy as np
import pytest

each_severity = pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])


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
    got = weather.plasma(ImageDraws(5, 'plasma', range(2)), 32, 1.75)
    np.testing.assert_allclose(got, fields, atol=1e-12)


@each_severity
def test_fog(pictures, severity):
    strength, decay = [(.2, 3), (.5, 3), (.75, 2.5), (1, 2), (1.5, 1.75)][severity - 1]
    field = weather.plasma(ImageDraws(1, f'fog/{severity}', range(24)), 32, decay)[..., None]
    x = pictures / 255.
    largest = np.array([image.max() for image in x])[:, None, None, None]
    got = corruptions.apply('fog', pictures, severity, seed=1)
    assert_truncated(got, (x + strength * field) * largest / (largest + strength))
    assert (got.max((1, 2, 3)) <= pictures.max((1, 2, 3))).all() and not corruptions.apply('fog', 0 * FLAT[:1], 5).any()


@each_severity
def test_snow(severity):
    mean, std, factor, threshold, radius, sigma, keep = parameters('snow', severity)
    draws = ImageDraws(1, f'snow/{severity}', range(100))
    flakes = filters.zoomed(draws.normal(mean, std, [32, 32]), factor)
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
