"""ResNet-50: version 2 against keras.applications, version 1 against layers of Keras put together here."""

import math
import re
import types

import toy
from libml import models
from libml.networks import archs, nn, resnet50
from libml.training import keras_weights

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

tf1 = tf.compat.v1
pytestmark = pytest.mark.filterwarnings('ignore:__array__ implementation:DeprecationWarning')  # Of Keras.
SIDE, BATCH, NCLASS = 72, 2, 5


def build(arch, x, training, nclass=NCLASS):
    with tf1.variable_scope('classify', reuse=tf1.AUTO_REUSE):
        batch_norm = nn.BatchNorm(archs.BN_MOMENTUM[arch], archs.BN_EPSILON[arch])
        return archs.build(arch, x, training, batch_norm, nclass, 1, 1, 1)


def values_of(model, random):
    """Random weights and running statistics of a Keras model. Few inputs of ReLU are near 0 in training, where rounding
    would decide about gradients."""
    ranges = dict(gamma=(0.3, 0.6), beta=(2, 3), moving_variance=(2, 6), moving_mean=(-9, 9), bias=(-0.1, 0.1))
    return [(random.normal(0, math.sqrt(2 / math.prod(w.shape[:-1])), w.shape) if w.name == 'kernel'
             else random.uniform(*ranges[w.name], w.shape)).astype('f') for w in model.weights]


class Passes(models.MultiModel):
    """Passes of the network over the same images: with running statistics, with those of the batch, in bfloat16."""

    def algorithm(self):
        x = tf.compat.v1.placeholder(tf.float32, [BATCH, SIDE, SIDE, 3])
        half = EasyDict(self.params, precision='bfloat16')
        return EasyDict(x=x, evaluated=self.classifier(x, False), trained=self.classifier(x, True, name='train'),
                        half=self.network('classify', NCLASS, x, False, params=half))


@pytest.fixture(scope='module')
def keras_v2(tmp_path_factory):
    """Keras' ResNet50V2 with random weights and statistics: its files, and what it makes of some images."""
    import keras

    folder, random = tmp_path_factory.mktemp('keras'), np.random.RandomState(0)
    model = keras.applications.ResNet50V2(weights=None, input_shape=(SIDE, SIDE, 3), classes=NCLASS,
                                          classifier_activation=None)
    model.set_weights(values_of(model, random))
    files = [str(folder / name) for name in ('keras3.weights.h5', 'older.h5')]
    model.save_weights(files[0])
    model.save(files[1])
    x, direction = random.uniform(-1, 1, [BATCH, SIDE, SIDE, 3]).astype('f'), random.normal(size=[BATCH, NCLASS])
    evaluated = model(x, training=False).numpy()
    with tf.GradientTape() as tape:
        trained = model(x, training=True)
        loss = tf.reduce_sum(trained * direction.astype('f'))
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    return types.SimpleNamespace(
        files=files, x=x, direction=direction, evaluated=evaluated, trained=trained.numpy(),
        gradients={w.path: g.numpy() for w, g in zip(model.trainable_weights, gradients)},
        moving={w.path: w.numpy() for w in model.non_trainable_weights}, parameters=model.count_params())


@pytest.fixture(scope='module')
def ours_v2(keras_v2, tmp_path_factory):
    """--arch=resnet50v2 started with the file of Keras 3: the same of it, by names in Keras."""
    model = Passes(str(tmp_path_factory.mktemp('ours')), toy.dataset(size=SIDE, nclass=NCLASS), arch='resnet50v2',
                   init=keras_v2.files[0])
    layers = {**resnet50.keras_layers(), 'dense': 'predictions'}
    with model.session() as session:
        variables = tf1.trainable_variables()
        gradients = tf.gradients(tf.reduce_sum(model.ops.trained.logits * keras_v2.direction), variables)
        ops, gradients = session.run([model.ops, gradients], {model.ops.x: keras_v2.x})
        session.run(model.tune_op('train'), {model.ops.x: keras_v2.x})
        moving = session.run({v.op.name: v for v, _ in model.batch_norms['train'].batch_stats})

    def path(name):
        layer, part = name.removeprefix('classify/').split('/')
        return f'{layers[layer]}/{part}'

    return types.SimpleNamespace(
        **ops, gradients={path(v.op.name): g for v, g in zip(variables, gradients)},
        moving={path(name): value for name, value in moving.items()}, told=model.started_from, params=model.params,
        parameters=sum(math.prod(v.shape) for v in [*variables, *moving.values()]))


