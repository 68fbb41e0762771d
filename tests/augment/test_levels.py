"""Operations by level: recorded values, and chains of them against Pillow on RGBA images."""

from libml.augment import levels as image_levels
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

tf1 = tf.compat.v1
GREY = (127, 127, 127, 0)


def apply(images, names, levels, negate):
    """State after one operation on each image, as arrays."""
    with tf.Graph().as_default(), tf1.Session() as session:
        ops = [image_levels.NAMES.index(name) for name in names]
        return session.run(list(image_levels.apply(image_levels.start(tf.constant(images)), tf.constant(ops),
                                                   tf.constant(levels), tf.constant(negate), Draws(0, 0))))


def test_golden_levels(golden):
    """All operations, levels and directions. The cutout is not recorded: its place is random."""
    arrays = golden('randaugment_ops')
    rows, wanted = [], []
    for name in image_levels.NAMES:
        if name != 'Cutout':
            for negate in False, True:
                # What has no direction was recorded once.
                recorded = arrays[f'out_hi:{name}' if negate and f'out_hi:{name}' in arrays else f'out_lo:{name}']
                rows += [(name, level, negate) for level in range(len(recorded)) for _ in range(3)]
                wanted.append(recorded.reshape(-1, 32, 32, 4))
    names, levels, negate = zip(*rows)
    wanted = np.concatenate(wanted)
    assert len(wanted) > 900 and np.any(wanted[..., 3] == 0)
    out, shown = apply(np.concatenate([arrays['images']] * (len(rows) // 3)), names, levels, negate)
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(out[i], wanted[i, ..., :3], err_msg=str(row))
        np.testing.assert_array_equal(shown[i] * 255, np.repeat(wanted[i, ..., 3:], 3, -1), err_msg=str(row))


def test_posterize_keeps_at_least_one_bit():
    images = np.arange(256).reshape(1, 16, 16, 1).repeat(6, 0).astype(np.uint8)
    out, _ = apply(images, ['Posterize'] * 6, np.arange(10, 16, dtype=np.int32), [False] * 6)
    np.testing.assert_array_equal(out, images & 128)


@pytest.mark.parametrize('side, moved', [(8, 4), (16, 8), (20, 9), (96, 9)])
def test_small_pictures_are_moved_by_half_their_side_at_most(side, moved):
    images = np.arange(side, dtype=np.uint8)[None, None, :, None].repeat(side, 1)
    out, shown = apply(images, ['TranslateX'], np.int32([9]), [False])
    np.testing.assert_array_equal(out[0, :, :side - moved], images[0, :, moved:])
    assert shown[0, :, :side - moved].all() and not shown[0, :, side - moved:].any()


def on_rgb(function, image):
    """The original's operations that know no alpha: they make every pixel opaque."""
    return function(image.convert('RGB')).convert('RGBA')


def pillow(image, name, level, negate, x, y):
    """One operation on an RGBA image, with the formulas of the level tables written out again."""
    sign = -1 if negate else 1
    factor = level * 1.8 / 10 + 0.1
    enhancers = {'Color': ImageEnhance.Color, 'Contrast': ImageEnhance.Contrast,
                 'Brightness': ImageEnhance.Brightness, 'Sharpness': ImageEnhance.Sharpness}
    matrices = {'ShearX': (1, sign * level * 0.3 / 10, 0, 0, 1, 0), 'ShearY': (1, 0, 0, sign * level * 0.3 / 10, 1, 0),
                'TranslateX': (1, 0, sign * level, 0, 1, 0), 'TranslateY': (1, 0, 0, 0, 1, sign * level)}
    if name in enhancers:
        return enhancers[name](image).enhance(factor)
    if name in matrices:
        return image.transform(image.size, Image.Transform.AFFINE, matrices[name])
    if name == 'Cutout':
        half = level * 2 // 2
        array = np.array(image)
        array[max(y - half, 0):y + half, max(x - half, 0):x + half] = GREY
        return Image.fromarray(array)
    return {'Identity': lambda: image,
            'AutoContrast': lambda: on_rgb(ImageOps.autocontrast, image),
            'Equalize': lambda: on_rgb(ImageOps.equalize, image),
            'Invert': lambda: on_rgb(ImageOps.invert, image),
            'Rotate': lambda: image.rotate(sign * (3 * level)),
            'Solarize': lambda: on_rgb(lambda rgb: ImageOps.solarize(rgb, 256 - int(25.6 * level)), image),
            'Posterize': lambda: on_rgb(lambda rgb: ImageOps.posterize(rgb, max(1, 4 - int(0.4 * level))), image),
            }[name]()


@pytest.mark.parametrize('size', [(32, 32), (24, 40)])
def test_chains_equal_pillow_on_rgba(size):
    n, steps = 150, 4
    rng = np.random.RandomState(size[1])
    images = rng.randint(0, 256, (n, *size, 3)).astype(np.uint8)
    ops, levels = rng.randint(0, len(image_levels.NAMES), (n, steps)), rng.randint(0, 16, (n, steps))
    probabilities = rng.choice(np.float32([0, 0.5, 1]), (n, steps))
    with tf.Graph().as_default(), tf1.Session() as session:
        draws = Draws(3, 5)
        state = image_levels.apply_all(tf.constant(images), tf.constant(ops, tf.int32), tf.constant(levels, tf.int32),
                                       tf.constant(probabilities), draws)
        skip, negate = draws.uniform('apply', [n, steps]) >= probabilities, draws.uniform('negate', [n, steps]) > 0.5
        centers = [[draws.uniform(f'slot{i}/cutout_{axis}', [n], 0, side, tf.int32)
                    for axis, side in (('x', size[1]), ('y', size[0]))] for i in range(steps)]
        out, shown, final, skip, negate, centers = session.run(
            [*state, image_levels.finish(state), skip, negate, centers])
    assert 0.4 < skip.mean() < 0.6 and 0.4 < negate.mean() < 0.6
    for i in range(n):
        image = Image.fromarray(images[i]).convert('RGBA')
        for j in range(steps):
            if not skip[i, j]:
                image = pillow(image, image_levels.NAMES[ops[i, j]], int(levels[i, j]), negate[i, j],
                               *[center[i] for center in centers[j]])
        wanted = np.array(image)
        np.testing.assert_array_equal(out[i], wanted[..., :3])
        np.testing.assert_array_equal(shown[i] * 255, np.repeat(wanted[..., 3:], 3, -1))
        rgb = (wanted[..., :3] / 255. - 0.5) / 0.5
        np.testing.assert_allclose(final[i], np.where(wanted[..., 3:] == 0, 0, rgb), atol=1.2e-7)
        assert np.all(final[i][wanted[..., 3] == 0] == 0)


def test_one_channel():
    names = np.repeat(image_levels.NAMES, 16)
    images = np.random.RandomState(0).randint(1, 256, (len(names), 8, 8, 1)).astype(np.uint8)
    out, shown = apply(images, names, np.arange(len(names), dtype=np.int32) % 16, [True] * len(names))
    assert out.shape == shown.shape == images.shape
    geometric = np.isin(names, image_levels.GEOMETRIC)
    np.testing.assert_array_equal((out == 0)[geometric], (shown == 0)[geometric])
    assert np.all((shown == 0).any((1, 2, 3)) <= geometric | (names == 'Cutout')) and np.any(shown == 0)
    np.testing.assert_array_equal(out[names == 'Color'], images[names == 'Color'])
