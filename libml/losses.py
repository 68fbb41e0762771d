"""Losses per example: they return [b], in float32; the caller takes the mean and weights it.

Gradients flow into every argument: stop them (tf.stop_gradient) where an argument is a target.
"""

import tensorflow as tf


def xe(logits, labels):
    """Cross entropy -sum_c labels_c log softmax(logits)_c: [b, c], [b, c] -> [b].

    labels are distributions (they sum to one): the gradient relies on it.
    """
    return tf.nn.softmax_cross_entropy_with_logits(labels=tf.cast(labels, tf.float32),
                                                   logits=tf.cast(logits, tf.float32))


def masked_xe(logits, labels, mask):
    """Cross entropy with hard labels where mask is 1, zero elsewhere: [b, c], [b] int, [b] -> [b]. FixMatch eq. 4.

    The mask is [b]: in the original's pseudo_label.py it was [b, 1] and broadcast to [b, b] (spec defect D8).
    """
    logits = tf.cast(logits, tf.float32)
    return tf.cast(mask, tf.float32) * tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def brier(logits, p):
    """Mean over classes of (p - softmax(logits))^2: [b, c], [b, c] -> [b]. MixMatch eq. 4, ICT."""
    return tf.reduce_mean(tf.square(tf.cast(p, tf.float32) - tf.nn.softmax(tf.cast(logits, tf.float32))), -1)


def mse_from_logits(logits_a, logits_b):
    """Mean over classes of (softmax(a) - softmax(b))^2: [b, c], [b, c] -> [b]. Pi-model, Mean Teacher."""
    return brier(logits_b, tf.nn.softmax(tf.cast(logits_a, tf.float32)))


def entropy_from_logits(logits):
    """Entropy -sum_c p_c log p_c of p = softmax(logits), in nats: [b, c] -> [b]. Entropy minimisation of VAT."""
    log_p = tf.nn.log_softmax(tf.cast(logits, tf.float32))
    return -tf.reduce_sum(tf.exp(log_p) * log_p, -1)


def kl_divergence_from_logits(logits_a, logits_b):
    """KL(softmax(a) || softmax(b)) = sum_c p_c (log p_c - log q_c), in nats: [b, c], [b, c] -> [b]. VAT."""
    log_p = tf.nn.log_softmax(tf.cast(logits_a, tf.float32))
    log_q = tf.nn.log_softmax(tf.cast(logits_b, tf.float32))
    return tf.reduce_sum(tf.exp(log_p) * (log_p - log_q), -1)
