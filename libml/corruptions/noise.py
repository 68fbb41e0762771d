"""Noise: of sensors, of few photons, of broken pixels."""

import numpy as np


def gaussian(images, draws, std):
    """Adds N(0, std) to every value."""
    return images / 255 + draws.normal(0, std, images.shape[1:])


def shot(images, draws, photons):
    """Every value becomes a count of photons, on average `photons` for white."""
    return draws.poisson(images / 255 * photons) / photons


def impulse(images, draws, amount):
    """A value becomes 0 or 1, each with probability amount / 2; the three channels are drawn apart."""
    u = draws.uniform(0, 1, images.shape[1:])
    return np.where(u < amount / 2, 0, np.where(u < amount, 1, images / 255))


def speckle(images, draws, std):
    """Noise in proportion to the value: x + x N(0, std)."""
    x = images / 255
    return x + x * draws.normal(0, std, images.shape[1:])
