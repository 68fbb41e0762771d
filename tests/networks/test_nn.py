"""Names, initial values, dtypes and arithmetic of the layers."""

from libml.networks import nn

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1


def initialised(session):
    session.run(tf1.global_variables_initializer())
    return session


def conv_numpy(x, kernel):
    """3x3 SAME convolution of stride 1, written out."""
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    h, w = x.shape[1:3]
    return sum(padded[:, i:i + h, j:j + w] @ kernel[i, j] for i in range(3) for j in range(3))


def initial_kernels(seed, layers):
    """{name: initial value} of a graph with the given seed and number of 3x3 convolutions of 4 filters."""
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.set_random_seed(seed)
        with tf1.variable_scope('classify'):
            for _ in range(layers):
                nn.conv2d(tf.zeros([1, 4, 4, 4]), 4, 3)
        return initialised(session).run({v.op.name: v for v in tf1.trainable_variables() if 'kernel' in v.op.name})


def test_names_are_numbered_and_found_again():
    with tf.Graph().as_default():
        for _ in range(2):
            with tf1.variable_scope('classify', reuse=tf1.AUTO_REUSE):
                bn = nn.BatchNorm()
                y = nn.conv2d(tf.zeros([2, 4, 4, 3]), 5, 3)
                y = bn(nn.conv2d(bn(y, False), 5, 3, use_bias=False), False)
                nn.dense(nn.global_mean(y), 2)
        assert [v.op.name for v in tf1.trainable_variables()] == [f'classify/{name}' for name in (
            'conv2d/kernel', 'conv2d/bias', 'batch_normalization/gamma', 'batch_normalization/beta', 'conv2d_1/kernel',
            'batch_normalization_1/gamma', 'batch_normalization_1/beta', 'dense/kernel', 'dense/bias')]
        assert {v.op.name for v in tf1.global_variables()} - {v.op.name for v in tf1.trainable_variables()} == {
            f'classify/{bn}/moving_{m}' for bn in ('batch_normalization', 'batch_normalization_1')
            for m in ('mean', 'variance')}


@pytest.mark.parametrize('strides,padding,shape', [(1, 'SAME', (2, 6, 6, 5)), (2, 'SAME', (2, 3, 3, 5)),
                                                   (1, 'VALID', (2, 4, 4, 5)), (1, nn.CENTERED, (2, 6, 6, 5)),
                                                   (2, nn.CENTERED, (2, 3, 3, 5))])
