"""Networks: values of the original code, parameter counts, errors, dtypes."""

import ast
import math

from libml.draws import Draws
from libml.networks import archs, nn
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf

tf1 = tf.compat.v1
# The others have a file of their own.
SCALED = [arch for arch in archs.ARCHS if not arch.startswith('resnet50')]


def network(arch, x, training, nclass=10, scales=3, filters=8, repeat=2, dropout=0., draws=None):
    with tf1.variable_scope('classify', reuse=tf1.AUTO_REUSE):
        return archs.build(arch, x, training, nn.BatchNorm(), nclass, scales, filters, repeat, dropout, draws)


def load(session, arrays):
    """Sets every variable of the graph to its recorded value."""
    variables = tf1.global_variables()
    session.run([v.assign(arrays['var:' + v.op.name.replace('/', '|')]) for v in variables])


@pytest.mark.parametrize('arch', ['resnet', 'shake', 'convnet', 'cnn13'])
def test_golden_network(arch, golden):
    arrays = golden(f'arch_{arch}')
    with tf.Graph().as_default(), tf1.Session() as session:
        kwargs = ast.literal_eval(str(arrays['kwargs']))
        evaluated = network(arch, tf.constant(arrays['images']), False, **kwargs)
        trained = network(arch, tf.constant(arrays['images']), True, **kwargs, draws=Draws(0, 0))
        assert [v.op.name for v in tf1.trainable_variables()] == list(arrays['trainable'])
        assert sum(name.startswith('var:') for name in arrays) == len(tf1.global_variables())
        load(session, arrays)
        evaluated, trained = session.run([evaluated.logits, trained.logits])
    np.testing.assert_allclose(evaluated, arrays['logits_eval'], rtol=1e-5, atol=1e-5)
    if 'logits_train' in arrays:
        np.testing.assert_allclose(trained, arrays['logits_train'], rtol=1e-5, atol=1e-5)
        assert np.abs(trained - evaluated).max() > 1e-2 or arch == 'convnet'


@pytest.mark.parametrize('arch,nclass,filters,scales,side,colors,count', [
    ('resnet', 10, 32, 3, 32, 3, 1469642), ('resnet', 100, 135, 3, 32, 3, 26033980),
    ('resnet', 10, 32, 5, 96, 3, 23774922), ('resnet', 10, 32, 3, 32, 1, 1469354),
    ('shake', 10, 32, 3, 32, 3, 2923130), ('shake', 100, 96, 3, 32, 3, 26227540),
    ('convnet', 10, 32, 3, 32, 3, 605226), ('convnet', 100, 32, 3, 32, 3, 812676),
    ('cnn13', 10, 32, 3, 32, 3, 197290), ('cnn13', 100, 128, 3, 32, 3, 3135460),
    ('conv4', 10, 32, 5, 96, 3, 857354), ('conv4', 10, 32, 3, 32, 3, 464138),
    ('wrn_var_37_2', 10, 32, 4, 96, 3, 5933770)])
def test_parameter_count(arch, nclass, filters, scales, side, colors, count):
    with tf.Graph().as_default():
        out = network(arch, tf1.placeholder(tf.float32, [None, side, side, colors]), False, nclass, scales, filters, 4)
        assert sum(math.prod(v.shape) for v in tf1.trainable_variables()) == count
        features = {'convnet': filters << scales, 'cnn13': filters, 'conv4': 4 * filters}.get(
            arch, filters << scales - 1)
        assert out.logits.shape.as_list() == [None, nclass] and out.embeds.shape.as_list() == [None, features]
        # Which networks can be cut above their features by the name of their last layer.
        dense = [v.op.name for v in tf1.trainable_variables() if 'dense' in v.op.name and 'kernel' in v.op.name]
        assert (dense == [archs.HEAD + 'kernel']) == (arch not in archs.NO_HEAD)
        assert tf1.trainable_variables()[-1].op.name == f'classify/{archs.head(arch, scales)}/bias'


