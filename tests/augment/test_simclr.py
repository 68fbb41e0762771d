"""The views of SimCLR against plain numpy, on their own draws."""

from libml.augment import simclr as augment_simclr
from libml.draws import Draws
from libml.images import resampling
from planes_by_hand import IMAGES, UNIT, changed, fresh_graph, images_of, planes, run

import numpy as np
import pytest
import tensorflow as tf

graph = pytest.fixture(autouse=True)(fresh_graph)


def at(image, y, x):
    """Bilinear interpolation at a place of an image that is reflected around its edges, which are repeated."""
    padded = np.pad(image, [(12, 12), (10, 10), (0, 0)], 'symmetric')
    y, x = y + 12, x + 10
    i, j = int(np.floor(y)), int(np.floor(x))
    return sum(padded[i + di, j + dj] * abs(1 - di - (y - i)) * abs(1 - dj - (x - j)) for di in (0, 1) for dj in (0, 1))


def test_affine_view():
    draws = Draws(3, 7)
    z = 1 - np.sqrt(0.25)
    view = augment_simclr.affine(tf.constant(IMAGES), draws, True, 0.25, 0.6, 0.2)
    view, dy, dx, sy, sx, flip, light, mixture = run(
        view, *[draws.uniform(f'shift_{axis}', [6, 1], -z / 2, z / 2) for axis in 'yx'],
        *[draws.uniform(f'zoom_{axis}', [6, 1], 1 - z, 1.) for axis in 'yx'], draws.uniform('mirror', [6]) < 0.5,
        draws.uniform('brightness', [6, 1, 1], -0.6, 0.6), draws.uniform('jitter', [6, 3, 3], -0.2, 0.2))
    assert 0 < flip.sum() < 6 and view.dtype == np.float32
    for i, image in enumerate(UNIT):
        image = image[:, ::-1] if flip[i] else image
        # c + (y - c) s - d
        ys = 5.5 + (np.arange(12) - 5.5) * sy[i] - dy[i] * 12
        xs = 4.5 + (np.arange(10) - 4.5) * sx[i] - dx[i] * 10
        moved = np.array([[at(image, y, x) for x in xs] for y in ys])
        matrix = (1 + light[i, 0, 0]) * np.eye(3) + mixture[i]
        np.testing.assert_allclose(view[i], np.clip(moved @ matrix, 0, 1) * 2 - 1, atol=1e-5)


def test_affine_view_of_the_whole_picture_is_the_picture():
    view = augment_simclr.affine(tf.constant(IMAGES), Draws(0, 0), False, 1., 0., 0.)
    np.testing.assert_allclose(run(view)[0], UNIT * 2 - 1, atol=1e-6)


def test_crop_windows():
    draws = Draws(1, 2)
    top, left, rows, columns = run(*augment_simclr.crop_windows(draws, 4000, 32, 40))
    area, aspect = rows * columns / (32 * 40), columns / rows
    assert min(top.min(), left.min()) == 0 and (top + rows).max() == 32 and (left + columns).max() == 40
    assert 0.06 < area.min() < 0.1 and area.max() > 0.9 and aspect.min() > 0.65 and aspect.max() < 1.5
    assert 0.4 < area.mean() < 0.54  # Large windows of the wrong form do not fit: a little below the middle of 0.08..1.
    assert abs(np.log(aspect).mean()) < 0.06


def test_crop_windows_by_hand():
    """Of ten draws the first that fits; at 12x60 many do not."""
    draws, n, height, width = Draws(3, 1), 500, 12, 60
    area, aspect = draws.uniform('area', [n, 10], 0.08, 1.), draws.uniform('aspect', [n, 10], *np.log([3 / 4, 4 / 3]))
    corners = tf.stack([draws.uniform(name, [n]) for name in ('top', 'left')], 1)
    area, aspect, places, windows = run(area, aspect, corners,
                                        tf.stack(augment_simclr.crop_windows(draws, n, height, width), 1))
    late = 0
    for i, window in enumerate(windows):
        sizes = [tuple(int(np.rint(np.sqrt(a * height * width * np.exp(sign * r)))) for sign in (-1, 1))
                 for a, r in zip(area[i], aspect[i])]
        fitting = [(rows, columns) for rows, columns in sizes if rows <= height and columns <= width]
        rows, columns = fitting[0] if fitting else (min(sizes[0][0], height), min(sizes[0][1], width))
        late += bool(fitting) and fitting[0] != sizes[0]
        expected = [int(places[i, 0] * (height - rows + 1)), int(places[i, 1] * (width - columns + 1)), rows, columns]
        assert window.tolist() == expected, i
    assert late > 100


