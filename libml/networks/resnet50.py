"""ResNet-50 up to its features: version 1 with strides in its 3x3 convolutions, and version 2 as Keras has it.

Both take normalised images [b, h, w, c] of the compute dtype, sides of at least 32, and give float32 [b, 2048].
"""

import functools

from libml.networks import nn

import tensorflow as tf

# Filters and number of the blocks of a stage; a block gives 4 times as many maps.
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def v1(x, training, bn):
    """Post-activation residual network (arXiv:1512.03385) of FixMatch on ImageNet, whose 3x3 convolutions have the
    strides. No convolution has a bias. (fixmatch@d4985a1 imagenet/models/resnet50_model.py)

    Args:
        x: images.
        training: bool, whether batch norm uses the batch's statistics.
        bn: nn.BatchNorm of this pass.
    """
    conv2d = functools.partial(nn.conv2d, use_bias=False, initializer=nn.he_normal)

    def activation(x):
        return tf.nn.relu(bn(x, training))

    def block(x, filters, strides, project):
        y = activation(conv2d(x, filters, 1))
        y = activation(conv2d(y, filters, 3, strides))
        y = bn(conv2d(y, 4 * filters, 1), training)
        if project:
            x = bn(conv2d(x, 4 * filters, 1, strides), training)
        return tf.nn.relu(x + y)

    y = activation(conv2d(x, 64, 7, 2, nn.CENTERED))
    y = tf.nn.max_pool2d(y, 3, 2, 'SAME')
    for stage, (filters, blocks) in enumerate(STAGES):
        for i in range(blocks):
            y = block(y, filters, 2 if stage and not i else 1, project=not i)
    return nn.global_mean(y)


def v2(x, training, bn):
    """Pre-activation residual network (arXiv:1603.05027), the ResNet50V2 of keras.applications.

    The last block of a stage has the strides, there are none in the last stage. Its arguments are those of `v1`.
    """
    conv2d = functools.partial(nn.conv2d, padding=nn.CENTERED, initializer=nn.glorot_uniform)

    def activation(x):
        return tf.nn.relu(bn(x, training))

    def block(x, filters, strides, project):
        y = activation(x)
        # Batch norm takes away what these biases add.
        x = conv2d(y, 4 * filters, 1, constant_bias=training) if project else x[:, ::strides, ::strides]
        y = activation(conv2d(y, filters, 1, use_bias=False))
        y = activation(conv2d(y, filters, 3, strides, use_bias=False))
        return x + conv2d(y, 4 * filters, 1, constant_bias=training)

    y = conv2d(x, 64, 7, 2)
    y = tf.nn.max_pool2d(nn.pad(y, 1), 3, 2, 'VALID')  # The zeros count: there was no ReLU before.
    for stage, (filters, blocks) in enumerate(STAGES, 1):
        for i in range(blocks):
            y = block(y, filters, 2 if i == blocks - 1 and stage < len(STAGES) else 1, project=not i)
    return nn.global_mean(activation(y))


def keras_layers():
    """dict scope of a layer of `v2`, such as `conv2d_1`, -> that layer's name in Keras, in the order of creation."""
    convs, norms = ['conv1_conv'], []
    for stage, (_, blocks) in enumerate(STAGES, 2):
        for i in range(1, blocks + 1):
            block = f'conv{stage}_block{i}'
            convs += [f'{block}_{part}_conv' for part in range(i > 1, 4)]
            norms += [f'{block}_{part}_bn' for part in ('preact', 1, 2)]
    norms.append('post_bn')
    return {f'{scope}_{i}' if i else scope: name for scope, names in (('conv2d', convs), ('batch_normalization', norms))
            for i, name in enumerate(names)}
