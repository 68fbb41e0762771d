"""Networks by name: resnet (WRN), shake, convnet, cnn13, as in mixmatch@1011a1d libml/models.py, and conv4.

Each takes normalised images [b, h, w, c] of the compute dtype (float32 or bfloat16) and gives an EasyDict of `logits`
[b, nclass] and `embeds` [b, F], both float32. The caller opens the variable scope `classify`.
"""

import functools
import math

from libml import layers
from libml.networks import nn
from libml.utils import InputError

import tensorflow as tf
from easydict import EasyDict

HEAD = 'classify/dense/'  # the scope of a network's last layer, but for NO_HEAD
NO_HEAD = ('conv4', 'convnet')


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
        repeat: residual blocks per scale (resnet and shake).
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


def _require_size(arch, x, scales, smallest, multiple=1):
    """InputError unless the sides of the images are at least `smallest` and multiples of `multiple`."""
    height, width = x.shape[1:3]
    if min(height, width) < smallest or height % multiple or width % multiple:
        wanted = f'at least {smallest}' + (f' and multiples of {multiple}' if multiple > 1 else '')
        raise InputError(f'arch {arch} with {scales} scales does not fit images of {height}x{width}: '
                         f'fewer scales, or sides {wanted}')


def _head(embeds, nclass, dropout, draws, initializer=nn.glorot_normal):
    """Dropout on the features, dense; all in float32."""
    if dropout > 0:
        kept = draws.uniform('dropout', tf.shape(embeds)) >= dropout
        embeds = tf.where(kept, embeds / (1 - dropout), tf.zeros_like(embeds))
    return EasyDict(logits=nn.dense(embeds, nclass, initializer) if nclass else None, embeds=embeds)


def _resnet(x, training, bn, nclass, scales, filters, repeat, dropout, draws):
    """Pre-activation wide residual network with leaky ReLU 0.1; embeds are the pooled activations, dropout included."""

    def activation(x):
        return tf.nn.leaky_relu(bn(x, training), 0.1)

    def block(x, filters, strides, activate_shortcut):
        y = activation(x)
        if activate_shortcut:
            x = y
        y = nn.conv2d(y, filters, 3, strides)
        y = nn.conv2d(activation(y), filters, 3)
        if x.shape[-1] != filters:
            x = nn.conv2d(x, filters, 1, strides)
        return x + y

    _require_size('resnet', x, scales, 2 ** (scales - 1))
    y = nn.conv2d(x, 16, 3)
    for scale in range(scales):
        for i in range(repeat):
            y = block(y, filters << scale, 2 if scale and not i else 1, activate_shortcut=not scale and not i)
    return _head(nn.global_mean(activation(y)), nclass, dropout, draws)


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
        return tf.nn.leaky_relu(nn.conv2d(x, filters, 3, initializer=nn.glorot_uniform), 0.2)

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
        return bn(tf.nn.leaky_relu(y, 0.2), training)

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
    height, width = x.shape[1:3]
    if min(height, width) < 31:
        raise InputError(f'arch conv4 does not fit images of {height}x{width}: sides of at least 31 are needed, or '
                         'another arch, such as resnet')
    y = x
    for _ in range(4):
        y = tf.nn.relu(nn.conv2d(y, 4 * filters, 3, 2, 'VALID', initializer=nn.glorot_uniform))
    y = tf.nn.relu(nn.dense(tf.reshape(y, [-1, math.prod(y.shape[1:])]), 4 * filters))
    return _head(tf.cast(y, tf.float32), nclass, dropout, draws, nn.glorot_uniform)


ARCHS = {'resnet': _resnet, 'shake': _shake, 'convnet': _convnet, 'cnn13': _cnn13, 'conv4': _conv4}
