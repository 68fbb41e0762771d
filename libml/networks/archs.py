"""Networks by name: resnet (WRN), shake, convnet, cnn13, as in mixmatch@1011a1d libml/models.py; conv4, wrn_var_37_2,
resnet50 and resnet50v2.

Each takes normalised images [b, h, w, c] of the compute dtype (float32 or bfloat16) and gives an EasyDict of `logits`
[b, nclass] and `embeds` [b, F], both float32. The caller opens the variable scope `classify`.
"""

import functools
import math

from libml import layers
from libml.hparams import Hparam
from libml.networks import nn, resnet50
from libml.utils import InputError, ilog2

import tensorflow as tf
from easydict import EasyDict

HEAD = 'classify/dense/'  # the scope of a network's last layer, but for NO_HEAD
NO_HEAD = ('conv4', 'convnet')
PRECISIONS = dict(float32=tf.float32, bfloat16=tf.bfloat16)
# What networks bring with them, where it is not as in the others: the momentum of the running batch-norm statistics,
# what batch norm adds to the variance, and the scales that --scales=0 stands for.
BN_MOMENTUM = {'resnet50': 0.9, 'resnet50v2': 0.99, 'wrn_var_37_2': 0.999}
BN_EPSILON = {'resnet50': 1e-5, 'resnet50v2': 1.001e-5, 'wrn_var_37_2': 1e-3}
SCALES = {'wrn_var_37_2': 4}
# Hyper-parameters without effect.
UNUSED = {'cnn13': ('repeat',), 'conv4': ('repeat', 'scales'), 'convnet': ('repeat',),
          'resnet50': ('filters', 'repeat', 'scales'), 'resnet50v2': ('filters', 'repeat', 'scales')}


def build(name, x, training, bn, nclass, scales, filters, repeat, dropout=0., draws=None):
    """One forward pass of the network called `name`.

    Args:
        name: key of ARCHS.
        x: [b, h, w, c] images, normalised, in the compute dtype.
        training: bool, whether to use batch statistics, shake and dropout.
        bn: nn.BatchNorm of this pass.
        nclass: number of classes; None leaves out the head that makes the logits.
        scales: number of resolutions; each halves the image and doubles the filters.
        filters: filters of the first scale.
        repeat: residual blocks per scale. It has no effect in some networks, nor have others: UNUSED.
        dropout: probability that an entry of the embedding is dropped in training; of no use in convnet.
        draws: draws.Draws of this pass; may be None if nothing is drawn (not training; no shake and no dropout).

    Returns:
        EasyDict(logits=float32 [b, nclass] or None, embeds=float32 [b, F]).

    Raises:
        InputError: the name is unknown or the network does not fit the image.
    """
    if name not in ARCHS:
        raise InputError(f'arch {name!r} is unknown; it must be one of {", ".join(ARCHS)}')
    if scales < 1:
        raise InputError(f'{scales} scales: a network has at least 1')
    return ARCHS[name](x, training, bn, nclass, scales, filters, repeat, dropout if training else 0., draws)


def scales(name, width):
    """The scales of the network called `name` for images of this width, unless they are given."""
    return SCALES.get(name) or max(1, ilog2(width) - 2)


def head(name, scales):
    """The scope of the last layer of the network called `name`, below the network's own scope: `dense`."""
    return {'conv4': 'dense_1', 'convnet': f'conv2d_{2 * scales + 1}'}.get(name, 'dense')


def _require_size(arch, x, scales, smallest, multiple=1):
    """InputError unless the sides of the images are at least `smallest` and multiples of `multiple`; `scales` is None
    where fewer would not help."""
    height, width = x.shape[1:3]
    if min(height, width) < smallest or height % multiple or width % multiple:
        wanted = f'at least {smallest}' + (f' and multiples of {multiple}' if multiple > 1 else '')
        network, change = (f'{arch} with {scales} scales', f'fewer scales, or sides {wanted}') if scales else (
            arch, f'sides of {wanted} are needed, or another arch, such as resnet')
        raise InputError(f'arch {network} does not fit images of {height}x{width}: {change}')


