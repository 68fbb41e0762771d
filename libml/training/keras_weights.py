"""Weights of Keras' ResNet50V2 in an HDF5 file, under the names that the variables of --arch=resnet50v2 have here.

Both layouts are read: `.weights.h5` of Keras 3, and the older one of published files and of `model.save('x.h5')`.
"""

from libml.networks import resnet50
from libml.utils import InputError, one_line

import numpy as np

ARCH = 'resnet50v2'
HEAD = 'predictions'  # the layer that a file without top does not have
# Weights of a layer in the order of Keras.
WEIGHTS = dict(conv2d=('kernel', 'bias'), dense=('kernel', 'bias'),
               batch_normalization=('gamma', 'beta', 'moving_mean', 'moving_variance'))


def read(path):
    """dict name of a variable below the network's scope, `conv2d/kernel`, -> array, of all weights in a file.

    A layer that ResNet50V2 does not have keeps its name in Keras, its weights are numbered: `conv6_conv/0`.

    Raises:
        InputError: h5py is missing, or the file cannot be read or does not say which layers the weights are of.
    """
    try:
        import h5py  # Late: it comes with TensorFlow's Keras, and nothing else needs it.
    except ImportError as error:
        raise InputError('files of Keras need h5py: pip install h5py') from error
    scopes = {**{name: scope for scope, name in resnet50.keras_layers().items()}, HEAD: 'dense'}
    found = {}
    try:
        with h5py.File(path, 'r') as f:
            for layer, weights in (_older(f.get('model_weights', f)) or _of_keras_3(f)).items():
                scope = scopes.get(layer, layer)
                known = WEIGHTS.get(scope.rstrip('_0123456789'), ()) if layer in scopes else ()
                for i, weight in enumerate(weights):
                    found[f'{scope}/{known[i] if i < len(known) else i}'] = np.asarray(weight[()])
    except Exception as error:  # h5py raises whatever it stumbles over; no narrower class covers a damaged file.
        raise InputError(f'cannot read it as a file of Keras: {one_line(error)}') from error
    if not found:
        raise InputError('it names no layers with weights: give a .weights.h5 of Keras 3 or an .h5 of an earlier one')
    return found


def _older(group):
    """dict layer -> list of its weights; {} if this is not the older layout."""
    return {_text(layer): [group[layer][weight] for weight in group[layer].attrs['weight_names']]
            for layer in group.attrs.get('layer_names', ())}


def _of_keras_3(f):
    """As `_older`. A group is called after its layer's class; the layer's name is an attribute."""
    groups = [layer['vars'] for layer in f.get('layers', {}).values() if 'vars' in layer]
    return {_text(group.attrs['name']): [group[key] for key in sorted(group, key=int)] for group in groups
            if len(group) and 'name' in group.attrs}


def _text(name):
    return name.decode() if isinstance(name, bytes) else str(name)
