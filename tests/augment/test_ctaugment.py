"""CTAugment's policies and rates against the sequential algorithm in numpy."""

import functools

from libml.augment import ctaugment
from libml.draws import Draws

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1
NAMES, OPERATIONS, ROWS = ctaugment.LAYOUT.names, ctaugment.OPERATIONS, ctaugment.LAYOUT.rows
CTA = ctaugment.CTAugment(depth=2, th=0.8, decay=0.99)


def run(tensors):
    """Builds tensors() in a new graph and evaluates them."""
    with tf.Graph().as_default(), tf1.Session() as session:
        return session.run(tensors())


def uneven_rates(seed=0):
    rates = np.random.RandomState(seed).uniform(0, 1, ctaugment.LAYOUT.mask.shape)
    return np.where(ctaugment.LAYOUT.mask, rates, 0).astype(np.float32)


def random_policy(n, depth, seed=0, names=NAMES):
    rng = np.random.RandomState(seed)
    ops = rng.choice([NAMES.index(name) for name in names], (n, depth))
    return ctaugment.Policy(ops.astype(np.int32), rng.uniform(size=(n, depth, 2)))


class Sequential:
    """The algorithm as written down: a list of rates per operation, one image and one operation at a time."""

    def __init__(self, rates, th=0.8, decay=0.99):
        self.th, self.decay = th, decay
        self.rates = {name: [] for name in NAMES}
        for row, (name, k) in zip(rates, ROWS):
            self.rates[name].append(row[:OPERATIONS[name].bins[k]].copy())

    def rate_to_p(self, rate):
        p = rate + np.float32(1 - self.decay)
        p = p / p.max()
        p[p < np.float32(self.th)] = 0
        return p

    def value(self, rate, u_bin, u_offset):
        p = self.rate_to_p(rate).astype(np.float64)
        ends = np.cumsum(p)
        j = next(j for j, end in enumerate(ends) if u_bin * ends[-1] < end)
        return (j + u_offset) / len(rate)

    def update(self, policy, proximity):
        for ops, params, g in zip(*policy, proximity):
            for op, values in zip(ops, params):
                for value, rate in zip(values, self.rates[NAMES[op]]):
                    i = int(value * len(rate) * 0.999)
                    rate[i] = np.float32(self.decay) * rate[i] + np.float32(1 - self.decay) * np.float32(g)

    def matrix(self):
        out = np.zeros(ctaugment.LAYOUT.mask.shape, np.float32)
        for i, (name, k) in enumerate(ROWS):
            out[i, :len(self.rates[name][k])] = self.rates[name][k]
        return out


def test_table_of_operations():
    bins = {name: operation.bins for name, operation in OPERATIONS.items()}
    assert list(bins) == ('autocontrast blur brightness color contrast cutout equalize invert identity posterize '
                          'rescale rotate sharpness shear_x shear_y smooth solarize translate_x translate_y').split()
    assert bins.pop('identity') == () and bins.pop('posterize') == (8,) and bins.pop('rescale') == (17, 6)
    assert set(bins.values()) == {(17,)}
    rates = ctaugment.LAYOUT.initial_rates()
    assert rates.shape == (19, 17) and rates.sum() == 17 * 17 + 8 + 6


def test_sampling_equals_the_sequential_algorithm():
    n, rates = 500, uneven_rates()

    def tensors():
        draws = Draws(5, 6)
        uniform = [draws.uniform(name, [n, 2, 2], dtype=tf.float64) for name in ('bin', 'offset')]
        return [CTA.sample(draws, n, rates), *uniform]

    policy, u_bin, u_offset = run(tensors)
    sequential = Sequential(rates)
    for i in np.ndindex(n, 2):
        for k, rate in enumerate(sequential.rates[NAMES[policy.ops[i]]]):
            wanted = sequential.value(rate, u_bin[i][k], u_offset[i][k])
            np.testing.assert_allclose(policy.params[i][k], wanted, rtol=1e-12)


