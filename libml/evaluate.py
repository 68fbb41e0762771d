"""Accuracy of a classifier on arrays of images: the only place where it is computed."""

import numpy as np

# Rows in one call of the network: large enough for its full speed, small enough for any memory.
BATCH = 256


def predict(session, op, x, images):
    """Class probabilities of images.

    Args:
        op: tensor [b, C] computed from the images fed to `x`.
        x: placeholder, float32 [b, h, w, c] in [-1, 1].
        images: uint8 [n, h, w, c].
    Returns:
        float32 [n, C].
    """
    rows = [session.run(op, {x: images[i:i + BATCH].astype(np.float32) * np.float32(2. / 255) - 1})
            for i in range(0, len(images), BATCH)]
    return np.concatenate(rows) if rows else np.zeros([0, op.shape[-1]], np.float32)


def accuracy(p, labels):
    """Percent of rows of p [n, C] whose largest entry is at labels [n]; nan for no rows."""
    return 100. * float(np.mean(p.argmax(1) == labels)) if len(labels) else float('nan')


def confusion(p, labels):
    """int64 [C, C]: how many images of class i (rows) were taken for class j."""
    nclass = p.shape[1]
    return np.bincount(labels.astype(np.int64) * nclass + p.argmax(1), minlength=nclass ** 2).reshape(nclass, nclass)


def per_class_accuracy(p, labels):
    """float [C]: percent of the images of each class that were found; nan for a class without images."""
    counts = confusion(p, labels)
    with np.errstate(invalid='ignore'):
        return 100. * np.diag(counts) / counts.sum(1)
