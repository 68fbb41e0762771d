"""Random draws as pure functions of (seed, position, name): the only source of randomness in a run."""

import hashlib

import numpy as np
import tensorflow as tf


def fold(seed, name):
    """A signed 64-bit integer from an integer seed and a name: the same on every machine and in every process."""
    digest = hashlib.blake2b(f'{seed}/{name}'.encode(), digest_size=8).digest()
    return int(np.frombuffer(digest, '<i8')[0])


class Draws:
    """Named random draws at one position of a run.

    The position (a step, or the number of a batch) may be a tensor, so that one graph has other draws at every step.
    Two draws with the same name at one position are the same draw: give every use its own name.
    """

    def __init__(self, seed, position, prefix=''):
        self.seed = seed
        self.position = tf.cast(position, tf.int64)
        self.prefix = prefix

    def within(self, name):
        """The same draws with `name/` before every name; '' changes nothing."""
        return Draws(self.seed, self.position, f'{self.prefix}{name}/' if name else self.prefix)

    def key(self, name):
        """int64 [2]: the seed of a tf.random.stateless_* op."""
        return tf.stack([tf.constant(fold(self.seed, self.prefix + name), tf.int64), self.position])

    def uniform(self, name, shape, low=0., high=1., dtype=tf.float32):
        """U[low, high) of the given shape; integers if dtype is one (high is exclusive)."""
        return tf.random.stateless_uniform(shape, self.key(name), low, high, dtype)

    def normal(self, name, shape):
        """N(0, 1) of the given shape, float32."""
        return tf.random.stateless_normal(shape, self.key(name))

    def beta(self, name, shape, beta):
        """Beta(beta, beta) of the given shape, float32 in [0, 1], for beta > 0.

        A ratio of Gamma draws in float64: in float32 both draws underflow together for small beta.
        """
        shape = tf.concat([[2], shape], 0)
        gammas = tf.random.stateless_gamma(shape, self.key(name), tf.cast(beta, tf.float64), dtype=tf.float64)
        return tf.cast(gammas[0] / (gammas[0] + gammas[1]), tf.float32)

    def permutation(self, name, n):
        """int32 [n]: a uniform random permutation of 0..n-1."""
        return tf.random.experimental.stateless_shuffle(tf.range(n), self.key(name))
