"""The second loss of FreeMatch: how the strong predictions are spread over the classes, against the weak ones.

(FreeMatch, arXiv:2205.07246, eq. 9 and 11; microsoft/Semi-supervised-learning@1ef4cbe semilearn/algorithms/freematch)
"""

import tensorflow as tf


def fairness_loss(p, h, mask, logits_strong):
    """Scalar sum_c A_c log B_c with A ~ p / h and B ~ pbar / hbar, both divided by their sums; 0 / 0 counts as 0.

    pbar and hbar are mean and histogram of the strong predictions whose mask is 1. Without such the loss is 0.

    The gradient goes through pbar alone, into the masked logits. A class that is in no strong prediction adds the
    constant A_c log(1e-12): the value jumps by tens from step to step.

    Args:
        p, h: float32 [C], mean and histogram of the weak predictions; constant.
        mask: float32 [n], 0 or 1; constant.
        logits_strong: float32 [n, C].
    """
    q = tf.nn.softmax(logits_strong)
    strong = [tf.reduce_sum(mask[:, None] * rows, 0) for rows in (q, tf.one_hot(tf.argmax(q, -1), q.shape[1]))]
    ratios = [tf.math.divide_no_nan(*pair) for pair in ((p, h), strong)]
    a, b = [tf.math.divide_no_nan(ratio, tf.reduce_sum(ratio)) for ratio in ratios]
    return tf.reduce_max(mask) * tf.reduce_sum(a * tf.math.log(b + 1e-12))
