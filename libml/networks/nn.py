"""Layers over tf.compat.v1.get_variable, with the variable names of tf.layers: conv2d_1/kernel, dense/bias ...

Every call enters a variable scope with a default name, so that calls number themselves and a caller that re-enters its
own scope (reuse=AUTO_REUSE) finds the same variables again. Activations keep the dtype that comes in (float32 or
bfloat16); variables are float32 and are cast where they are used.
"""

import math

from libml import draws, memory
from libml.networks import joint_norm

import tensorflow as tf

# The standard deviation of a standard normal truncated to [-2, 2].
TRUNCATED_STDDEV = 0.87962566103423978
# Padding of as many zeros on each side as the kernel reaches over, as PyTorch's; TensorFlow's SAME has fewer before
# than after where strides leave it a choice.
CENTERED = 'CENTERED'


def fans(shape):
    """(fan_in, fan_out) of a kernel [..., inputs, outputs]."""
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


def he_out_normal(shape, seed):
    """N(0, 2 / fan_out), not truncated (mixmatch@1011a1d: 1 / sqrt(0.5 k^2 filters)). Convolutions of resnet, shake."""
    return tf.random.stateless_normal(shape, seed) * math.sqrt(2 / fans(shape)[1])


def he_normal(shape, seed):
    """Truncated normal of variance 2 / fan_in, as Keras' he_normal. Convolutions of resnet50."""
    return _truncated_normal(shape, seed, 2 / fans(shape)[0])


def glorot_normal(shape, seed):
    """Truncated normal of variance 2 / (fan_in + fan_out), as tf.compat.v1.glorot_normal_initializer."""
    return _truncated_normal(shape, seed, 2 / sum(fans(shape)))


def _truncated_normal(shape, seed, variance):
    return tf.random.stateless_truncated_normal(shape, seed) * (math.sqrt(variance) / TRUNCATED_STDDEV)


def xavier_normal(shape, seed):
    """N(0, 2 / (fan_in + fan_out)), not truncated, as PyTorch's xavier_normal_. Dense layer of wrn_var_37_2."""
    return normal(shape, seed, math.sqrt(2 / sum(fans(shape))))


def normal(shape, seed, stddev=0.01):
    """N(0, stddev^2), not truncated. Dense layer of resnet50."""
    return tf.random.stateless_normal(shape, seed) * stddev


def glorot_uniform(shape, seed):
    """U[-a, a), a = sqrt(6 / (fan_in + fan_out)): TensorFlow's default for kernels."""
    limit = math.sqrt(6 / sum(fans(shape)))
    return tf.random.stateless_uniform(shape, seed, -limit, limit)


def zeros(shape, seed):
    """Zeros; takes a seed to have the form of the other initialisers."""
    del seed
    return tf.zeros(shape)


def ones(shape, seed):
    """Ones; takes a seed to have the form of the other initialisers."""
    del seed
    return tf.ones(shape)


def variable(name, shape, initializer, trainable=True):
    """The float32 resource variable `<current scope>/name`, created at first use.

    Its initial value is a pure function of the graph's seed and the full name, so that one layer more or less does not
    change the others.

    Args:
        name: last part of the name.
        shape: list of int.
        initializer: function (shape, int64 seed [2]) -> float32 tensor of that shape.
        trainable: whether gradients and moving averages include it.
    Raises:
        memory.TooLarge: it is larger than this machine's memory.
    """
    scope = tf.compat.v1.get_variable_scope().name
    full_name = f'{scope}/{name}' if scope else name
    memory.check_floats(full_name, shape)
    key = [draws.fold(tf.compat.v1.get_default_graph().seed or 0, full_name), 0]

    def initial_value(shape, dtype, partition_info):
        del dtype, partition_info  # get_variable passes them; everything here is float32 and whole.
        return initializer(shape, tf.constant(key, tf.int64))

    return tf.compat.v1.get_variable(name, shape, tf.float32, initial_value, trainable=trainable, use_resource=True)


def _gradient(op_type, name):
    """A context in which ops of this type get the gradient that is registered by this name."""
    return tf.compat.v1.get_default_graph().gradient_override_map({op_type: name})


@tf.RegisterGradient('ConstantBias')
def _constant_bias(op, gradient):
    """Of a BiasAdd: nothing is summed up for the bias. Zeros, not None: optimizers make slots for it."""
    return gradient, tf.zeros_like(op.inputs[1])