def test_simclr_view_is_composed_of_its_parts():
    draws = Draws(5, 1)
    view = augment_simclr.simclr(tf.constant(IMAGES), draws, True, 0.5, True)
    top, left, rows, columns = augment_simclr.crop_windows(draws.within('crop'), 6, 12, 10)
    flip = draws.uniform('mirror', [6]) < 0.5
    flipped = tf.where(flip[:, None, None, None], tf.reverse(planes(), [3]), planes())
    crops = resampling.resample(flipped, resampling.cubic_crop(top, rows, 12), resampling.cubic_crop(left, columns, 10))
    crops = augment_simclr.jittered(tf.clip_by_value(crops, 0., 1.), draws.within('color'), 0.5)
    expected = resampling.to_images(augment_simclr.blurred(crops, draws.within('blur')))
    view, expected, flip, rows = run(view, expected, flip, rows)
    np.testing.assert_allclose(view, expected, atol=1e-5)
    assert 0 < flip.sum() < 6 and len(set(rows)) > 2


def test_jitter_by_hand():
    """Strength 0.5: factors of 0.6 to 1.4, hue by up to 0.1, in the order of four uniform numbers."""
    draws, names, n = Draws(7, 3), ('brightness', 'contrast', 'saturation', 'hue'), 60
    images = np.random.RandomState(5).rand(n, 4, 3, 3)
    factors = [draws.uniform(name, [n], 0.6, 1.4) for name in names[:3]] + [draws.uniform('hue', [n], -0.1, 0.1)]
    factors, order, jitter, to_grey, values = run(
        tf.stack(factors, 1), draws.uniform('order', [n, 4]), draws.uniform('jitter', [n, 1]),
        draws.uniform('grey', [n]),
        augment_simclr.jittered(planes(images), draws, 0.5))
    for i, image in enumerate(images):
        for choice in np.argsort(order[i]) if jitter[i, 0] < 0.8 else ():
            image = changed(image, names[choice], factors[i, choice])
        if to_grey[i] < 0.2:
            image = (image @ [0.2989, 0.587, 0.114])[..., None].repeat(3, -1)
        np.testing.assert_allclose(np.moveaxis(values[i], 0, -1), image, atol=1e-5, err_msg=str(i))
    assert len({tuple(np.argsort(row)) for row in order}) > 10


def test_jitter_is_drawn_for_four_in_five_and_grey_for_one():
    noise = np.random.RandomState(3).rand(1000, 2, 2, 3)
    before, values = noise, images_of(augment_simclr.jittered(planes(noise), Draws(0, 0), 0.5))
    same = np.abs(values - before).max((1, 2, 3)) < 1e-6
    grey = np.ptp(values, axis=3).max((1, 2)) < 1e-6
    assert 0.12 < same.mean() < 0.2 and 0.16 < grey.mean() < 0.24  # 0.2 * 0.8 and 0.2


def test_half_are_blurred():
    before = np.random.RandomState(4).rand(400, 8, 8, 1)
    blurred = images_of(augment_simclr.blurred(planes(before), Draws(0, 0)))
    assert 0.4 < (np.abs(blurred - before).max((1, 2, 3)) > 1e-6).mean() < 0.6


def test_blur_by_hand():
    """A deviation of 0.1 to 2 pixels; at 40x40, two pixels to each side count."""
    draws, n = Draws(2, 0), 8
    images = np.random.RandomState(6).rand(n, 40, 40, 1)
    deviation, chosen, values = run(draws.uniform('deviation', [n], 0.1, 2.), draws.uniform('chosen', [n]),
                                    augment_simclr.blurred(planes(images), draws))
    reach = np.arange(-2, 3)
    for i, image in enumerate(images[..., 0]):
        kernel = np.exp(-reach ** 2 / (2 * deviation[i] ** 2))
        expected = (image[18:23, 18:23] * np.outer(kernel, kernel)).sum() / kernel.sum() ** 2
        np.testing.assert_allclose(values[i, 0, 20, 20], expected if chosen[i] < 0.5 else image[20, 20], atol=1e-5)
    assert 0 < (chosen < 0.5).sum() < n


def test_one_channel():
    """The linear map of colours is a scalar."""
    single = IMAGES[..., :1]
    draws = Draws(2, 2)
    light, mixture, view = run(draws.uniform('brightness', [6, 1, 1], -0.6, 0.6),
                               draws.uniform('jitter', [6, 1, 1], -0.2, 0.2),
                               augment_simclr.affine(tf.constant(single), draws, False, 1., 0.6, 0.2))
    expected = np.clip(single / 255 * (1 + light + mixture)[..., None], 0, 1)
    np.testing.assert_allclose(view, expected * 2 - 1, atol=1e-5)
    assert run(augment_simclr.simclr(tf.constant(single), draws, True, 1., True))[0].shape == single.shape
