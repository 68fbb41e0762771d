"""Noise against its distribution."""

import math

from corrupted import FLAT
from libml.corruptions import table as corruptions

import numpy as np
import pytest

each_severity = pytest.mark.parametrize('severity', [1, 2, 3, 4, 5])


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