def conv2d(x, filters, size, strides=1, padding='SAME', use_bias=True, constant_bias=False,
           initializer=he_out_normal):
    """Convolution [b, h, w, c] -> [b, h', w', filters], kernel [size, size, c, filters].

    The padding is TensorFlow's SAME or VALID, or CENTERED, for which the kernel's size is odd. The gradient of a
    constant bias is zero: where nothing but batch norm of the batch's statistics follows, it is that in any case.
    """
    with tf.compat.v1.variable_scope(None, 'conv2d'):
        kernel = variable('kernel', [size, size, x.shape[-1], filters], initializer)
        if padding == CENTERED:  # Without strides it is SAME.
            x, padding = (pad(x, size // 2), 'VALID') if strides > 1 else (x, 'SAME')
        if size == 1 and strides > 1:
            # The same pixels. The backward kernel of oneDNN for a strided 1x1 convolution writes outside its buffer
            # where there are fewer than 16 inputs (uxlfoundation/oneDNN#6035): wrong values or a crash.
            x, strides = x[:, ::strides, ::strides], 1
        y = tf.nn.conv2d(x, tf.cast(kernel, x.dtype), strides, padding)
        if not use_bias:
            return y
        bias = tf.cast(variable('bias', [filters], zeros), x.dtype)
        with _gradient('BiasAdd', 'ConstantBias' if constant_bias else 'BiasAdd'):
            return tf.nn.bias_add(y, bias)


def dense(x, units, initializer=glorot_uniform):
    """Affine map [b, n] -> [b, units], with a bias that starts at zero."""
    with tf.compat.v1.variable_scope(None, 'dense'):
        kernel = variable('kernel', [x.shape[-1], units], initializer)
        y = tf.matmul(x, tf.cast(kernel, x.dtype))
        return tf.nn.bias_add(y, tf.cast(variable('bias', [units], zeros), x.dtype))


def pad(x, n):
    """n zeros on each side of images: [b, h, w, c] -> [b, h + 2n, w + 2n, c]."""
    return tf.pad(x, [[0, 0], [n, n], [n, n], [0, 0]])


def global_mean(x):
    """Mean over height and width in float32: [b, h, w, c] -> [b, c]."""
    return tf.reduce_mean(tf.cast(x, tf.float32), [1, 2])


@tf.RegisterGradient('LeakyReluOfOutput')
def _leaky_relu_of_output(op, gradient):
    """Of a LeakyRelu: output and input have the same sign."""
    return tf.raw_ops.LeakyReluGrad(gradients=gradient, features=op.outputs[0], alpha=op.get_attr('alpha'))


def leaky_relu(x, alpha):
    """x where it is positive, else alpha x, 0 < alpha < 1. Its gradient keeps the output only, which a convolution
    keeps for its own in any case: the input can be overwritten."""
    with _gradient('LeakyRelu', 'LeakyReluOfOutput'):
        return tf.nn.leaky_relu(x, alpha)


class BatchNorm:
    """The batch normalisations of one forward pass of a network; make a new object for every pass.

    No pass updates running statistics by itself. The pass that should feed them is chosen by its name: the caller keeps
    its BatchNorm and puts updates() where the updates belong.

    Args:
        momentum: of the running statistics.
        epsilon: added to the variance.
        unbiased: whether the running variance follows the unbiased batch variance N/(N-1) (MixMatch, FixMatch) or the
            biased one (AdaMatch). The normalisation itself always uses the biased one.
        gather: as of joint_norm.normalized, where other workers have more rows of this pass; else None.

    Attributes:
        batch_stats: list of (moving variable, this batch's statistic [c]), in the order of the layers; stays empty in
            inference mode.
    """

    def __init__(self, momentum=0.999, epsilon=1e-3, unbiased=True, gather=None):
        self.momentum = momentum
        self.epsilon = epsilon
        self.unbiased = unbiased
        self.gather = gather
        self.batch_stats = []

    def __call__(self, x, training):
        """[b, h, w, c] -> same shape and dtype; by batch statistics if training, else by the running ones."""
        with tf.compat.v1.variable_scope(None, 'batch_normalization'):
            shape = [x.shape[-1]]
            gamma = variable('gamma', shape, ones)
            beta = variable('beta', shape, zeros)
            moving_mean = variable('moving_mean', shape, zeros, trainable=False)
            moving_variance = variable('moving_variance', shape, ones, trainable=False)
        if training and self.gather:
            return self._joint(x, gamma, beta, moving_mean, moving_variance)
        unused = tf.constant([], tf.float32)  # the kernel takes no statistics when it computes its own.
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=tf.convert_to_tensor(gamma), offset=tf.convert_to_tensor(beta),
            mean=unused if training else tf.convert_to_tensor(moving_mean),
            variance=unused if training else tf.convert_to_tensor(moving_variance),
            epsilon=self.epsilon, is_training=training)
        if training:
            if not self.unbiased:
                n = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
                variance *= (n - 1) / n
            self.batch_stats += [(moving_mean, mean), (moving_variance, variance)]
        return y

    def _joint(self, x, gamma, beta, moving_mean, moving_variance):
        y, mean, variance, n = joint_norm.normalized(x, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta),
                                                     self.epsilon, self.gather)
        if self.unbiased:
            variance *= n / (n - 1)
        self.batch_stats += [(moving_mean, mean), (moving_variance, variance)]
        return y

    def updates(self):
        """Ops moving <- momentum * moving + (1 - momentum) * statistic, made here: under the caller's control."""
        return [moving.assign(self.momentum * moving.read_value() + (1 - self.momentum) * statistic, read_value=False)
                for moving, statistic in self.batch_stats]