@pytest.mark.parametrize('arch', SCALED)
def test_biases_that_batch_norm_takes_away_are_constants_in_training(arch):
    """Gradients of zero in training passes have those, and only those, that do not change what the network says."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf.constant(random.uniform(-1, 1, [8, 32, 32, 3]), tf.float32)
        trained, evaluated = [network(arch, x, training, repeat=1, draws=Draws(0, 0)).logits
                              for training in (True, False)]
        biases = [v for v in tf1.trainable_variables() if v.op.name.endswith('/bias')]
        weights = tf.constant(random.normal(size=[8, 10]), tf.float32)
        session.run(tf1.global_variables_initializer())
        before, gradients, of_evaluated = session.run(
            [trained, *(tf.gradients(tf.reduce_sum(weights * z), biases) for z in (trained, evaluated))])
        constant = [not g.any() for g in gradients]
        session.run([v.assign(random.normal(size=v.shape)) for v, is_constant in zip(biases, constant) if is_constant])
        np.testing.assert_allclose(session.run(trained), before, rtol=1e-3, atol=1e-4)
        for v, is_constant in zip(biases, constant):
            if not is_constant:
                session.run(v.assign_add(random.normal(size=v.shape)))
                after = session.run(trained)
                assert np.abs(after - before).max() > 1e-3, v.op.name
                before = after
    assert constant == [arch in ('resnet', 'wrn_var_37_2')] * (len(biases) - 1) + [False]
    assert all(np.abs(g).max() > 1e-5 for g in of_evaluated)


@pytest.mark.parametrize('arch', SCALED)
def test_bfloat16_is_close(arch):
    x = np.random.RandomState(0).uniform(-1, 1, [8, 32, 32, 3]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        single, half = [network(arch, tf.cast(x, dtype), True, draws=Draws(0, 0))
                        for dtype in (tf.float32, tf.bfloat16)]
        assert {t.dtype for out in (single, half) for t in out.values()} == {tf.float32}
        assert {v.dtype.base_dtype for v in tf1.global_variables()} == {tf.float32}
        session.run(tf1.global_variables_initializer())
        single, half = session.run([single, half])
    for name in ('logits', 'embeds'):
        assert 0 < np.abs(single[name] - half[name]).max() < 0.1 * np.abs(single[name]).max()


def test_shake_draws_anew_at_every_position_and_block():
    x = np.random.RandomState(0).uniform(-1, 1, [4, 8, 8, 3]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        position = tf1.placeholder(tf.int64, [])
        logits = network('shake', tf.constant(x), True, scales=2, draws=Draws(0, position)).logits
        session.run(tf1.global_variables_initializer())
        one, again, two = [session.run(logits, {position: p}) for p in (1, 1, 2)]
        keys = [op for op in tf1.get_default_graph().get_operations() if op.type == 'StatelessRandomUniformV2']
        seeds = {tuple(session.run(op.inputs[1], {position: 1})) for op in keys if 'Initializer' not in op.name}
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - two).max() > 1e-3
    assert len(seeds) == 2 * 2 * 2  # a forward and a backward one for each of 2 blocks in 2 scales.


def test_dropout_scales_what_it_keeps_and_acts_in_training_only():
    x = np.random.RandomState(0).uniform(-1, 1, [50, 8, 8, 3]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        plain = network('resnet', tf.constant(x), True, scales=2).embeds
        dropped = network('resnet', tf.constant(x), True, scales=2, dropout=0.25, draws=Draws(0, 0))
        evaluated = [network('resnet', tf.constant(x), False, scales=2, dropout=p).embeds for p in (0., 0.25)]
        dense = [v for v in tf1.trainable_variables() if 'dense/kernel' in v.op.name][0]
        session.run(tf1.global_variables_initializer())
        plain, dropped, evaluated, dense = session.run([plain, dropped, evaluated, dense])
    kept = dropped.embeds != 0
    assert 0.7 < kept.mean() < 0.8
    np.testing.assert_allclose(dropped.embeds, kept * plain / 0.75, atol=1e-5)
    np.testing.assert_allclose(dropped.logits, dropped.embeds @ dense, atol=1e-4)
    np.testing.assert_array_equal(*evaluated)


@pytest.mark.parametrize('arch', SCALED)
def test_few_filters_on_larger_images(arch):
    """A step at 96x96: a strided 1x1 convolution with fewer than 16 inputs crashes in the backward pass."""
    x = np.random.RandomState(0).uniform(-1, 1, [4, 96, 96, 3]).astype('f')
    for filters in (4, 12):  # Twice of 4 is 8.
        with tf.Graph().as_default(), tf1.Session() as session:
            out = network(arch, tf.constant(x), True, filters=filters, repeat=1, draws=Draws(0, 0))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(range(4), out.logits))
            step = tf1.train.GradientDescentOptimizer(0.01).minimize(loss)
            for op in tf1.get_default_graph().get_operations():
                if op.type == 'Conv2D' and op.inputs[1].shape[:2] == [1, 1]:
                    assert op.get_attr('strides') == [1, 1, 1, 1], op.name
            session.run(tf1.global_variables_initializer())
            first, _ = session.run([loss, step])
            assert session.run(loss) < first


def test_convnet_logits_are_the_mean_of_a_convolution():
    with tf.Graph().as_default():
        network('convnet', tf.zeros([1, 8, 8, 3]), True)
        names = [v.op.name for v in tf1.trainable_variables()]
        assert names[-1] == 'classify/conv2d_7/bias' and tf1.trainable_variables()[-1].shape == [10]


@pytest.mark.parametrize('arch,scales,side,message', [
    ('wrn', 3, 32, "'wrn'.*resnet, shake, convnet, cnn13"), ('cnn13', 4, 32, 'cnn13 has 3 scales, not 4'),
    ('cnn13', 3, 8, '8x8.*at least 12'), ('resnet', 7, 32, '7 scales.*32x32.*at least 64'),
    ('resnet', 0, 32, '0 scales'), ('convnet', 4, 8, '4 scales.*8x8.*at least 16'),
    ('shake', 3, 30, '30x30.*multiples of 4'), ('conv4', 3, 28, 'conv4 .*28x28: .*at least 31'),
    ('wrn_var_37_2', 4, 12, '4 scales.*12x12.*at least 16'),
    *((arch, 3, 31, f'{arch} does not fit images of 31x31: sides of at least 32 are needed, or another arch')
      for arch in ('resnet50', 'resnet50v2'))])
def test_errors_say_what_would_be_right(arch, scales, side, message):
    with tf.Graph().as_default(), pytest.raises(InputError, match=message):
        network(arch, tf.zeros([1, side, side, 3]), False, scales=scales)


@pytest.mark.parametrize('arch,scales,side', [('resnet', 6, 32), ('convnet', 3, 8), ('shake', 4, 8), ('cnn13', 3, 12),
                                              ('conv4', 3, 31), ('wrn_var_37_2', 3, 8)])
def test_the_most_scales_that_fit(arch, scales, side):
    with tf.Graph().as_default(), tf1.Session() as session:
        logits = network(arch, tf.zeros([1, side, side, 3]), False, scales=scales, filters=2, repeat=1).logits
        session.run(tf1.global_variables_initializer())
        assert np.isfinite(session.run(logits)).all()


def convolved(x, kernel, strides):
    """A convolution of zeros of half the kernel's size on each side, written out."""
    n = kernel.shape[0] // 2
    padded = np.pad(x, [(0, 0), (n, n), (n, n), (0, 0)])
    height, width = x.shape[1:3]
    return sum(padded[:, i:i + height:strides, j:j + width:strides] @ kernel[i, j]
               for i in range(2 * n + 1) for j in range(2 * n + 1))