def test_conv2d(strides, padding, shape):
    x = np.random.RandomState(0).normal(size=(2, 6, 6, 3)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        y = nn.conv2d(tf.constant(x), 5, 3, strides, padding)
        kernel, bias = tf1.trainable_variables()
        initialised(session).run(bias.assign(np.arange(5)))
        y, kernel = session.run([y, kernel])
    want = conv_numpy(x, kernel) + np.arange(5)
    # Stride 2 on an even size pads after, never before: its windows are centred on odd rows.
    want = {('SAME', 1): want, ('SAME', 2): want[:, 1::2, 1::2], ('VALID', 1): want[:, 1:-1, 1:-1],
            (nn.CENTERED, 1): want, (nn.CENTERED, 2): want[:, ::2, ::2]}[padding, strides]
    assert y.shape == shape
    np.testing.assert_allclose(y, want, atol=1e-5)


@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize('strides,height,width', [(2, 6, 8), (2, 5, 7), (3, 6, 7), (3, 8, 5)])
def test_strided_1x1_convolution(strides, height, width, padding):
    """Every stride-th pixel from the first one, and their gradients, by convolutions of stride 1 alone."""
    x = np.random.RandomState(0).normal(size=(2, height, width, 3)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        image = tf.constant(x)
        y = nn.conv2d(image, 5, 1, strides, padding, use_bias=False)
        kernel, = tf1.trainable_variables()
        gradients = tf.gradients(tf.nn.l2_loss(y), [image, kernel])
        found = [op.get_attr('strides') for op in tf1.get_default_graph().get_operations() if 'Conv2D' in op.type]
        assert found == [[1, 1, 1, 1]] * 3
        y, (dx, dw), w = initialised(session).run([y, gradients, kernel])
    chosen = x[:, ::strides, ::strides]
    np.testing.assert_allclose(y, chosen @ w[0, 0], atol=1e-5)
    np.testing.assert_allclose(dw[0, 0], np.einsum('bhwi,bhwo->io', chosen, y), rtol=1e-4, atol=1e-4)
    wanted = np.zeros_like(x)
    wanted[:, ::strides, ::strides] = y @ w[0, 0].T
    np.testing.assert_allclose(dx, wanted, atol=1e-5)


@pytest.mark.parametrize('dtype', [tf.float32, tf.bfloat16])
def test_constant_bias_is_added_and_gets_a_gradient_of_zero(dtype):
    """Without summing anything up for it; all other gradients stay as they are."""
    x = np.random.RandomState(0).normal(size=(2, 6, 6, 3)).astype('f')
    found = []
    for constant in (False, True):
        with tf.Graph().as_default() as graph, tf1.Session() as session:
            image = tf.constant(x)
            y = nn.conv2d(tf.cast(image, dtype), 5, 3, constant_bias=constant)
            kernel, bias = tf1.trainable_variables()
            gradients = tf.gradients(tf.nn.l2_loss(y), [image, kernel, bias])
            assert any(op.type == 'BiasAddGrad' for op in graph.get_operations()) != constant
            initialised(session).run(bias.assign(np.arange(5)))
            found.append(session.run([tf.cast(y, tf.float32), *gradients]))
    (*others, of_bias), (*same, of_constant) = found
    assert others[0].mean() > 1 and np.abs(of_bias).min() > 0
    for a, b in zip(others, same):
        np.testing.assert_array_equal(a, b)
    assert of_constant.tolist() == [0.] * 5 and of_constant.dtype == np.float32


@pytest.mark.parametrize('alpha', [0.1, 0.2])
@pytest.mark.parametrize('dtype', [tf.float32, tf.bfloat16])
def test_leaky_relu_needs_nothing_but_its_output(dtype, alpha):
    """Values and gradients are TensorFlow's to the bit, also where the output is too small for a float."""
    x = np.concatenate([np.linspace(-3, 3, 60), [0., -0., 1e-45, -1e-45, 1e-38, -1e-38, np.inf, -np.inf]]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        given = tf.cast(tf.constant(x), dtype)
        found = [(y, tf.gradients(y, given, tf.cast(tf.range(1., 1. + len(x)), dtype))[0])
                 for y in (tf.nn.leaky_relu(given, alpha), nn.leaky_relu(given, alpha))]
        assert found[1][1].op.type == 'LeakyReluGrad' and found[1][1].op.inputs[1] is found[1][0]
        (y, dy), ours = session.run([[tf.cast(t, tf.float32) for t in pair] for pair in found])
    assert 0 < y[59] and y[0] < 0 and dy[59] == 60
    for a, b in zip((y, dy), ours):
        np.testing.assert_array_equal(a, b)


def test_dense_and_global_mean():
    x = np.random.RandomState(0).normal(size=(2, 6, 6, 3)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        y = nn.dense(nn.global_mean(tf.constant(x)), 5)
        kernel, bias = tf1.trainable_variables()
        initialised(session).run(bias.assign(np.arange(5)))
        y, kernel = session.run([y, kernel])
    np.testing.assert_allclose(y, x.mean((1, 2)) @ kernel + np.arange(5), atol=1e-5)


def test_initial_values_depend_on_seed_and_name_only():
    three, again, two, other = [initial_kernels(*args) for args in ((1, 3), (1, 3), (1, 2), (2, 3))]
    for name in three:
        np.testing.assert_array_equal(three[name], again[name])
        assert np.abs(three[name] - other[name]).max() > 0.1
    for name in two:
        np.testing.assert_array_equal(three[name], two[name])
    assert np.abs(three['classify/conv2d/kernel'] - three['classify/conv2d_1/kernel']).max() > 0.1


@pytest.mark.parametrize('initializer,stddev,largest', [
    (nn.he_out_normal, np.sqrt(2 / (9 * 64)), None), (nn.xavier_normal, np.sqrt(2 / (9 * (32 + 64))), None),
    (nn.normal, 0.01, None), (nn.he_normal, np.sqrt(2 / (9 * 32)), np.sqrt(2 / (9 * 32)) * 2 / 0.87962566),
    (nn.glorot_normal, np.sqrt(2 / (9 * (32 + 64))), np.sqrt(2 / (9 * (32 + 64))) * 2 / 0.87962566),
    (nn.glorot_uniform, np.sqrt(2 / (9 * (32 + 64))), np.sqrt(6 / (9 * (32 + 64))))])
def test_initialisers(initializer, stddev, largest):
    with tf.Graph().as_default(), tf1.Session() as session:
        value = session.run(initializer([3, 3, 32, 64], tf.constant([3, 0], tf.int64)))
    assert abs(value.mean()) < 4 * stddev / np.sqrt(value.size)
    np.testing.assert_allclose(value.std(), stddev, rtol=0.02)
    if largest:
        assert largest * 0.99 < np.abs(value).max() <= largest
    else:
        assert np.abs(value).max() > 3.5 * stddev


@pytest.mark.parametrize('unbiased', [True, False])
def test_batch_norm_training(unbiased):
    x = np.random.RandomState(0).normal(3, 2, size=(2, 3, 4, 5)).astype('f')
    momentum, epsilon, gamma, beta = 0.9, 0.01, np.arange(1, 6), np.arange(5)
    with tf.Graph().as_default(), tf1.Session() as session:
        bn = nn.BatchNorm(momentum, epsilon, unbiased)
        y = bn(tf.constant(x), True)
        updates = bn.updates()
        assert not tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)
        values = {v.op.name.split('/')[1]: v for v in tf1.global_variables()}
        assert [v.op.name.split('/')[1] for v, _ in bn.batch_stats] == ['moving_mean', 'moving_variance']
        initialised(session).run([values['gamma'].assign(gamma), values['beta'].assign(beta),
                                  values['moving_mean'].assign(np.full(5, 7)),
                                  values['moving_variance'].assign(np.full(5, 11))])
        y = session.run(y)
        assert (session.run(values['moving_mean']) == 7).all()  # a pass alone updates nothing.
        session.run(updates)
        mean, variance = session.run([values['moving_mean'], values['moving_variance']])
    flat = x.reshape(-1, 5).astype('d')
    want = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + epsilon) * gamma + beta
    np.testing.assert_allclose(y.reshape(-1, 5), want, atol=1e-5)
    np.testing.assert_allclose(mean, 0.9 * 7 + 0.1 * flat.mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, 0.9 * 11 + 0.1 * flat.var(0, ddof=int(unbiased)), rtol=1e-6)


def test_batch_norm_inference():
    x = np.random.RandomState(0).normal(3, 2, size=(2, 3, 4, 5)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        bn = nn.BatchNorm(epsilon=0.5)
        y = bn(tf.constant(x), False)
        assert not bn.updates()
        _, _, mean, variance = tf1.global_variables()
        initialised(session).run([mean.assign(np.arange(5)), variance.assign(np.arange(1, 6))])
        y = session.run(y)
    np.testing.assert_allclose(y, (x - np.arange(5)) / np.sqrt(np.arange(1, 6) + 0.5), atol=1e-5)


def test_updates_belong_to_one_pass_and_to_the_callers_control_dependencies():
    x = np.random.RandomState(0).normal(size=(2, 3, 4, 5)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        first, second = nn.BatchNorm(momentum=0.5), nn.BatchNorm(momentum=0.5)
        for bn, factor in ((first, 1), (second, 100)):
            with tf1.variable_scope('classify', reuse=tf1.AUTO_REUSE):
                bn(factor * tf.constant(x), True)
        moving = first.batch_stats[0][0]
        with tf.control_dependencies([moving.assign(np.full(5, 6))]):
            updates = first.updates()
        initialised(session).run(updates)
        np.testing.assert_allclose(session.run(moving), 3 + x.mean((0, 1, 2)) / 2, atol=1e-6)


def test_bfloat16_keeps_variables_and_statistics_in_float32():
    x = np.random.RandomState(0).normal(size=(4, 6, 6, 3)).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        out = {}
        for dtype in (tf.float32, tf.bfloat16):
            bn = nn.BatchNorm()
            with tf1.variable_scope('classify', reuse=tf1.AUTO_REUSE):
                y = bn(nn.conv2d(tf.cast(x, dtype), 8, 3), True)
            assert y.dtype == dtype
            grads = tf.gradients(tf.reduce_sum(tf.cast(y, tf.float32) ** 3), tf1.trainable_variables())
            assert {g.dtype for g in grads} == {tf.float32}
            out[dtype] = [tf.cast(y, tf.float32), bn.batch_stats[1][1], grads[0]]
        assert {v.dtype.base_dtype for v in tf1.global_variables()} == {tf.float32}
        single, half = initialised(session).run([out[tf.float32], out[tf.bfloat16]])
    for a, b, tolerance in zip(single, half, (0.05, 0.02, 0.1)):
        assert 0 < np.abs(a - b).max() < tolerance * np.abs(a).max()
