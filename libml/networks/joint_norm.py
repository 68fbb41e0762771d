"""Batch normalisation of rows that several workers have, each a part, with the statistics of all."""

import tensorflow as tf


def normalized(x, gamma, beta, epsilon, gather):
    """As FusedBatchNormV3 in training, over the rows of all workers.

    The statistics and the sums of the gradient are exchanged, [2, c] of each worker. The variance is put together as in
    Chan, Golub and LeVeque (1979): no difference of large squares.

    Args:
        x: [k, h, w, c], the own rows, float32 or bfloat16; the others have as many.
        gamma, beta: float32 [c].
        epsilon: added to the variance.
        gather: function of float32 [2, c] that gives [workers, 2, c], those of all.
    Returns:
        y [k, h, w, c]; mean and biased variance, float32 [c], without gradients, and of how many numbers they are,
        float32.
    """
    pixels = tf.cast(tf.size(x) // x.shape[-1], tf.float32)

    @tf.custom_gradient
    def normalize(x, gamma, beta):
        means, variances = tf.unstack(gather(tf.stack(tf.nn.moments(tf.cast(x, tf.float32), [0, 1, 2]))), axis=1)
        mean = tf.reduce_mean(means, 0)
        variance = tf.reduce_mean(variances + tf.square(means - mean), 0)
        y, *_, reserved = tf.raw_ops.FusedBatchNormV3(x=x, scale=gamma, offset=beta, mean=mean, variance=variance,
                                                      epsilon=epsilon, is_training=False)

        def gradient(dy, *_):
            # The kernel takes mean and variance for constants; what flows through them is linear in x.
            dx, dgamma, dbeta, *_ = tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=dy, x=x, scale=gamma, reserve_space_1=mean, reserve_space_2=variance,
                reserve_space_3=reserved, epsilon=epsilon, is_training=False)
            mean_dgamma, mean_dbeta = tf.unstack(tf.reduce_mean(gather(tf.stack([dgamma, dbeta])), 0) / pixels)
            inverse = tf.math.rsqrt(variance + epsilon)
            slope = -gamma * tf.square(inverse) * mean_dgamma
            offset = -gamma * inverse * mean_dbeta - slope * mean
            return dx + tf.cast(slope, x.dtype) * x + tf.cast(offset, x.dtype), dgamma, dbeta

        return (y, mean, variance, pixels * means.shape[0]), gradient

    y, *statistics = normalize(x, gamma, beta)
    return y, *map(tf.stop_gradient, statistics)