def test_wrn_var_is_that_of_usb():
    """Every scale halves the image, also the first one, and its first block activates its shortcut; the pixels that a
    strided convolution is centred on are the even ones, as PyTorch's."""
    random = np.random.RandomState(0)
    x = random.normal(size=[2, 12, 10, 3]).astype('f')
    with tf.Graph().as_default(), tf1.Session() as session:
        out = network('wrn_var_37_2', tf.constant(x), False, nclass=5, scales=2, filters=4, repeat=2)
        values = {v: random.normal(size=v.shape) if v.trainable else np.ones(v.shape) for v in tf1.global_variables()}
        session.run([v.initializer for v in values], {v.initial_value: value for v, value in values.items()})
        logits = session.run(out.logits)
    convs, norms, dense = [[value for v, value in values.items() if f'/{kind}' in v.op.name and v.trainable]
                           for kind in ('conv2d', 'batch_normalization', 'dense')]
    convs, norms = [iter(list(zip(part[::2], part[1::2]))) for part in (convs, norms)]

    def conv(y, strides=1):
        kernel, bias = next(convs)
        return convolved(y, kernel, strides) + bias

    def activation(y):
        gamma, beta = next(norms)
        y = (y - 1) / np.sqrt(1 + 1e-3) * gamma + beta
        return np.where(y > 0, y, 0.1 * y)

    y = conv(x)
    for first in (True, False, True, False):
        shortcut, y = y, activation(y)
        shortcut = y if first else shortcut
        y = conv(activation(conv(y, 2 if first else 1)))
        y += conv(shortcut, 2) if first else shortcut
    y = activation(y)
    assert y.shape == (2, 3, 3, 8)
    wanted = y.mean((1, 2)) @ dense[0] + dense[1]
    np.testing.assert_allclose(logits, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize('arch, width, scales', [('resnet', 96, 5), ('wrn_var_37_2', 96, 4), ('wrn_var_37_2', 32, 4),
                                                 ('resnet', 4, 1), ('conv4', 32, 3)])
def test_scales_unless_given(arch, width, scales):
    assert archs.scales(arch, width) == scales
