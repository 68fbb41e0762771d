"""NT-Xent in numpy."""

import numpy as np


def by_hand(a, b, temperature, name):
    """Loss of each image in float64, term by term."""
    views = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b)]
    losses = np.zeros(len(a))
    for own, other in (views, views[::-1]):
        for i, anchor in enumerate(own):
            others = [other[j] for j in range(len(a))]
            if name == 'full':
                others += [own[j] for j in range(len(a)) if j != i]
            terms = np.exp([anchor @ v / temperature for v in others])
            losses[i] -= 0.5 * np.log(terms[i] / terms.sum())
    return losses
