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
    _show(model, average.observe(counts))


def watch_all(model, labels, kept):
    """Has a step report the same of pseudo-labels that do not change; does nothing where true classes are not known.

    Args:
        model: a models.MultiModel.
        labels: int [N], classes of the pseudo-labels of all unlabelled images of its dataset, in their order.
        kept: bool [N], which of them are trained on.
    """
    if not model.dataset.labels_known:
        return
    truth = model.dataset.unlabeled.labels
    weights = np.stack([np.ones_like(kept), kept, kept & (labels == truth)]).astype(np.float32)
    _show(model, tf.constant(weights @ np.eye(model.params.nclass, dtype=np.float32)[truth]))


def _show(model, counts):
    """Adds the tags of counts, float32 [3, C], to the model: of all images of each class, those trained on, the right
    ones of those."""
    nclass, (seen, kept, right) = model.params.nclass, tf.unstack(counts)
    model.watched['pseudo/accuracy'] = 100 * (tf.reduce_sum(right) / tf.reduce_sum(kept))
    model.watched['pseudo/coverage'] = 100 * (tf.reduce_sum(kept) / tf.reduce_sum(seen))
    if nclass <= MOST_CLASSES:
        model.watched.update((f'pseudo/coverage/{name}', share)
                             for name, share in zip(model.dataset.class_names, tf.unstack(100 * (kept / seen))))
