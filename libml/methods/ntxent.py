"""NT-Xent, SimCLR's loss of pairs of views (arXiv:2002.05709, eq. 1), and how often the right partner is the nearest.

a and b are float32 [n, d], projections of the two views of n images; they are compared by their cosine, divided by the
temperature. Losses are [n], one per image, the mean over both of its views.
"""

import tensorflow as tf


def cosines(a, b):
    """[n, d], [m, d] -> [n, m]."""
    return tf.matmul(tf.math.l2_normalize(a, -1), tf.math.l2_normalize(b, -1), transpose_b=True)


def cross(a, b, temperature):
    """The partner is told from the other views b (of a view in a), or a: n - 1 negatives (Keras' SimCLR example)."""
    similarity = cosines(a, b) / temperature
    return (_xe_of_diagonal(similarity) + _xe_of_diagonal(tf.transpose(similarity))) / 2


def full(a, b, temperature):
    """The partner is told from all other views, a and b: 2n - 2 negatives (the paper)."""
    similarity = cosines(a, b) / temperature
    within = [tf.linalg.set_diag(cosines(v, v) / temperature, tf.fill(tf.shape(v)[:1], -1e9)) for v in (a, b)]
    return (_xe_of_diagonal(tf.concat([similarity, within[0]], 1)) +
            _xe_of_diagonal(tf.concat([tf.transpose(similarity), within[1]], 1))) / 2


def accuracy(a, b):
    """Scalar: the share of the 2n views whose partner is the most similar one among the n views of the other kind."""
    similarity = cosines(a, b)
    found = [tf.argmax(similarity, axis) for axis in (0, 1)]
    return tf.reduce_mean(tf.cast(tf.equal(found, tf.range(tf.shape(a)[0], dtype=tf.int64)), tf.float32))


def _xe_of_diagonal(similarity):
    """Cross entropy of row i of logits [n, m] with label i: [n]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.range(tf.shape(similarity)[0]), logits=similarity)


LOSSES = {'cross': cross, 'full': full}
"""Name on the command line -> loss."""