def test_v2_is_that_of_keras(keras_v2, ours_v2):
    """Outputs with running statistics and with those of the batch."""
    assert ours_v2.parameters == keras_v2.parameters == 23564800 + 2048 * NCLASS + NCLASS
    for found, wanted in ((ours_v2.evaluated, keras_v2.evaluated), (ours_v2.trained, keras_v2.trained)):
        assert 1 < np.abs(wanted).max() < 10 and found.embeds.shape == (BATCH, 2048)
        np.testing.assert_allclose(found.logits, wanted, rtol=0, atol=1e-5)
    assert np.abs(keras_v2.evaluated - keras_v2.trained).max() > 0.1
    assert 0 < np.abs(ours_v2.half.logits - keras_v2.evaluated).max() < 0.1
    assert len(ours_v2.told) == 1 and '272 of 272 variables' in ours_v2.told[0]


def test_v2_has_the_gradients_of_keras(keras_v2, ours_v2):
    """Biases whose sum batch norm takes away have none, but for rounding."""
    assert set(ours_v2.gradients) == set(keras_v2.gradients)
    rounding = 1e-6 * max(map(np.linalg.norm, keras_v2.gradients.values()))
    for name, wanted in keras_v2.gradients.items():
        difference = np.linalg.norm(ours_v2.gradients[name] - wanted)
        assert difference < 1e-4 * np.linalg.norm(wanted) + rounding, name


def test_v2_moves_its_statistics_with_the_momentum_of_keras(keras_v2, ours_v2):
    """0.99 unless given. Keras 3 follows the biased variance of a batch, this library the unbiased one."""
    assert ours_v2.params.bn_momentum == 0.99 and len(ours_v2.moving) == 98
    before = keras_weights.read(keras_v2.files[0])
    scopes = {name: scope for scope, name in resnet50.keras_layers().items()}
    rows = BATCH * 3 * 3
    for name, found in ours_v2.moving.items():
        layer, part = name.split('/')
        wanted, old = keras_v2.moving[name], before[f'{scopes[layer]}/{part}']
        assert np.abs(wanted - old).max() > 1e-3
        if part == 'moving_mean':
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5, err_msg=name)
        elif layer == 'post_bn':
            np.testing.assert_allclose(found - 0.99 * old, (wanted - 0.99 * old) * rows / (rows - 1), atol=1e-4)


def test_both_layouts_of_keras_hold_the_same(keras_v2):
    found, older = [keras_weights.read(path) for path in keras_v2.files]
    assert len(found) == 272 and set(found) == set(older)
    assert all(np.array_equal(value, older[name]) for name, value in found.items())


def keras_v1():
    """A Keras model of ResNet-50 with strides in the 3x3 convolutions; its layers are in the order of ours."""
    import keras
    layers = keras.layers

    def conv(x, filters, size, strides=1, padding='same'):
        return layers.Conv2D(filters, size, strides, padding, use_bias=False)(x)

    def norm(x):
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    image = keras.Input([SIDE, SIDE, 3])
    x = layers.ReLU()(norm(conv(layers.ZeroPadding2D(3)(image), 64, 7, 2, 'valid')))
    x = layers.MaxPooling2D(3, 2, 'same')(x)
    for filters, blocks, first in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            strides = 1 if i else first
            y = layers.ReLU()(norm(conv(x, filters, 1)))
            y = layers.ReLU()(norm(conv(y, filters, 3, strides)))
            y = norm(conv(y, 4 * filters, 1))
            x = x if i else norm(conv(x, 4 * filters, 1, strides))
            x = layers.ReLU()(layers.Add()([x, y]))
    return keras.Model(image, layers.Dense(NCLASS)(layers.GlobalAveragePooling2D()(x)))


