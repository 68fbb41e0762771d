"""Do the pseudo-labels hold? Their coverage, and their accuracy against true classes, which training does not use."""

from libml.trackers import Average
from libml.training.evaluate import MOST_CLASSES

import numpy as np
import tensorflow as tf

# Counts are averages over about the last 100 batches: a single batch has too few images of a class.
DECAY = 0.99


def watch(model, labels, mask):
    """Has a step report on its pseudo-labels, in percent; does nothing where the true classes are not known.

    The tags are `pseudo/accuracy`, how many of those trained on are right (not a number if there are none),
    `pseudo/coverage`, how many are trained on, and `pseudo/coverage/<name>` of each true class.

    Args:
        model: a models.MultiModel whose `inputs` were called.
        labels: int [m], classes of the pseudo-labels. The unlabelled images of the batch are the last of the m.
        mask: [m], 1 or True where a pseudo-label is trained on, else 0 (or a weight in between).
    """
    if model.truth is None:
        return
    truth, nclass = model.truth, model.params.nclass
    n = truth.shape[0]
    mask = tf.stop_gradient(tf.cast(mask[-n:], tf.float32))
    right = mask * tf.cast(tf.equal(tf.cast(labels[-n:], truth.dtype), truth), tf.float32)
    counts = tf.matmul(tf.stack([tf.ones_like(mask), mask, right]), tf.one_hot(truth, nclass))
    average = model.track(Average('pseudo_labels', np.zeros(counts.shape), DECAY))
    seen, kept, right = tf.unstack(average.observe(counts))
    model.watched['pseudo/accuracy'] = 100 * tf.reduce_sum(right) / tf.reduce_sum(kept)
    model.watched['pseudo/coverage'] = 100 * tf.reduce_sum(kept) / tf.reduce_sum(seen)
    if nclass <= MOST_CLASSES:
        model.watched.update((f'pseudo/coverage/{name}', share)
                             for name, share in zip(model.dataset.class_names, tf.unstack(100 * kept / seen)))