def test_distribution_of_samples():
    """Operations are uniform, bins follow their probabilities, places within a bin are uniform; probes are uniform."""
    n, rates = 60000, uneven_rates(1)
    policy, probe, probabilities = run(lambda: [CTA.sample(Draws(0, 1), n, rates), CTA.sample_probe(Draws(0, 2), n),
                                                CTA.probabilities(rates)])
    for ops in policy.ops, probe.ops:
        counts = np.bincount(ops.ravel(), minlength=19)
        assert ops.shape == (n, 2) and np.all(np.abs(counts - 2 * n / 19) < 5 * (2 * n / 19) ** 0.5)
    for row, (name, k) in enumerate(ROWS):
        bins = OPERATIONS[name].bins[k]
        values = policy.params[policy.ops == NAMES.index(name)][:, k] * bins
        counts, expected = np.bincount(values.astype(int), minlength=bins), len(values) * probabilities[row, :bins]
        assert np.all(counts[expected == 0] == 0) and np.any(expected == 0)
        assert np.all(np.abs(counts - expected) <= 5 * expected ** 0.5)
        assert abs((values % 1).mean() - 0.5) < 0.02 and values.max() < bins
    values = probe.params
    assert values.min() >= 0 and values.max() < 1 and abs(np.corrcoef(values.reshape(-1, 4).T) - np.eye(4)).max() < 0.02
    for i in np.ndindex(2, 2):
        counts = np.histogram(values[:, i[0], i[1]], 20, (0, 1))[0]
        assert np.all(np.abs(counts - n / 20) < 5 * (n / 20) ** 0.5)


def updated(rates, policy, proximity):
    return CTA.update(tf.constant(rates), ctaugment.Policy(*map(tf.constant, policy)), proximity)


@pytest.mark.parametrize('names', [NAMES, ('rescale', 'identity'), ('posterize',)])
def test_updates_equal_the_sequential_algorithm(names):
    """With few operations, many probes hit the same bin, in one batch and one image."""
    rates, sequential = uneven_rates(2), Sequential(uneven_rates(2))
    for step in range(4):
        policy = random_policy(64, 2, step, names)
        policy.params[:6] = np.array([0, 1, 1 / 17, 3 / 8, 5 / 6, 1 - 1e-12])[:, None, None]  # Ends and edges of bins.
        proximity = np.random.RandomState(step).uniform(size=64).astype(np.float32)
        rates = run(functools.partial(updated, rates, policy, proximity))
        sequential.update(policy, proximity)
    assert rates.dtype == np.float32
    np.testing.assert_allclose(rates, sequential.matrix(), rtol=1e-5, atol=1e-7)
    assert np.any(rates != uneven_rates(2)) and np.all(rates[~ctaugment.LAYOUT.mask] == 0)
    untouched = [i for i, (name, _) in enumerate(ROWS) if name not in names]
    np.testing.assert_array_equal(rates[untouched], uneven_rates(2)[untouched])


def test_one_update_by_hand():
    """1/17 + 5e-5 lies in bin 1 of 17 but is credited to bin 0: int((1/17 + 5e-5) * 17 * 0.999) = 0."""
    def tensors():
        policy = ctaugment.Policy(tf.constant([[NAMES.index('blur'), NAMES.index('rescale')]]),
                                  tf.constant([[[1 / 17 + 5e-5, 0.5], [1., 0.4]]], tf.float64))
        return CTA.update(ctaugment.LAYOUT.initial_rates(), policy, tf.constant([0.25]))

    rates = run(tensors)
    changed = {(*ROWS[i], j) for i, j in np.argwhere(rates != ctaugment.LAYOUT.initial_rates())}
    assert changed == {('blur', 0, 0), ('rescale', 0, 16), ('rescale', 1, 2)}
    np.testing.assert_allclose(rates[rates != ctaugment.LAYOUT.initial_rates()], 0.99 + 0.01 * 0.25, rtol=1e-6)


def test_weights_and_table():
    rates = ctaugment.LAYOUT.initial_rates()
    rates[ROWS.index(('rescale', 1))][:6] = [1, 0.9, 0.75, 0.79, 0.5, 0]
    weights, probabilities = run(lambda: [CTA.weights(rates), CTA.probabilities(rates)])
    row = ROWS.index(('rescale', 1))
    np.testing.assert_allclose(weights[row, :6], [1, 0.90099, 0, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(probabilities[row, :2], [1 / 1.90099, 0.90099 / 1.90099], atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-6)
    lines = CTA.table(weights).split('\n')
    assert [line.split()[0] for line in lines] == sorted(NAMES)
    assert lines[sorted(NAMES).index('rescale')] == (
        'rescale             ' + ' '.join(['1.00'] * 17) + ' / 1.00 0.90 0.00 0.00 0.00 0.00')
    assert lines[sorted(NAMES).index('posterize')] == 'posterize           ' + ' '.join(['1.00'] * 8)
    assert lines[sorted(NAMES).index('identity')] == 'identity            '


def test_name():
    assert CTA.name == 'CTAugment_depth2_th0.80_decay0.990'
