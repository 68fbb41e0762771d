"""ReMixMatch's CTAugment against recorded values, the sequential algorithm in numpy, and FixMatch's."""

from libml.augment import ctaugment
from libml.augment.cta_remixmatch import ReMixMatchCTAugment
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf

NAMES, OPERATIONS, ROWS = ctaugment.LAYOUT.names, ctaugment.OPERATIONS, ctaugment.LAYOUT.rows
VERSIONS = dict(fixmatch=ctaugment.CTAugment(), remixmatch=ReMixMatchCTAugment())
CTA = VERSIONS['remixmatch']


def run(tensors):
    """Builds tensors() in a new graph and evaluates them."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(tensors())


def uneven_rates(seed=0):
    rates = np.random.RandomState(seed).uniform(0.5, 1, ctaugment.LAYOUT.mask.shape)
    return np.where(ctaugment.LAYOUT.mask, rates, 0).astype(np.float32)


def probabilities_of(rate, th=0.8, decay=0.99):
    """Probabilities [n - 1] of the segments between the n bins of a parameter, as written down."""
    p = rate + (1 - decay)
    p = p / p.max()
    p[p < th] = 0
    p = np.array([p[i] + p[i + 1] for i in range(len(p) - 1)])
    return p / p.sum()


@pytest.mark.parametrize('version', VERSIONS)
def test_recorded_picture_and_probabilities(case, version):
    """In ReMixMatch's version rescale does nothing, and 8 bins have 7 segments."""
    arrays, cta = case('ctaugment_versions'), VERSIONS[version]
    rates = ctaugment.LAYOUT.initial_rates()
    rates[ROWS.index(('posterize', 0)), :8] = arrays['posterize_rates']

    def tensors():
        policy = ctaugment.Policy(tf.constant([[NAMES.index('rescale'), NAMES.index('identity')]]),
                                  tf.constant(np.array([[arrays['rescale_params'], [0, 0]]])))
        return [cta.apply(tf.constant(arrays['image'][None]), policy, Draws(0, 0)), cta.probabilities(rates)]

    (image,), probabilities = run(tensors)
    np.testing.assert_array_equal(image, arrays[version])
    wanted = arrays[f'{version}_probabilities']
    found = probabilities[ROWS.index(('posterize', 0))]
    np.testing.assert_allclose(found[:len(wanted)], wanted, rtol=1e-6)
    assert not found[len(wanted):].any()


def test_recorded_versions_differ(case):
    arrays = case('ctaugment_versions')
    np.testing.assert_array_equal(arrays['remixmatch'], arrays['image'])
    assert np.any(arrays['fixmatch'] != arrays['image'])


def test_frequencies_of_samples():
    """Segments follow their probabilities, places within one are uniform; there is none beyond the last bin."""
    n, rates = 60000, uneven_rates()
    policy, found = run(lambda: [CTA.sample(Draws(0, 1), n, rates), CTA.probabilities(rates)])
    empty = 0
    for row, (name, k) in enumerate(ROWS):
        bins = OPERATIONS[name].bins[k]
        wanted = probabilities_of(rates[row, :bins])
        np.testing.assert_allclose(found[row, :bins - 1], wanted, rtol=1e-5)
        assert not found[row, bins - 1:].any()
        values = policy.params[policy.ops == NAMES.index(name)][:, k] * (bins - 1)
        counts, expected = np.bincount(values.astype(int), minlength=bins - 1), len(values) * wanted
        assert len(counts) == bins - 1 and np.all(np.abs(counts - expected) <= 5 * expected ** 0.5)
        assert abs((values % 1).mean() - 0.5) < 0.02 and values.min() >= 0
        empty += (wanted == 0).sum()
    assert empty > 20


def test_a_sample_is_its_draws():
    n, rates = 200, uneven_rates(1)

    def tensors():
        draws = Draws(5, 6)
        return [CTA.sample(draws, n, rates), *(draws.uniform(name, [n, 2, 2], dtype=tf.float64)
                                               for name in ('bin', 'offset'))]

    policy, u_bin, u_offset = run(tensors)
    for i in np.ndindex(n, 2):
        name = NAMES[policy.ops[i]]
        for k, bins in enumerate(OPERATIONS[name].bins):
            ends = np.cumsum(probabilities_of(rates[ROWS.index((name, k)), :bins]))
            segment = np.searchsorted(ends, u_bin[i][k], side='right')
            np.testing.assert_allclose(policy.params[i][k], (segment + u_offset[i][k]) / (bins - 1), rtol=1e-12)


def test_all_else_is_as_in_fixmatch():
    """Pictures by all operations but rescale, cutouts included; probes, the update of the rates, and the table."""
    random = np.random.RandomState(0)
    images, rates = random.randint(0, 256, [60, 16, 16, 3]).astype(np.uint8), uneven_rates(2)
    ops = random.choice([i for i, name in enumerate(NAMES) if name != 'rescale'], (60, 2)).astype(np.int32)
    params, proximity = random.uniform(size=(60, 2, 2)), random.uniform(size=60).astype(np.float32)

    def tensors(cta):
        policy, draws = ctaugment.Policy(tf.constant(ops), tf.constant(params)), Draws(1, 2)
        probes = cta.sample_probe(draws, 60)
        return [cta.apply(tf.constant(images), policy, draws), *probes, cta.update(rates, probes, proximity),
                cta.weights(rates)]

    both = [run(lambda cta=cta: tensors(cta)) for cta in VERSIONS.values()]
    for a, b in zip(*both):
        np.testing.assert_array_equal(a, b)
    assert np.any(both[0][0] != images) and np.any(both[0][3] != rates)
    assert len({cta.table(both[0][-1]) for cta in VERSIONS.values()}) == 1


def test_name():
    assert CTA.name == 'CTAugment_depth2_th0.80_decay0.990_remixmatch'
    assert CTA != VERSIONS['fixmatch']