def test_v1_is_that_of_layers_of_keras():
    """With running statistics and with those of the batch, in float32 and in bfloat16."""
    model, random = keras_v1(), np.random.RandomState(0)
    model.set_weights(values_of(model, random))
    # Layers of a kind are numbered in the order in which they were made, maybe not from 0.
    values = {}
    for kind in keras_weights.WEIGHTS:
        of_kind = sorted((layer for layer in model.layers if layer.name.startswith(kind)),
                         key=lambda layer: int((re.search(r'\d+$', layer.name) or [0])[0]))
        for i, layer in enumerate(of_kind):
            values.update({f'classify/{kind}{f"_{i}" if i else ""}/{w.name}': w.numpy() for w in layer.weights})
    x = random.uniform(-1, 1, [BATCH, SIDE, SIDE, 3]).astype('f')
    wanted = [model(x, training=training).numpy() for training in (False, True)]
    with tf.Graph().as_default(), tf1.Session() as session:
        found = [build('resnet50', tf.constant(x), training).logits for training in (False, True)]
        half = build('resnet50', tf.constant(x, tf.bfloat16), True).logits
        variables = tf1.global_variables()
        gradient, = tf.gradients(tf.nn.l2_loss(half), variables[:1])
        session.run([v.initializer for v in variables], {v.initial_value: values[v.op.name] for v in variables})
        found, half, gradient = session.run([found, half, gradient])
    assert np.abs(wanted[0] - wanted[1]).max() > 0.1 and {v.dtype.base_dtype for v in variables} == {tf.float32}
    for ours, theirs in zip(found, wanted):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    assert 0 < np.abs(half - wanted[1]).max() < 0.1 * np.abs(wanted[1]).max()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


# 7x7 kernels of the first layer [7, 7, 3, 64], and the last one [2048, 1000].
HE_NORMAL, SMALL = math.sqrt(2 / 147), 0.01
GLOROT, GLOROT_DENSE = math.sqrt(2 / (147 + 49 * 64)), math.sqrt(2 / 3048)


@pytest.mark.parametrize('arch, count, biases, ends, stddevs', [
    ('resnet50', 25557032, 0, [12, 25, 44], [HE_NORMAL, SMALL]),
    ('resnet50v2', 25613800 - 45440, 1 + 4 + 16, [9, 22, 41], [GLOROT, GLOROT_DENSE])])
def test_parameters_strides_and_initial_values(arch, count, biases, ends, stddevs):
    """Of 1,000 classes; Keras' count has 45,440 running statistics in it. Strided 1x1 convolutions follow a slice."""
    with tf.Graph().as_default() as graph, tf1.Session() as session:
        out = build(arch, tf1.placeholder(tf.float32, [None, 224, 224, 3]), False, 1000)
        variables = tf1.trainable_variables()
        assert sum(math.prod(v.shape) for v in variables) == count
        assert sum('conv2d' in v.op.name and v.op.name.endswith('bias') for v in variables) == biases
        assert out.logits.shape.as_list() == [None, 1000] and out.embeds.shape.as_list() == [None, 2048]
        convs = [op for op in graph.get_operations() if op.type == 'Conv2D']
        strided = [(op.inputs[1].shape[0], op.outputs[0].shape[1]) for op in convs if op.get_attr('strides')[1] == 2]
        assert strided == [(7, 112), (3, 28), (3, 14), (3, 7)]
        # Where images get smaller: v1 in the first block of a stage, v2 in the last one.
        sides = [op.outputs[0].shape[1] for op in convs]
        assert [sides.index(side) for side in (28, 14, 7)] == ends
        assert [v.op.name for v in variables[-2:]] == ['classify/dense/kernel', 'classify/dense/bias']
        kernels = [variables[0], variables[-2]]
        session.run([v.initializer for v in kernels])
        for value, stddev in zip(session.run(kernels), stddevs):
            np.testing.assert_allclose(value.std(), stddev, rtol=0.03)
            assert abs(value.mean()) < 5 * stddev / math.sqrt(value.size)
