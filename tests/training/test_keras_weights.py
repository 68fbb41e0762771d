"""Files of Keras: both layouts, written by hand. tests/networks/test_resnet50.py reads some that Keras wrote."""

import sys

from libml.networks import resnet50
from libml.training import keras_weights
from refusals import refused

import h5py
import numpy as np
import pytest

LAYERS = {'conv1_conv': [[1.], [2.]], 'conv2_block1_1_conv': [[3.]], 'conv2_block1_preact_bn': [[4.], [5.], [6.], [7.]],
          'predictions': [[8.], [9.]], 'conv1_pad': []}
FOUND = {'conv2d/kernel': 1, 'conv2d/bias': 2, 'conv2d_2/kernel': 3, 'batch_normalization/gamma': 4,
         'batch_normalization/beta': 5, 'batch_normalization/moving_mean': 6, 'batch_normalization/moving_variance': 7,
         'dense/kernel': 8, 'dense/bias': 9}


def older(path, layers, inside=None, of_text=str):
    """Writes the layout of files that hold weights alone; `inside` a group, that of files of a whole model."""
    with h5py.File(path, 'w') as f:
        group = f.create_group(inside) if inside else f
        group.attrs['layer_names'] = [of_text(layer) for layer in layers]
        for layer, weights in layers.items():
            names = [f'{layer}/weight_{i}:0' for i in range(len(weights))]
            group.create_group(layer).attrs['weight_names'] = [of_text(name) for name in names]
            for name, weight in zip(names, weights):
                group[layer][name] = np.float32(weight)


def keras_3(path, layers, named=True):
    """Writes the layout of Keras 3: groups are called after classes of layers, in another order than they are here."""
    with h5py.File(path, 'w') as f:
        f.create_group('optimizer/vars')['0'] = np.float32([10.])
        for i, (layer, weights) in enumerate(layers.items()):
            group = f.create_group(f'layers/layer_{9 - i}/vars')
            if named:
                group.attrs['name'] = layer
            for n, weight in enumerate(weights):
                group[str(n)] = np.float32(weight)


@pytest.mark.parametrize('write, kwargs', [
    (older, {}), (older, dict(of_text=str.encode)), (older, dict(inside='model_weights')), (keras_3, {})])
def test_weights_have_the_names_of_variables(tmp_path, write, kwargs):
    path = str(tmp_path / 'a.h5')
    write(path, LAYERS, **kwargs)
    found = keras_weights.read(path)
    assert {name: value.item() for name, value in found.items()} == FOUND


def test_layers_of_another_network_keep_their_names(tmp_path):
    """In Keras' ResNet50 and in longer ones are layers that are not in ResNet50V2."""
    path = str(tmp_path / 'a.h5')
    older(path, {'conv1_bn': [[1.], [2.]], 'dense': [[3.]], 'conv3_block9_1_conv': [[4.]]})
    assert set(keras_weights.read(path)) == {'conv1_bn/0', 'conv1_bn/1', 'dense/0', 'conv3_block9_1_conv/0'}


def test_more_weights_than_a_layer_has_are_numbered(tmp_path):
    path = str(tmp_path / 'a.h5')
    keras_3(path, {'conv1_conv': [[1.], [2.], [3.]]})
    assert set(keras_weights.read(path)) == {'conv2d/kernel', 'conv2d/bias', 'conv2d/2'}


def test_what_is_no_number_is_an_array_nevertheless(tmp_path):
    """Whoever takes it refuses it."""
    path = str(tmp_path / 'a.h5')
    older(path, {'conv1_conv': [[1.]]})
    with h5py.File(path, 'r+') as f:
        del f['conv1_conv/conv1_conv/weight_0:0']
        f['conv1_conv/conv1_conv/weight_0:0'] = 'text'
    assert keras_weights.read(path)['conv2d/kernel'].shape == ()


def test_every_layer_has_one_name():
    names = resnet50.keras_layers()
    assert len(names) == len(set(names.values())) == 53 + 49
    assert [names[scope] for scope in ('conv2d', 'conv2d_1', 'conv2d_4', 'conv2d_5', 'batch_normalization_48')] == [
        'conv1_conv', 'conv2_block1_0_conv', 'conv2_block1_3_conv', 'conv2_block2_1_conv', 'post_bn']


def broken(path):
    older(path, LAYERS)
    with h5py.File(path, 'r+') as f:
        del f['conv1_conv/conv1_conv']


UNREADABLE, NAMELESS = 'cannot read it as a file of Keras: ', 'it names no layers with weights: give'


@pytest.mark.parametrize('write, text', [
    (lambda path: None, UNREADABLE), (lambda path: open(path, 'w').write('x'), UNREADABLE), (broken, UNREADABLE),
    (lambda path: older(path, {}), NAMELESS), (lambda path: keras_3(path, LAYERS, named=False), NAMELESS),
    (lambda path: keras_3(path, {'conv1_pad': []}), NAMELESS)])
def test_what_is_no_file_of_keras(tmp_path, write, text):
    path = str(tmp_path / 'a.h5')
    write(path)
    with refused(text):
        keras_weights.read(path)


def test_without_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with refused('files of Keras need h5py: pip install h5py'):
        keras_weights.read(str(tmp_path / 'a.h5'))
