"""Weather: snow, frost, fog."""

from libml.corruptions.filters import gaussian_filter, motion_blur, to_bytes, zoomed

import numpy as np

GREY = np.array([0.299, 0.587, 0.114])
FROST_TINT = np.array([0.86, 0.94, 1.])


def snow(images, draws, mean, std, factor, threshold, radius, sigma, keep):
    """A paler picture, and flakes that fall in one direction, seen a second time turned by 180 degrees."""
    x = images / 255
    flakes = zoomed(draws.normal(mean, std, x.shape[1:3]), factor)
    flakes = to_bytes(np.where(flakes < threshold, 0, flakes))[..., None]
    flakes = motion_blur(flakes, draws.uniform(-135, -45, []), radius, sigma) / 255
    pale = np.maximum(x, 1.5 * (x @ GREY)[..., None] + 0.5)
    return keep * x + (1 - keep) * pale + flakes + flakes[:, ::-1, ::-1]


def frost(images, draws, weight, weight_frost):
    """A weighted sum of the picture and of frost on a window.

    The published frost is cut out of photographs; here it is made (`frost_texture`), so that numbers on it can be
    compared with each other but not with published ones.
    """
    return weight * images / 255 + weight_frost * frost_texture(draws, images.shape[1])


def frost_texture(draws, side):
    """Frost float64 [n, side, side, 3] in [0, 1]: patches (a smooth plasma), grains (a rough one without its coarse
    part) and stars of needles in six directions, the symmetry of ice."""
    patches = plasma(draws, side, 2)
    rough = plasma(draws, side, 1.2)
    grains = rough - gaussian_filter(rough, 2)
    seeds = to_bytes(draws.uniform(0, 1, [side, side, 1]) > 0.98)
    first = draws.uniform(0, 360, [])
    needles = sum(motion_blur(seeds, first + turn, 7, 4) / 255 for turn in range(0, 360, 60))[..., 0]
    ice = 0.2 + 0.5 * patches + 0.3 * grains + 3.5 * needles * (0.3 + 0.7 * patches)
    return np.clip(ice, 0, 1)[..., None] * FROST_TINT


def fog(images, draws, strength, decay):
    """Adds a plasma and darkens the sum so that its largest possible value is the largest of the picture."""
    x = images / 255
    largest = x.max((1, 2, 3), keepdims=True)
    return (x + strength * plasma(draws, x.shape[1], decay)[..., None]) * largest / (largest + strength)


def plasma(draws, side, decay):
    """Fractal noise [n, side, side] in [0, 1] by diamond-square on a torus; `side` is a power of 2.

    Args:
        decay: by how much the amplitude's root shrinks from one scale to the next finer one.
    """
    field = np.zeros([len(draws.generators), side, side])
    step, amplitude = side, 100.
    while step >= 2:
        half = step // 2
        corners = field[:, ::step, ::step]
        noise = amplitude * draws.uniform(-amplitude, amplitude, [3, side // step, side // step])
        total = corners + np.roll(corners, -1, 1)
        total = total + np.roll(total, -1, 2)
        centres = total / 4 + noise[:, 0]
        above = centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 2)
        left = centres + np.roll(centres, 1, 2) + corners + np.roll(corners, -1, 1)
        field[:, half::step, half::step] = centres
        field[:, ::step, half::step] = above / 4 + noise[:, 1]
        field[:, half::step, ::step] = left / 4 + noise[:, 2]
        step, amplitude = half, amplitude / decay
    field -= field.min((1, 2), keepdims=True)
    return field / field.max((1, 2), keepdims=True)
