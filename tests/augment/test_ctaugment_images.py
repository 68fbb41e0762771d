"""CTAugment's images: recorded operations, the meaning of parameters, policies and cutouts."""

from libml.augment import ctaugment
from libml.draws import Draws
from libml.images import operations
from libml.images.pixels import to_float

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1
NAMES, OPERATIONS = ctaugment.LAYOUT.names, ctaugment.OPERATIONS
CTA = ctaugment.CTAugment(depth=2, th=0.8, decay=0.99)


def run(tensors):
    """Builds tensors() in a new graph and evaluates them."""
    with tf.Graph().as_default(), tf1.Session() as session:
        return session.run(tensors())


def noise(*shape, seed=0):
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


def random_policy(n, depth, seed=0, names=NAMES):
    rng = np.random.RandomState(seed)
    ops = rng.choice([NAMES.index(name) for name in names], (n, depth))
    return ctaugment.Policy(ops.astype(np.int32), rng.uniform(size=(n, depth, 2)))


def test_golden_operations(golden):
    """All recorded operations and parameters in one batch."""
    arrays = golden('ctaugment_ops')
    ops, params, wanted, images = [], [], [], []
    for name in NAMES:
        if name != 'cutout':
            for args, out in zip(arrays[f'args:{name}'], arrays[f'out:{name}']):
                ops += [[NAMES.index(name)]] * 3
                params += [[np.r_[args, 0, 0][:2]]] * 3
                wanted += list(out)
                images += list(arrays['images'])
    assert len(ops) > 900
    out = run(lambda: ctaugment.CTAugment(depth=1).apply(
        tf.constant(np.array(images)), ctaugment.Policy(tf.constant(ops), tf.constant(np.array(params))), Draws(0, 0)))
    for i, (op,) in enumerate(ops):
        np.testing.assert_array_equal(out[i], wanted[i], err_msg=f'{NAMES[op]} {params[i]}')


@pytest.mark.parametrize('shape', [(32, 32, 3), (8, 8, 1), (24, 40, 3)])
def test_batch_equals_one_image_at_a_time(shape):
    """Without the cutouts, whose places depend on the position in the batch."""
    images = noise(24, *shape)
    policy = random_policy(24, 2, names=[name for name in NAMES if name != 'cutout'])

    def tensors():
        ops, params = tf1.placeholder(tf.int32, [None, 2]), tf1.placeholder(tf.float64, [None, 2, 2])
        x = tf1.placeholder(tf.uint8, [None, *shape])
        return [x, ops, params, CTA.apply(x, ctaugment.Policy(ops, params), Draws(0, 0))]

    with tf.Graph().as_default(), tf1.Session() as session:
        *feeds, out = tensors()
        whole = session.run(out, dict(zip(feeds, (images, *policy))))
        single = [session.run(out, dict(zip(feeds, [a[i:i + 1] for a in (images, *policy)]))) for i in range(24)]
    np.testing.assert_array_equal(whole, np.concatenate(single))
    assert np.any(whole != images)


def test_operations_are_applied_in_order():
    images, policy = noise(40, 32, 32, 3), random_policy(40, 3)

    def tensors():
        x, draws, one = tf.constant(images), Draws(0, 0), ctaugment.CTAugment(depth=1)
        parts = [ctaugment.Policy(*[tf.constant(a[:, i:i + 1]) for a in policy]) for i in range(3)]
        whole = ctaugment.CTAugment(depth=3).apply(x, ctaugment.Policy(*map(tf.constant, policy)), draws)
        for part in parts:
            x = one.apply(x, part, draws)
        return [whole, x]

    whole, steps = run(tensors)
    no_cutout = (policy.ops != NAMES.index('cutout')).all(1)  # The draws of its places are named after the slots.
    np.testing.assert_array_equal(whole[no_cutout], steps[no_cutout])


def plain_arguments(name, p, m, height, width):
    """What the parameters mean, for one image, in Python's own arithmetic."""
    factor, slope = 0.1 + 1.9 * p, 0.3 * (2 * p - 1)
    return {'autocontrast': [p], 'blur': [p], 'equalize': [p], 'invert': [p], 'smooth': [p],
            'brightness': [factor], 'color': [factor], 'contrast': [factor], 'sharpness': [factor],
            'cutout': [1 + int(0.499 * p * min(height, width)), 11, 22], 'identity': [],
            'posterize': [1 + int(7.999 * p)],
            'rescale': [round(0.25 * p * width), round(0.25 * p * height), int(5.99 * m)],
            'rotate': [round(45 * (2 * p - 1))], 'shear_x': [slope], 'shear_y': [slope],
            'solarize': [int(255.999 * p)], 'translate_x': [], 'translate_y': []}[name]


