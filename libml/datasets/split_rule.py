"""The rule by which splits are drawn, on arrays of labels: greedy, so that every prefix keeps the class proportions.

Sources: mixmatch@1011a1d scripts/create_split.py, fixmatch@d4985a1 scripts/create_split.py and create_unlabeled.py.
"""

from libml.utils import InputError

import numpy as np

MAX_SEED = 2 ** 32 - 1


def class_weights(labels, nclass):
    """Target distribution: count of each class / count of the largest, float64 [nclass]."""
    counts = np.bincount(labels, minlength=nclass)
    return counts / counts.max()


def pick_classes(weights, available, limit):
    """The greedy rule: again and again the class that lags most behind its weight, ties to the lowest.

    Each pick is argmax_k(weights_k - n_k / max(1, max_j n_j)), n_k being the picks of class k so far.

    Args:
        weights: float64 [nclass] in (0, 1].
        available: int [nclass], how often each class can be picked.
        limit: number of picks at most.
    Returns:
        int64 [m], m <= limit: it ends early when the rule asks for a class that is used up.
    """
    picks = np.empty(limit, np.int64)
    counts = np.zeros(len(weights))
    lag = np.empty(len(weights))
    most = 1.
    for i in range(limit):
        np.divide(counts, most, out=lag)
        np.subtract(weights, lag, out=lag)
        k = lag.argmax()
        if counts[k] == available[k]:
            return picks[:i]
        picks[i] = k
        counts[k] += 1
        most = max(most, counts[k])
    return picks


def _take_in_turn(picks, positions):
    """The next unused element of positions[k] for every k in picks: int64 [len(picks)]."""
    order = np.empty(len(picks), np.int64)
    for k, own in enumerate(positions):
        of_class = picks == k
        order[of_class] = own[:np.count_nonzero(of_class)]
    return order


def draw_labeled(labels, weights, seed, size):
    """Labelled positions in the order in which they are drawn: int64 [size].

    Args:
        labels: int [n]; classes 0..nclass-1 must all be there.
        weights: float64 [nclass], see class_weights.
        seed: 0 takes the positions of a class in order; else they are shuffled, class after class, by one generator
            (the original's: NumPy's Mersenne Twister).
        size: number of labels, 1..n.
    Raises:
        InputError: size or seed is out of range, or a class has no record or too few.
    """
    positions = _by_class(labels, len(weights))
    if not 1 <= size <= len(labels):
        raise InputError(f'{size} labels were asked for, but there are {len(labels)}: choose 1..{len(labels)}')
    _check_seed(seed)
    if seed:
        random = np.random.RandomState(seed)
        for own in positions:
            random.shuffle(own)
    picks = pick_classes(weights, [len(own) for own in positions], size)
    if len(picks) < size:
        raise InputError(f'{size} labels cannot be drawn evenly: a class is used up after {len(picks)}')
    return _take_in_turn(picks, positions)


def draw_per_class(labels, nclass, seed, size):
    """`size` different positions of each class, uniformly drawn class after class: int64 [nclass * size], sorted.

    For targets with few labels. The original (adamatch@7a0b40c) draws with replacement, so that some come twice.

    Raises:
        InputError: size or seed is out of range, or a class has too few records.
    """
    positions = _by_class(labels, nclass)
    fewest = min(map(len, positions))
    if not 1 <= size <= fewest:
        raise InputError(f'{size} labels of each class were asked for, but the smallest class has {fewest} images')
    _check_seed(seed)
    random = np.random.RandomState(seed)
    return np.sort(np.concatenate([random.choice(own, size, replace=False) for own in positions]))


def unlabeled_order(labels, weights, labeled=()):
    """Positions in an order of which every prefix has nearly the distribution `weights`: int64 [n - len(labeled)].

    The original streams the records through one queue per class: each is appended to the queue of its class, then
    heads are written as long as the queue that the greedy rule asks for has one; what remains is flushed class by
    class. Waiting for a record changes nothing in the rule, so that order is simply the rule's picks until a class
    has no record left at all, and then the flush.

    Args:
        labels: int [n].
        weights: float64 [nclass].
        labeled: positions to leave out (MixMatch); FixMatch leaves none out.
    """
    keep = np.ones(len(labels), bool)
    keep[np.asarray(labeled, np.int64)] = False
    positions = [own[keep[own]] for own in _by_class(labels, len(weights))]
    picks = pick_classes(weights, [len(own) for own in positions], np.count_nonzero(keep))
    used = np.bincount(picks, minlength=len(positions))
    return np.concatenate([_take_in_turn(picks, positions), *(own[n:] for n, own in zip(used, positions))])


def skewed_counts(most, nclass, ratio):
    """Images of each class of a long tail, int64 [nclass]: from `most` of the first down to most / ratio of the last.

    Class c has int(most * ratio ** -(c / (nclass - 1))). With a negative ratio, the last class is the largest. (USB,
    arXiv:2208.07204, semilearn/datasets/utils.py, make_imbalance_data)
    """
    share = 1 / abs(ratio)
    counts = [int(most * share ** (c / (nclass - 1))) for c in range(nclass - 1)] + [int(most / abs(ratio))]
    return np.array(counts if ratio > 0 else counts[::-1], np.int64)


def draw_skewed(labels, nclass, ratio, seed):
    """Positions of a long tail, as large as the classes allow: int64 [m], ascending.

    They are drawn class after class by one generator. A larger ratio gives a part of what a smaller one gives, as long
    as the largest class stays as large.

    Args:
        labels: int [n].
        nclass, ratio: of skewed_counts.
        seed: of the generator.
    Raises:
        InputError: so few images of a class that nothing would be left.
    """
    positions = [np.flatnonzero(labels == k) for k in range(nclass)]
    available = np.array([len(own) for own in positions])
    # More than this and the rule asks for an image more than a class has; rounding may forbid one less, too.
    shares = abs(ratio) ** -(np.arange(nclass) / (nclass - 1))
    most = int(((available + 1) / (shares if ratio > 0 else shares[::-1])).min())
    while (skewed_counts(most, nclass, ratio) > available).any():
        most -= 1
    if not most:
        raise InputError(f'{" ".join(map(str, available))} images of the classes are too few for a ratio of {ratio:g}')
    random = np.random.RandomState(seed)
    counts = skewed_counts(most, nclass, ratio)
    return np.sort(np.concatenate([random.permutation(own)[:n] for own, n in zip(positions, counts)]))


def _check_seed(seed):
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f'the seed of a split is {seed}, not in 0..{MAX_SEED}')


def _by_class(labels, nclass):
    """List of int64 arrays: the positions of each class, ascending."""
    positions = [np.flatnonzero(labels == k) for k in range(nclass)]
    missing = [k for k, own in enumerate(positions) if not len(own)]
    if missing:
        raise InputError(f'no record has label {missing[0]}, but the classes are 0..{nclass - 1}')
    return positions