def _head(embeds, nclass, dropout, draws, initializer=nn.glorot_normal):
    """Dropout on the features, dense; all in float32."""
    if dropout > 0:
        kept = draws.uniform('dropout', tf.shape(embeds)) >= dropout
        embeds = tf.where(kept, embeds / (1 - dropout), tf.zeros_like(embeds))
    return EasyDict(logits=nn.dense(embeds, nclass, initializer) if nclass else None, embeds=embeds)


def _resnet(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """Pre-activation wide residual network with leaky ReLU 0.1; embeds are the pooled activations, dropout included."""
    _require_size('resnet', x, scales, 2 ** (scales - 1))
    return _head(_wide_features(x, training, bn, scales, filters, repeat), nclass, dropout, draws)


def _wrn_var(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """The network of USB for STL-10: as `resnet`, but that the first scale halves the image, too, each first block of a
    scale activates its shortcut, and padding is PyTorch's. (Semi-supervised-learning@1ef4cbeb semilearn/nets/wrn)

    There biases of convolutions start at random; batch norm takes away what they add, here they start at 0.
    """
    _require_size('wrn_var_37_2', x, scales, 2 ** scales)
    return _head(_wide_features(x, training, bn, scales, filters, repeat, var=True), nclass, dropout, draws,
                 nn.xavier_normal)


def _wide_features(x, training, bn, scales, filters, repeat, var=False):
    """The pooled activations [b, F] of `resnet` or, with `var`, of `wrn_var_37_2`.

    Batch norm takes away what the biases of all convolutions add: 3x3 ones follow an activation, so that there is no
    bias beside the zeros of their padding.
    """
    conv2d = functools.partial(nn.conv2d, padding=nn.CENTERED if var else 'SAME', constant_bias=training)

    def activation(x):
        return nn.leaky_relu(bn(x, training), 0.1)

    def block(x, filters, strides, activate_shortcut):
        y = activation(x)
        if activate_shortcut:
            x = y
        y = conv2d(y, filters, 3, strides)
        y = conv2d(activation(y), filters, 3)
        if x.shape[-1] != filters or strides > 1:
            x = conv2d(x, filters, 1, strides)
        return x + y

    y = conv2d(x, 16, 3)
    for scale in range(scales):
        for i in range(repeat):
            first = not i and (var or not scale)
            y = block(y, filters << scale, 2 if (var or scale) and not i else 1, activate_shortcut=first)
    return nn.global_mean(activation(y))


def _shake(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """Shake-Shake; ReLU; embeds are the pooled output of the last block (no batch norm there), dropout included."""
    conv2d = functools.partial(nn.conv2d, use_bias=False)

    def branch(x, filters, strides):
        y = bn(conv2d(tf.nn.relu(x), filters, 3, strides), training)
        return bn(conv2d(tf.nn.relu(y), filters, 3), training)

    def shortcut(x, filters, strides):
        if strides == 2:
            halves = [conv2d(tf.nn.relu(x[:, i::2, i::2]), filters // 2, 1) for i in range(2)]
            return bn(tf.concat(halves, 3), training)
        if x.shape[-1] != filters:
            return bn(conv2d(x, filters, 1), training)
        return x

    # The odd and the even pixels of the shortcut must be as many.
    _require_size('shake', x, scales, 2 ** (scales - 1), 2 ** (scales - 1))
    y = conv2d(x, 16, 3)
    for scale in range(scales):
        for i in range(repeat):
            width, strides = filters << scale, 2 if scale and not i else 1
            name = f'layer{scale + 1}.{i}'
            with tf.compat.v1.variable_scope(name):
                branches = [branch(y, width, strides) for _ in range(2)]
                shaken = layers.shakeshake(*branches, training, draws.within(name) if training else None)
                y = shaken + shortcut(y, width, strides)
    return _head(nn.global_mean(y), nclass, dropout, draws)


def _convnet(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """Plain convolutions, leaky ReLU 0.2, no batch norm, no dense layer; training, bn, repeat, dropout do nothing.

    The logits are the mean of the last convolution's nclass maps. embeds are the mean over height and width of that
    convolution's input [b, filters << scales]; the original names none.
    """
    del training, bn, repeat, dropout, draws

    def conv(x, filters):
        return nn.leaky_relu(nn.conv2d(x, filters, 3, initializer=nn.glorot_uniform), 0.2)

    _require_size('convnet', x, scales, 2 ** scales)
    y = conv(x, filters)
    for scale in range(scales):
        y = conv(y, filters << scale)
        y = conv(y, filters << (scale + 1))
        y = tf.nn.avg_pool2d(y, 2, 2, 'VALID')
    logits = nn.global_mean(nn.conv2d(y, nclass, 3, initializer=nn.glorot_uniform)) if nclass else None
    return EasyDict(logits=logits, embeds=nn.global_mean(y))


def _cnn13(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """The 13-layer network of Mean Teacher without its noise; leaky ReLU 0.2 before batch norm; repeat does nothing.

    embeds are the pooled maps of the last convolution [b, filters], dropout included.
    """
    del repeat
    if scales != 3:
        raise InputError(f'arch cnn13 has 3 scales, not {scales}')
    _require_size('cnn13', x, scales, 12)

    def conv(x, filters, size=3, padding='SAME'):
        y = nn.conv2d(x, filters, size, padding=padding, initializer=nn.glorot_uniform)
        return bn(nn.leaky_relu(y, 0.2), training)

    y = x
    for scale in range(2):
        for _ in range(3):
            y = conv(y, filters << scale)
        y = tf.nn.max_pool2d(y, 2, 2, 'VALID')
    y = conv(y, 4 * filters, padding='VALID')
    y = conv(y, 2 * filters, 1)
    y = conv(y, filters, 1)
    return _head(nn.global_mean(y), nclass, dropout, draws, nn.glorot_uniform)


def _conv4(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """The encoder of Keras' semi-supervised SimCLR example: 4 convolutions 3x3 of stride 2 without padding, then dense.

    ReLU after each, no batch norm, 4 * filters channels throughout (128 there); scales and repeat do nothing. embeds
    are the output of the dense layer [b, 4 * filters], dropout included.
    """
    del training, bn, scales, repeat
    _require_size('conv4', x, None, 31)
    y = x
    for _ in range(4):
        y = tf.nn.relu(nn.conv2d(y, 4 * filters, 3, 2, 'VALID', initializer=nn.glorot_uniform))
    y = tf.nn.relu(nn.dense(tf.reshape(y, [-1, math.prod(y.shape[1:])]), 4 * filters))
    return _head(tf.cast(y, tf.float32), nclass, dropout, draws, nn.glorot_uniform)


def _resnet50(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """resnet50.v1; filters, repeat, scales do nothing. embeds are its features [b, 2048], dropout included."""
    del scales, filters, repeat
    _require_size('resnet50', x, None, 32)
    return _head(resnet50.v1(x, training, bn), nclass, dropout, draws, nn.normal)


def _resnet50v2(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """resnet50.v2; filters, repeat, scales do nothing. embeds are its features [b, 2048], dropout included."""
    del scales, filters, repeat
    _require_size('resnet50v2', x, None, 32)
    return _head(resnet50.v2(x, training, bn), nclass, dropout, draws, nn.glorot_uniform)


ARCHS = {'resnet': _resnet, 'shake': _shake, 'convnet': _convnet, 'cnn13': _cnn13, 'conv4': _conv4,
         'wrn_var_37_2': _wrn_var, 'resnet50': _resnet50, 'resnet50v2': _resnet50v2}
# The hyper-parameters of a model that describe its network.
HPARAMS = dict(
    arch=Hparam('resnet', f'Network: {", ".join(sorted(ARCHS))}. In resnet50 and resnet50v2 filters, repeat and scales '
                'have no effect.'),
    filters=Hparam(32, 'Filters of the first scale.', low=1),
    repeat=Hparam(4, 'Residual blocks in a scale.', low=1, high=1000),
    scales=Hparam(0, 'Scales of the network; 0 means ceil(log2(width)) - 2, in wrn_var_37_2 4.', low=0, high=16),
    bn_momentum=Hparam(0.999, 'Momentum of the running batch-norm statistics; short runs want less (0.99, 0.9). Unless '
                       'given, that of resnet50 is 0.9, of resnet50v2 0.99.', False, low=0, below=1),
    bn_epsilon=Hparam(0., 'What batch norm adds to the variance; 0: what belongs to the network, else the method.',
                      False, low=0),
    precision=Hparam('float32', 'Type of activations and convolutions: float32 or bfloat16.', False),
)
