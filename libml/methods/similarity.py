"""Which images are alike: parts of methods whose pseudo-labels are smoothed by similar images (SimMatch, CoMatch).

Features are float32 [n, d] of length 1. Their products, divided by the temperature, are logits of how alike images are.
"""

from libml import trackers
from libml.networks import nn

import tensorflow as tf


def project(features, dim):
    """The projection head, a hidden layer as wide as the features: [n, F] -> [n, dim] of length 1.

    Its scope is `classify_projection`: weight decay applies to it.
    """
    with tf.compat.v1.variable_scope('classify_projection', reuse=tf.compat.v1.AUTO_REUSE):
        hidden = tf.nn.relu(nn.dense(features, features.shape[1]))
        return tf.math.l2_normalize(nn.dense(hidden, dim), -1)


def compare(a, b, temperature):
    """Logits [n, m] of features [n, d] and [m, d]."""
    return tf.matmul(a, b, transpose_b=True) / temperature


def vote(logits, classes, p):
    """The labelled images' votes on unlabelled ones (SimMatch).

    Args:
        logits: float32 [n, K], of `compare` with the labelled images.
        classes: int [K], theirs.
        p: float32 [n, C], predictions.
    Returns:
        [n, C], the sum of the similarities softmax(logits) to the images of each class.
        [n, K], these similarities times the prediction for the class of the labelled image, again with sum 1.
    """
    # In logarithms: with a sure prediction of a class that no labelled image has, all products are 0.
    calibrated = tf.nn.softmax(logits + tf.math.log(tf.maximum(tf.gather(p, classes, axis=1), 1e-30)))
    return tf.matmul(tf.nn.softmax(logits), tf.one_hot(classes, p.shape[1])), calibrated


def graph(targets, threshold):
    """Which images of a batch are of one class, by pseudo-labels [n, C]: [n, n], rows of sum 1 (CoMatch).

    Entries are products of two pseudo-labels, those below the threshold 0; an image is like itself by 1.
    """
    products = compare(targets, targets, 1.)
    products = tf.linalg.set_diag(products, tf.ones_like(targets[:, 0]))
    return trackers.renorm(tf.where(products >= threshold, products, 0.))


def graph_loss(graph, logits):
    """Cross entropy of rows of a graph [n, n] with the softmax of logits [n, n] of `compare`: [n] (CoMatch)."""
    # Kept from the code of both: 1e-7, which ends the gradient where two images are very unlike.
    return -tf.reduce_sum(graph * tf.math.log(tf.nn.softmax(logits) + 1e-7), -1)


class Bank:
    """A tracker of a feature and a class of each labelled image, by its place in the subset (SimMatch).

    Args:
        n: number of images.
        dim: length of a feature.
        decay: in [0, 1): a feature moves to normalize(decay * old + (1 - decay) * new).

    Attributes:
        features, classes: variables `bank`, float32 [n, dim], and `bank_classes`, int32 [n].
    """

    def __init__(self, n, dim, decay):
        self.decay = decay
        # From 0 the first feature of an image is taken as it is. In USB what is drawn at first fades slowly.
        self.features = trackers.state_variable('bank', tf.zeros([n, dim]))
        self.classes = trackers.state_variable('bank_classes', tf.zeros([n], tf.int32))

    def observe(self, index, features, classes):
        """Builds the next values, after images at places int [b] had features [b, dim] and are of these classes [b].

        Of several rows with one index the last counts.
        """
        kept = trackers.last_rows(index)
        index, features, classes = [tf.gather(rows, kept) for rows in (index, features, classes)]
        moved = self.decay * self.features.sparse_read(index) + (1 - self.decay) * features
        # Over a feature's entries, as the paper; USB's dimension is that of the images, and lengths do not stay 1.
        self._next = index, tf.stop_gradient(tf.math.l2_normalize(moved, -1)), classes

    def new_values(self):
        """As Tracker.new_values."""
        return list(self._next)

    def updates(self):
        """As Tracker.updates."""
        index, features, classes = self._next
        return [self.features.scatter_nd_update(index[:, None], features),
                self.classes.scatter_nd_update(index[:, None], classes)]
