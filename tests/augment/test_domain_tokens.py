"""The grammar of AdaMatch's --augment and its primitives."""

from libml.augment import domain_tokens
from libml.augment.randaugment import RandAugment
from libml.augment.views import View
from libml.draws import Draws
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize('text, canonical', [
    ('(x,smc)', '(x,smc)'), ('(m,sc)', '(m,sc)'), ('(s,r2_5_0)', '(s,r2_5_0)'), ('CTA(sm,sm)', 'CTA(sm,sm)'),
    ('CTA(sm,sm,probe=1)', 'CTA(sm,sm)'), ('CTA(s,x,decay=0.990,probe=4,th=.8,depth=3)', 'CTA(s,x,depth=3,probe=4)'),
    ('CTA(s,x,th=0.75,decay=0.9)', 'CTA(s,x,th=0.75,decay=0.9)')])
def test_canonical_text(text, canonical):
    views = domain_tokens.parse(text)
    assert views.text == canonical and domain_tokens.parse(canonical) == views


def test_what_a_text_means():
    views = domain_tokens.parse('CTA(sm,sc,depth=3,th=0.5,decay=0.9,probe=2)')
    assert views.weak == View(domain_tokens.Shift(shift=True, mirror=True), scope='weak')
    assert views.strong == domain_tokens.CutoutView(domain_tokens.Shift(shift=True, mirror=False), scope='strong')
    assert (views.cta.depth, views.cta.th, views.cta.decay, views.probe) == (3, 0.5, 0.9, 2)
    views = domain_tokens.parse('(m,r3_7_50)')
    assert views.weak == View(domain_tokens.Shift(shift=False, mirror=True), scope='weak') and views.cta is None
    assert views.strong.strong == RandAugment(3, 7, 50)


@pytest.mark.parametrize('text, part', [
    ('', 'CTA(weak,strong'), ('sm,sm', 'CTA(weak,strong'), ('CTA(sm, sm)', "' sm'"), ('(sm)', 'CTA(weak,strong'),
    ('MixUp(sm,sm)', 'CTA(weak,strong'), ('(sm,sm,probe=1)', 'only CTA'),
    ('(q,sm)', "'q' is none of x, m, s, sc, sm, smc"),
    ('CTA(sm,ms)', "'ms'"), ('CTA(sm,r2_5_0)', "'r2_5_0'"), ('(r2_5_0,sm)', "'r2_5_0'"), ('(s,r9_5_0)', 'n 1 to 4'),
    ('CTA(s,s,rate=1)', "'rate=1' is none of depth=2, th=0.8, decay=0.99, probe=1"), ('CTA(s,s,)', "''"),
    ('CTA(s,s,th=1,th=1)', 'once'), ('CTA(s,s,depth=1.5)', 'an integer'), ('CTA(s,s,th=high)', 'a number'),
    ('CTA(s,s,probe=0)', 'at least 1'), ('CTA(s,s,depth=101)', 'of at most 100'),
    ('CTA(s,s,probe=9999999999)', 'of at most 100 and 1000000000'),
    ('CTA(s,s,th=1.1)', 'th in [0, 1]'), ('CTA(s,s,decay=1)', 'decay in [0, 1)')])
def test_wrong_texts_are_one_clear_line(text, part):
    with pytest.raises(InputError) as error:
        domain_tokens.parse(text)
    assert part in str(error.value) and f'--augment={text}:' in str(error.value) and '\n' not in str(error.value)


def drawn(functions, images):
    """The values of functions of (images, Draws), each with the same draws."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run([function(tf.constant(images), Draws(1, 0)) for function in functions])


def to_float(images):
    return images.astype(np.float32) * np.float32(2 / 255) - 1


def test_primitives_against_numpy():
    """Every picture is one of the shifts and mirrors that its primitive may make, and all of these appear."""
    image = np.random.RandomState(0).randint(0, 256, [16, 16, 3]).astype(np.uint8)
    images = np.tile(image, [600, 1, 1, 1])
    names = ['x', 'm', 's', 'sm']
    found = drawn([domain_tokens.primitive(name, 'weak') for name in names]
                  + [domain_tokens.primitive(name, 'weak').bytes for name in names], images)
    padded = np.pad(image, [(2, 2), (2, 2), (0, 0)], 'reflect')
    shifts = [padded[y:y + 16, x:x + 16] for y in range(5) for x in range(5)]
    possible = dict(x=[image], m=[image, image[:, ::-1]], s=shifts, sm=shifts + [shift[:, ::-1] for shift in shifts])
    for name, floats, made in zip(names, found, found[4:]):
        assert {picture.tobytes() for picture in made} == {picture.tobytes() for picture in possible[name]}, name
        np.testing.assert_array_equal(floats, to_float(made))


@pytest.mark.parametrize('name, size, side', [('sc', 16, 8), ('smc', 8, 4)])
def test_cutout_is_a_whole_square_of_mid_grey(name, size, side):
    images = np.full([500, size, size, 1], 200, np.uint8)
    primitive = domain_tokens.primitive(name, 'weak')
    floats, made = drawn([primitive, primitive.bytes], images)
    np.testing.assert_array_equal(np.where(floats == 0, 128, 200), made)
    np.testing.assert_allclose(floats[floats != 0], to_float(np.uint8(200)))
    hidden = floats[..., 0] == 0
    assert (hidden.any(2).sum(1) == side).all() and (hidden.any(1).sum(1) == side).all()
    assert (hidden.sum((1, 2)) == side ** 2).all()
    for axis in (1, 2):  # places 0 .. size - side, the outermost half as often as the others
        counts = np.bincount(hidden.any(axis).argmax(1), minlength=size - side + 1)
        expected = np.r_[0.5, np.ones(size - side - 1), 0.5] / (size - side) * 500
        assert len(counts) == size - side + 1 and np.abs(counts - expected).max() < 45