@pytest.mark.parametrize('name', NAMES)
def test_meaning_of_parameters(name):
    p = np.stack([np.linspace(0, 1, 1201), np.linspace(1, 0, 1201)], 1)

    def tensors():
        center = [tf.fill([len(p)], i) for i in (11, 22)]
        return OPERATIONS[name].arguments(tf.constant(p), 24, 40, center)

    wanted = np.array([plain_arguments(name, *row, 24, 40) for row in p.tolist()]).T
    out = run(tensors)
    assert len(out) == len(wanted)
    for a, b in zip(out, wanted):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_cutout_operation_and_final_cutout():
    """A rectangle of 127 around the drawn centre: side 2 * (size // 2), size 1 + int(0.499 p min(h, w))."""
    n, height, width = 200, 24, 40
    images = np.full([n, height, width, 3], 9, np.uint8)
    p = np.r_[0., 1., np.random.RandomState(0).uniform(size=n - 2)]

    def tensors():
        policy = ctaugment.Policy(tf.fill([n, 1], NAMES.index('cutout')), tf.constant(np.stack([p, p], -1)[:, None]))
        draws = Draws(1, 2)
        centers = [[draws.uniform(f'{name}/{axis}', [n], 0, size, tf.int32)
                    for axis, size in (('x', width), ('y', height))] for name in ('slot0', 'cutout')]
        x = tf.constant(images)
        return [ctaugment.CTAugment(depth=1).apply(x, policy, draws), ctaugment.cutout(x, draws), centers]

    applied, final, centers = run(tensors)
    for out, strength, (xs, ys) in (applied, p, centers[0]), (final, np.ones(n), centers[1]):
        for i in range(n):
            half = (1 + int(0.499 * strength[i] * 24)) // 2
            wanted = images[i].copy()
            wanted[max(0, ys[i] - half):ys[i] + half, max(0, xs[i] - half):xs[i] + half] = 127
            np.testing.assert_array_equal(out[i], wanted)
    assert (final == 127).sum((1, 2, 3)).max() == 12 * 12 * 3
    assert len(np.unique(centers[1][0])) == 40 and len(np.unique(centers[1][1])) == 24


def test_translations_do_nothing():
    images = noise(40, 32, 32, 3)
    policy = random_policy(40, 2, names=['translate_x', 'translate_y'])
    out = run(lambda: CTA.apply(tf.constant(images), ctaugment.Policy(*map(tf.constant, policy)), Draws(0, 0)))
    np.testing.assert_array_equal(out, images)


def test_strong_and_probe_are_functions_of_their_key():
    images, rates = noise(32, 16, 16, 3), ctaugment.LAYOUT.initial_rates()
    with tf.Graph().as_default(), tf1.Session() as session:
        position = tf1.placeholder(tf.int64, [])
        draws = Draws(1, position)
        views = [CTA.strong(tf.constant(images), rates, draws), *CTA.probe(tf.constant(images), draws.within('probe'))]
        first, again, other = [session.run(views, {position: t}) for t in (2, 2, 3)]
        policy = ctaugment.Policy(*map(tf.constant, first[2]))
        applied = to_float(CTA.apply(tf.constant(images), policy, draws.within('probe')))
        applied = session.run(applied, {position: 2})
    for i in range(2):
        assert first[i].dtype == np.float32 and first[i].shape == images.shape and np.abs(first[i]).max() <= 1
        np.testing.assert_array_equal(first[i], again[i])
        assert (first[i] != other[i]).any((1, 2, 3)).mean() > 0.9
    np.testing.assert_array_equal(first[1], applied)
    assert (first[0] != first[1]).any((1, 2, 3)).mean() > 0.9


def test_strong_is_policy_then_cutout():
    """ReMixMatch's images are FixMatch's without the final cutout."""
    images, rates = noise(32, 16, 16, 3), ctaugment.LAYOUT.initial_rates()

    def tensors():
        draws, x = Draws(1, 2), tf.constant(images)
        applied = CTA.apply(x, CTA.sample(draws, 32, rates), draws)
        return [CTA.strong(x, rates, draws), CTA.strong(x, rates, draws, final_cutout=False), to_float(applied),
                to_float(ctaugment.cutout(applied, draws))]

    strong, uncut, applied, covered = run(tensors)
    np.testing.assert_array_equal(uncut, applied)
    np.testing.assert_array_equal(strong, covered)
    assert (strong != uncut).any(-1).sum((1, 2)).max() <= 64


def test_every_image_operation_is_known():
    assert {operation.image_op for operation in OPERATIONS.values()} <= set(operations.OPERATIONS)
