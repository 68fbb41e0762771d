"""CTAugment of ImageNet: recorded rates and probabilities, each operation against Pillow, what is drawn."""

import pillow_twins
from libml.augment import ctaugment, randaugment_imagenet
from libml.augment.cta_imagenet import ImageNetCTAugment
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

CTA = ImageNetCTAugment(depth=2, th=0.85, decay=0.99)
NAMES = CTA.LAYOUT.names


class Small(ImageNetCTAugment):
    """Two operations of four bins."""

    LAYOUT = ctaugment.Layout({name: ImageNetCTAugment.LAYOUT.operations[name]._replace(bins=(4,))
                               for name in ('blur', 'color')})
    SEGMENTS = LAYOUT.bins


SMALL = Small(th=0.85)


def run(tensors):
    """Builds tensors() in a new graph and evaluates them."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(tensors())


def test_golden_update_and_probabilities():
    """Two probes of two operations; the rates start as ones."""
    strengths = np.array([[[.10, 0], [.80, 0]], [[.20, 0], [.30, 0]]])

    def tensors():
        policy = ctaugment.Policy(tf.constant([[0, 1], [0, 1]]), tf.constant(strengths))
        rates = SMALL.update(SMALL.LAYOUT.initial_rates(), policy, tf.constant([.9, .3]))
        return rates, SMALL.probabilities(rates), SMALL.probabilities(np.float32([[1, .84, .86, .5]] * 2))

    rates, first, second = run(tensors)
    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, [[.996, 1, 1, 1], [1, .993, 1, .999]], rtol=1e-6)
    np.testing.assert_allclose(first[0], [.249250, .250250, .250250, .250250], atol=5e-7)
    np.testing.assert_allclose(second[0], [.537017, .000536, .461910, .000536], atol=5e-7)
    np.testing.assert_allclose(first.sum(1), 1, rtol=1e-6)


def test_bins_begin_at_their_lower_end():
    """1/15 and what is just above belong to bin 1, unlike in ctaugment.py; a rate of 0 counts as 0.001."""
    def tensors():
        policy = ctaugment.Policy(tf.constant([[NAMES.index('identity'), NAMES.index('blur')]]),
                                  tf.constant([[[1 / 15 + 1e-9, 0], [14.999 / 15, 0]]], tf.float64))
        return CTA.update(CTA.LAYOUT.initial_rates(), policy, tf.constant([.5])), CTA.weights(np.zeros([19, 15], 'f'))

    rates, weights = run(tensors)
    assert rates.shape == (19, 15)
    assert {(NAMES[i], j) for i, j in np.argwhere(rates < 1)} == {('identity', 1), ('blur', 14)}
    np.testing.assert_allclose(rates[rates < 1], .995, rtol=1e-6)
    assert (weights == 1).all()


def moved(six):
    return lambda image, v: image.transform(image.size, Image.Transform.AFFINE, six(2 * v - 1, *image.size),
                                            fillcolor=(128,) * len(image.getbands()))


def blended(function):
    """All of the effect at strength 0."""
    return lambda image, v: Image.blend(image, function(image), 1 - v)


def enhanced(kind):
    return lambda image, v: kind(image).enhance(.1 + 1.9 * v)


def shift(v, side):
    return int(np.floor(100 * v * (side / 224) + .5))


# name -> Pillow's function of (image, strength).
PILLOW = dict(
    autocontrast=blended(ImageOps.autocontrast), equalize=blended(ImageOps.equalize), invert=blended(ImageOps.invert),
    blur=lambda image, v: Image.blend(image, image.filter(ImageFilter.BLUR), v),
    smooth=lambda image, v: Image.blend(image, image.filter(ImageFilter.SMOOTH), v),
    brightness=enhanced(ImageEnhance.Brightness), color=enhanced(ImageEnhance.Color),
    contrast=enhanced(ImageEnhance.Contrast), sharpness=enhanced(ImageEnhance.Sharpness),
    identity=lambda image, v: image, posterize=lambda image, v: ImageOps.posterize(image, 1 + int(7.999 * v)),
    rescale=lambda image, v: pillow_twins.corner(image, *[int(.25 * v * side) for side in image.size]),
    rotate=lambda image, v: image.rotate(np.rint(45 * (2 * v - 1)), fillcolor=(128,) * len(image.getbands())),
    shear_x=moved(lambda v, width, height: (1, .3 * v, 0, 0, 1, 0)),
    shear_y=moved(lambda v, width, height: (1, 0, 0, .3 * v, 1, 0)),
    solarize=lambda image, v: ImageOps.solarize(image, int(256 * v)),
    solarize_add=lambda image, v: pillow_twins.added(image, int(110 * v)),
    translate_x=moved(lambda v, width, height: (1, 0, shift(v, width), 0, 1, 0)),
    translate_y=moved(lambda v, width, height: (1, 0, 0, 0, 1, shift(v, height))))


@pytest.mark.parametrize('height, width, colors', [(64, 48, 3), (20, 24, 1)])
def test_operations_are_pillows(height, width, colors):
    """Every operation alone on pictures of all kinds, then two at a time."""
    assert set(PILLOW) == set(NAMES)
    random = np.random.RandomState(0)
    pictures = pillow_twins.pictures(random, height, width, colors)[:8]
    images = np.concatenate([pictures] * 38)
    n = len(images)
    alone = np.stack([np.repeat(np.arange(19), 8), np.full(n // 2, NAMES.index('identity'))], 1)
    ops = np.concatenate([alone, random.randint(0, 19, [n // 2, 2])]).astype(np.int32)
    strengths = random.uniform(size=[n, 2, 2])
    policy = ctaugment.Policy(ops, strengths)
    found = run(lambda: CTA.apply(tf.constant(images), ctaugment.Policy(*map(tf.constant, policy)), Draws(0, 0)))
    for i, image in enumerate(images):
        picture = pillow_twins.to_pil(image)
        for op, (strength, _) in zip(ops[i], strengths[i]):
            picture = PILLOW[NAMES[op]](picture, strength)
        np.testing.assert_array_equal(found[i], pillow_twins.from_pil(picture), str((ops[i], strengths[i])))


def test_translations_of_224_pixels_go_up_to_100():
    found = run(lambda: randaugment_imagenet.pixels(tf.constant([-1., -.004, .5, 1.], tf.float64), 224))
    assert found.tolist() == [-100, 0, 50, 100]


def test_strong_views_are_drawn_by_the_rates_and_half_applied(monkeypatch):
    """Bins below the threshold have the weight 0.001; probes are uniform and always applied."""
    n, seen = 40000, []

    def apply(self, images, policy, draws):
        seen.append(policy)
        return images

    monkeypatch.setattr(ImageNetCTAugment, 'apply', apply)
    rates = np.random.RandomState(0).uniform(.7, 1, [19, 15]).astype(np.float32)

    def tensors():
        images = tf.fill([n, 2, 2, 1], tf.constant(9, tf.uint8))
        views = CTA.strong(images, rates, Draws(0, 1)), CTA.strong(images, rates, Draws(0, 1), final_cutout=False)
        CTA.probe(images, Draws(0, 2))
        return [*views, seen[0], seen[2], CTA.probabilities(rates)]

    view, uncut, policy, probe, probabilities = run(tensors)
    np.testing.assert_array_equal(view, uncut)
    np.testing.assert_allclose(view, 9 * 2 / 255 - 1, rtol=1e-6)
    counts = [np.bincount(found.ops.ravel(), minlength=19) for found in (policy, probe)]
    expected = np.full(19, 2 * n / 19)
    assert np.all(np.abs(counts[1] - expected) < 5 * expected ** .5)
    expected /= 2
    expected[NAMES.index('identity')] += n
    assert np.all(np.abs(counts[0] - expected) < 5 * expected ** .5)
    for op, name in enumerate(NAMES):
        if name != 'identity':
            drawn = np.bincount((policy.params[policy.ops == op][:, 0] * 15).astype(int), minlength=15)
            wanted = drawn.sum() * probabilities[op]
            assert np.all(np.abs(drawn - wanted) <= 5 * wanted ** .5 + 1)
    assert (probabilities < .001).any() and (probabilities > 0).all()


def test_name_and_table():
    assert CTA.name == 'CTAugment_depth2_th0.85_decay0.990_imagenet'
    lines = CTA.table(np.ones([19, 15], np.float32)).split('\n')
    assert [line.split()[0] for line in lines] == sorted(NAMES)
    assert all(line.count('1.00') == 15 for line in lines)
