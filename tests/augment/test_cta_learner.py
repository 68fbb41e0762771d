"""CTAugment's learner: which bins a step moves, and which rates a batch is made with."""

import sys
import types

from libml.augment import cta_learner, ctaugment
from libml.augment.cta_rates import LAG
from libml.augment.cta_remixmatch import ReMixMatchCTAugment
from libml.draws import Draws
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

BLUR, RESCALE, IDENTITY = [ctaugment.LAYOUT.names.index(name) for name in ('blur', 'rescale', 'identity')]
# Two probes of two operations: blur in bin 8 of 17, rescale in bins 2 of 17 and 3 of 6; identity, and blur in bin 8.
OPS = np.array([[BLUR, RESCALE], [IDENTITY, BLUR]], np.int32)
STRENGTHS = np.array([[[0.5, 0.9], [0.15, 0.6]], [[0.3, 0.3], [0.52, 0.1]]])
P_PROBE, LABEL = np.float32([[0.2, 0.7, 0.1], [0.5, 0.1, 0.4]]), np.int32([1, 2])


@pytest.fixture(autouse=True)
def session():
    """A session of a graph of its own; both are the default ones."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        yield session


def observe(learner, t):
    """Shows a learner the probes above in step t."""
    learner.observe(t, tf.constant(P_PROBE), tf.constant(LABEL), dict(probe_ops=OPS, probe_strengths=STRENGTHS))


def stepping(session, learner):
    """A function that makes step t and returns the ring and its stamps after it."""
    t = tf.compat.v1.placeholder(tf.int64, [])
    observe(learner, t)
    with tf.control_dependencies(learner.new_values()):
        updates = learner.updates()
    session.run(tf.compat.v1.global_variables_initializer())

    def step(number):
        session.run(updates, {t: number})
        return session.run([learner.rates.ring, learner.rates.written])

    return step


def after_a_step(rates):
    """The rates after the probes above, with a decay of 0.9 and probabilities of the true classes of 0.7 and 0.4."""
    rates = rates.copy()
    for row, cell, proximity in ((('blur', 0), 8, 0.7), (('rescale', 0), 2, 0.7), (('rescale', 1), 3, 0.7),
                                 (('blur', 0), 8, 0.4)):
        place = ctaugment.LAYOUT.rows.index(row), cell
        rates[place] = 0.9 * rates[place] + 0.1 * proximity
    return rates


def test_a_step_moves_the_bins_of_its_probes(session):
    step = stepping(session, cta_learner.Learner(ctaugment.CTAugment(decay=0.9)))
    first = after_a_step(ctaugment.LAYOUT.initial_rates())
    assert (first != ctaugment.LAYOUT.initial_rates()).sum() == 3
    for number, expected in enumerate((first, after_a_step(first))):
        ring, written = step(number)
        np.testing.assert_allclose(ring[number], expected, rtol=1e-6)
        np.testing.assert_array_equal(ring[number][first == 1], ctaugment.LAYOUT.initial_rates()[first == 1])
        assert (ring[number + 1:] == ctaugment.LAYOUT.initial_rates()).all()
        assert written.tolist() == [*range(number + 1), *range(number + 1 - LAG, 0)]


def test_between_periods_the_rates_are_handed_on(session):
    step = stepping(session, cta_learner.Learner(ctaugment.CTAugment(decay=0.9), period=3))
    for number in range(5):
        ring, written = step(number)
        assert written[number] == number
    first = after_a_step(ctaugment.LAYOUT.initial_rates())
    np.testing.assert_allclose(ring[0], first, rtol=1e-6)
    np.testing.assert_array_equal(ring[1:3], ring[[0, 0]])
    np.testing.assert_allclose(ring[3], after_a_step(first), rtol=1e-6)
    np.testing.assert_array_equal(ring[4], ring[3])


def test_new_values_change_nothing_before_the_updates(session):
    learner = cta_learner.Learner(ctaugment.CTAugment(decay=0.9))
    observe(learner, tf.constant(7, tf.int64))
    session.run(tf.compat.v1.global_variables_initializer())
    rates, number = session.run(learner.new_values())
    np.testing.assert_allclose(rates, after_a_step(ctaugment.LAYOUT.initial_rates()), rtol=1e-6)
    assert number == 7 and (session.run(learner.rates.ring) == ctaugment.LAYOUT.initial_rates()).all()
    session.run(learner.updates())
    np.testing.assert_array_equal(session.run(learner.rates.newest(tf.constant(8, tf.int64))), rates)


def test_policies_are_drawn_by_the_rates_of_a_fixed_number_of_steps_ago(session):
    asked = []

    def strong(images, rates, draws, final_cutout):
        asked.append((images, draws, final_cutout))
        return rates

    learner = cta_learner.Learner(types.SimpleNamespace(strong=strong, LAYOUT=ctaugment.LAYOUT))
    draws = Draws(0, LAG)
    rates = learner.strong('images', draws), learner.strong('images', draws, final_cutout=False)
    session.run(tf.compat.v1.global_variables_initializer())
    session.run(learner.rates.write(tf.constant(0, tf.int64), tf.fill(ctaugment.LAYOUT.mask.shape, 0.25)))
    for found in session.run(rates):
        assert (found == 0.25).all()
    assert asked == [('images', draws, True), ('images', draws, False)]


def test_probes_come_with_their_policies():
    policy = ctaugment.Policy('ops', 'params')
    learner = cta_learner.Learner(types.SimpleNamespace(
        probe=lambda images, draws: (images + draws, policy), LAYOUT=ctaugment.LAYOUT))
    assert learner.probe('a', 'b') == dict(probe='ab', probe_ops='ops', probe_strengths='params')


def test_report_shows_the_newest_rates(session):
    learner = cta_learner.Learner(ctaugment.CTAugment(decay=0.9))
    session.run(tf.compat.v1.global_variables_initializer())
    rates = ctaugment.LAYOUT.initial_rates()
    rates[ctaugment.LAYOUT.rows.index(('posterize', 0)), 1] = 0.
    session.run(learner.rates.write(tf.constant(4, tf.int64), tf.constant(rates)))
    table, values = learner.report(session, tf.constant(5, tf.int64))
    assert f'{"posterize":16}    1.00 0.00 1.00 1.00 1.00 1.00 1.00 1.00' in table.split('\n')
    assert [value.tag for value in values] == ['ctaugment/weights', 'ctaugment/probabilities']
    assert tf.make_ndarray(values[0].tensor)[0].decode() == f'```\n{table}\n```'
    assert values[1].image.encoded_image_string.startswith(b'\x89PNG')


def test_no_picture_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    assert cta_learner.heat_map(ctaugment.LAYOUT.initial_rates(), ctaugment.CTAugment()) == []


def params(**changed):
    """Hyper-parameters of a model with CTAugment: the defaults, but for those given."""
    return EasyDict({name: spec.default for name, spec in cta_learner.HPARAMS.items()}, **changed)


def test_from_params():
    assert cta_learner.from_params(params()) == ctaugment.CTAugment(depth=2, th=0.8, decay=0.99)
    assert cta_learner.from_params(params(adepth=1, adecay=0., ath=1.)) == ctaugment.CTAugment(1, 1., 0.)
    other = EasyDict(params(), **{name: spec.default for name, spec in cta_learner.REMIXMATCH_HPARAMS.items()})
    assert cta_learner.from_params(other) == ReMixMatchCTAugment(depth=2, th=0.8, decay=0.99)


def test_imagenet_learns_rates_of_its_own_shape(session):
    learner = cta_learner.Learner(cta_learner.from_params(params(cta_version='imagenet', ath=0.85)))
    step = stepping(session, learner)
    ring, _ = step(0)
    assert ring.shape == (LAG, 19, 15) and (ring[0] < 1).any() and (ring[1:] == 1).all()
    table, values = learner.report(session, tf.constant(1, tf.int64))
    assert table.count('\n') == 18 and 'solarize_add' in table and len(values) == 2


def test_unknown_version():
    with refused('--cta_version=mixmatch', 'fixmatch, remixmatch, imagenet'):
        cta_learner.from_params(params(cta_version='mixmatch'))


def test_probes_of_several_streams():
    assert cta_learner.joined_probes([]) == {} and cta_learner.joined_probes([EasyDict(image=1)]) == {}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        streams = [dict(image=0, probe=tf.fill([2, 1], i), probe_ops=tf.fill([2], i + 10),
                        probe_strengths=tf.fill([2], i + 20)) for i in range(2)]
        found = session.run(cta_learner.joined_probes(streams))
    assert {name: value.ravel().tolist() for name, value in found.items()} == dict(
        probe=[0, 0, 1, 1], probe_ops=[10, 10, 11, 11], probe_strengths=[20, 20, 21, 21])
