"""The ring of CTAugment's rates: what is read where, and that a row of the wrong step is refused."""

from libml import streams
from libml.augment import ctaugment
from libml.augment.cta_rates import LAG, Rates

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def ring():
    """A session with a ring, its ops for a step that is fed, and what `write` would write."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        rates, t = Rates(ctaugment.LAYOUT.initial_rates()), tf.compat.v1.placeholder(tf.int64, [])
        written = tf.compat.v1.placeholder(tf.float32, ctaugment.LAYOUT.mask.shape)
        ops = dict(for_batch=rates.for_batch(t), newest=rates.newest(t), write=rates.write(t, written),
                   state=[rates.ring, rates.written])
        session.run(tf.compat.v1.global_variables_initializer())
        yield lambda name, step=0, value=0.: session.run(
            ops[name], {t: step, written: np.full(ctaugment.LAYOUT.mask.shape, value)})


def test_lag_reaches_over_all_batches_that_are_under_way():
    assert LAG == streams.PARALLEL_BATCHES + streams.PREFETCH + 2


def test_before_training_all_rows_are_those_of_steps_before_it(ring):
    rows, stamps = ring('state')
    np.testing.assert_array_equal(rows, np.stack([ctaugment.LAYOUT.initial_rates()] * LAG))
    assert stamps.tolist() == list(range(-LAG, 0)) and stamps.dtype == np.int64
    for t in range(LAG):
        np.testing.assert_array_equal(ring('for_batch', t), ctaugment.LAYOUT.initial_rates())
    np.testing.assert_array_equal(ring('newest', 0), ctaugment.LAYOUT.initial_rates())


def test_a_step_writes_one_row_and_its_stamp(ring):
    before, stamps = ring('state')
    assert ring('write', 2, 0.25) is None
    rows, written = ring('state')
    before[2], stamps[2] = 0.25, 2
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_array_equal(written, stamps)
    assert (ring('newest', 3) == 0.25).all() and (ring('newest', 2) == ctaugment.LAYOUT.initial_rates()).all()
    ring('write', 2 + LAG, 0.5)
    rows, written = ring('state')
    assert (rows[2] == 0.5).all() and written[2] == 2 + LAG


def test_a_batch_reads_the_row_of_its_step_only(ring):
    ring('write', 0, 0.25)
    assert (ring('for_batch', LAG) == 0.25).all()
    for t in (0, LAG + 1, 2 * LAG):  # That row is gone, or these are not yet there.
        with pytest.raises(tf.errors.InvalidArgumentError, match='further ahead than CTAugment.*s lag'):
            ring('for_batch', t)
