"""Views: what their draws are named after, what is stacked, what CTAugment continues with."""

import types

from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.draws import Draws
from libml.images.pixels import to_float

import numpy as np
import tensorflow as tf

WEAK = Weak(True, 2)
IMAGES = np.random.RandomState(0).randint(0, 256, [6, 8, 8, 3]).astype(np.uint8)
DRAWS = Draws(1, 5)


def run(function):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(function())


def darker(images, draws):
    """A strong part: subtracts a drawn number from each picture."""
    return to_float(images) - draws.uniform('dark', [tf.shape(images)[0], 1, 1, 1])


def test_views_are_drawn_apart_and_scaled():
    weak = View(WEAK, scope='')
    views = Views(View(Weak(False, 0)), tuple(weak.at(f'view{i}') for i in range(3)))
    stacked, one, plain = run(lambda: [views.of_unlabeled(IMAGES, Draws(1, 5))['image'], weak(IMAGES, Draws(1, 5)),
                                       views.of_labeled(IMAGES, Draws(1, 5))['image']])
    assert stacked.shape == (6, 3, 8, 8, 3) and one.shape == (6, 8, 8, 3) and stacked.dtype == np.float32
    assert np.any(stacked[:, 0] != stacked[:, 1]) and np.any(stacked[:, 1] != stacked[:, 2])
    np.testing.assert_array_equal(plain, IMAGES * np.float32(2 / 255) - 1)
    assert plain.min() >= -1 and plain.max() <= 1


def test_draws_are_named_after_place_scope_and_name():
    def expected(draws):
        weak = WEAK(tf.constant(IMAGES), draws.within('here').within('d'))
        return weak, darker(weak, draws.within('here').within('dark'))

    view = View(WEAK, darker, name='dark').at('here')
    found = run(lambda: [view.bytes(tf.constant(IMAGES), Draws(1, 5)), view(tf.constant(IMAGES), Draws(1, 5))])
    for a, b in zip(found, run(lambda: expected(Draws(1, 5)))):
        np.testing.assert_array_equal(a, b)


def test_the_last_view_is_made_count_times():
    views = Views(View(WEAK), (View(WEAK).at('view0'), View(WEAK, darker, name='dark').at('view1')), count=3)
    found = run(lambda: views.of_unlabeled(tf.constant(IMAGES), Draws(1, 5))['image'])
    assert found.shape == (6, 4, 8, 8, 3)
    assert all(np.abs(found[:, i] - found[:, j]).max((1, 2, 3)).min() > 0 for i in range(1, 4) for j in range(i))


def test_learned_views_and_probes_start_from_the_weak_part():
    """A learner whose policies do nothing and whose probes are the bytes."""
    asked = []

    def strong(images, draws, final_cutout):
        asked.append((draws.prefix, final_cutout))
        return to_float(images)

    learner = types.SimpleNamespace(strong=strong, probe=lambda images, draws: {'probe': images})
    view = View(WEAK, darker, name='dark')
    views = Views(view, view.learned(learner, final_cutout=False).at('view1'), learner=learner)
    labeled, learned, weak, placed = run(lambda: [
        views.of_labeled(tf.constant(IMAGES), Draws(1, 5)),
        views.of_unlabeled(tf.constant(IMAGES), Draws(1, 5))['image'],
        view.bytes(tf.constant(IMAGES), Draws(1, 5)), view.at('view1').weak_floats(tf.constant(IMAGES), Draws(1, 5))])
    np.testing.assert_array_equal(labeled['probe'], weak)
    np.testing.assert_array_equal(learned, placed)
    assert asked == [('view1/cta/', False)] and Views(view).of_probes(IMAGES, None) == {}
