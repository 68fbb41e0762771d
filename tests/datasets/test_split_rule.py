"""The rule of splits against worked numbers and a literal queue."""

import collections

from libml.datasets import split_rule
from refusals import refused

import numpy as np
import pytest

# Published class counts of SVHN, by stored label (digit - 1): digits 1..9, then 0.
SVHN_TRAIN = [13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659, 4948]
SVHN_EXTRA = [90560, 74740, 60765, 50633, 53490, 41582, 43997, 35358, 34456, 45550]


def allocation(counts, size):
    weights = np.array(counts) / max(counts)
    return np.bincount(split_rule.pick_classes(weights, counts, size), minlength=len(counts)).tolist()


@pytest.mark.parametrize('size,expected', [
    (40, [3, 7, 6, 4, 4, 4, 3, 3, 3, 3]), (250, [17, 47, 36, 29, 25, 24, 20, 19, 17, 16]),
    (1000, [68, 189, 144, 116, 102, 94, 78, 76, 69, 64])])
def test_allocation_of_svhn_counted_by_digit(size, expected):
    assert allocation(SVHN_TRAIN[-1:] + SVHN_TRAIN[:-1], size) == expected


def test_allocation_of_svhn_as_stored():
    both = np.add(SVHN_TRAIN, SVHN_EXTRA).tolist()
    assert sum(both) == 604388
    assert allocation(SVHN_TRAIN, 40) == allocation(both, 40) == [7, 6, 4, 4, 4, 3, 3, 3, 3, 3]
    assert allocation(SVHN_TRAIN, 250) == [47, 36, 29, 25, 24, 20, 19, 17, 16, 17]
    assert allocation(both, 250) == [43, 35, 29, 24, 25, 20, 20, 17, 16, 21]


def test_worked_pick_order():
    labels = np.arange(100) % 10
    order = split_rule.draw_labeled(labels, split_rule.class_weights(labels, 10), 1, 20)
    assert order.tolist() == [20, 91, 82, 23, 64, 25, 76, 47, 68, 69, 90, 51, 32, 43, 44, 75, 96, 37, 8, 99]


def test_worked_unlabeled_order():
    labels = np.array([0, 0, 0, 0, 1, 0, 1, 2, 0, 0, 1, 2])
    order = split_rule.unlabeled_order(labels, split_rule.class_weights(labels, 3))
    assert order.tolist() == [0, 4, 7, 1, 2, 6, 3, 11, 5, 10, 8, 9]


def slow_queues(labels, weights, excluded):
    """The original's pass, step by step: a queue per class, and picks for as long as the asked-for queue has a head."""
    queues = [collections.deque() for _ in weights]
    written, order = np.zeros(len(weights), np.int64), []
    for position, label in enumerate(labels):
        if position in excluded:
            continue
        queues[label].append(position)
        while True:
            k = np.argmax(weights - written / max(written.max(), 1))
            if not queues[k]:
                break
            order.append(queues[k].popleft())
            written[k] += 1
    return order + [position for queue in queues for position in queue]


def slow_draw(labels, weights, seed, size):
    """The original's labelled draw with NumPy's global generator."""
    positions = [np.array([i for i, label in enumerate(labels) if label == k], np.int64) for k in range(len(weights))]
    if seed:
        np.random.seed(seed)
        for own in positions:
            np.random.shuffle(own)
    taken, order = np.zeros(len(weights), np.int64), []
    for _ in range(size):
        k = np.argmax(weights - taken / max(taken.max(), 1))
        order.append(positions[k][taken[k]])
        taken[k] += 1
    return order


@pytest.mark.parametrize('seed', range(12))
def test_equals_the_original_step_by_step(seed):
    random = np.random.RandomState(seed)
    nclass = random.randint(1, 12)
    labels = np.append(np.arange(nclass), random.choice(nclass, 300, p=random.dirichlet(np.ones(nclass))))
    labels = np.sort(labels) if seed == 0 else random.permutation(labels)
    for weights in (split_rule.class_weights(labels, nclass), np.ones(nclass)):
        size = nclass if weights.min() == 1 else random.randint(1, len(labels))
        labeled = split_rule.draw_labeled(labels, weights, seed, size)
        assert labeled.tolist() == slow_draw(labels, weights, seed, size)
        for excluded in ([], labeled):
            order = split_rule.unlabeled_order(labels, weights, excluded)
            assert order.tolist() == slow_queues(labels, weights, set(excluded))


@pytest.mark.parametrize('size', [40, 250, 1000, 4000, 73257])
def test_allocation_is_within_one_of_proportional(size):
    exact = size * np.array(SVHN_TRAIN) / sum(SVHN_TRAIN)
    assert (np.abs(allocation(SVHN_TRAIN, size) - exact) <= 1).all()


def test_every_label_count_up_to_all_can_be_drawn():
    labels = np.random.RandomState(0).permutation(np.repeat(np.arange(4), [40, 30, 7, 1]))
    for size in range(1, 79):
        assert len(set(split_rule.draw_labeled(labels, split_rule.class_weights(labels, 4), 2, size))) == size


def test_impossible_draws_are_refused():
    labels = np.array([0, 1, 1, 3])
    with refused('no record has label 2', '0..3'):
        split_rule.draw_labeled(labels, np.ones(4), 1, 2)
    labels[3] = 2
    for size in (0, 5):
        with refused(f'{size} labels', 'there are 4'):
            split_rule.draw_labeled(labels, np.ones(3), 1, size)
    with refused('used up after 3'):
        split_rule.draw_labeled(labels, np.ones(3), 1, 4)
    for seed in (-1, 2 ** 32):
        with refused(str(seed), '0..4294967295'):
            split_rule.draw_labeled(labels, np.ones(3), seed, 2)


def test_draws_of_each_class():
    labels = np.random.RandomState(0).permutation(np.repeat(np.arange(3), [20, 5, 9]))
    picked = split_rule.draw_per_class(labels, 3, 4, 5)
    assert np.bincount(labels[picked]).tolist() == [5, 5, 5] and sorted(set(picked)) == picked.tolist()
    assert picked.tolist() == split_rule.draw_per_class(labels, 3, 4, 5).tolist()
    assert picked.tolist() != split_rule.draw_per_class(labels, 3, 5, 5).tolist()
    assert sorted(labels[split_rule.draw_per_class(labels, 3, 4, 1)]) == [0, 1, 2]
    for size in (0, 6):
        with refused(f'{size} labels of each class', 'smallest class has 5 images'):
            split_rule.draw_per_class(labels, 3, 4, size)
    with refused('-1', '0..4294967295'):
        split_rule.draw_per_class(labels, 3, -1, 5)


def test_counts_of_a_long_tail():
    """Those of CIFAR-10-LT in the literature; of USB's configs for CIFAR-100; both directions."""
    tail = [1500, 899, 539, 323, 193, 116, 69, 41, 25, 15]
    assert split_rule.skewed_counts(1500, 10, 100).tolist() == tail
    assert split_rule.skewed_counts(1500, 10, -100).tolist() == tail[::-1]
    assert split_rule.skewed_counts(3000, 10, 100).tolist() == [3000, 1798, 1078, 646, 387, 232, 139, 83, 50, 30]
    many = split_rule.skewed_counts(150, 100, 20)
    assert many[[0, 1, 50, 98, 99]].tolist() == [150, 145, 33, 7, 7]
    assert split_rule.skewed_counts(7, 3, 1).tolist() == [7, 7, 7]
    assert split_rule.skewed_counts(9, 2, 10).tolist() == [9, 0]


@pytest.mark.parametrize('ratio, expected', [(1, [3, 3, 3, 3]), (2, [7, 5, 4, 3]), (10, [7, 3, 1, 0]),
                                             (-10, [0, 0, 1, 3])])
def test_a_long_tail_is_as_large_as_the_classes_allow(ratio, expected):
    labels = np.random.RandomState(0).permutation(np.repeat(np.arange(4), [7, 50, 30, 3]))
    drawn = split_rule.draw_skewed(labels, 4, ratio, 5)
    assert np.bincount(labels[drawn], minlength=4).tolist() == expected and (np.diff(drawn) > 0).all()
    largest = max(expected) + 1  # No more would do.
    assert (split_rule.skewed_counts(largest, 4, ratio) > [7, 50, 30, 3]).any()


def test_a_long_tail_of_two_classes():
    labels = np.repeat([0, 1], [7, 50])
    for ratio, expected in ((10, [7, 0]), (2, [7, 3]), (-10, [5, 50])):
        assert np.bincount(labels[split_rule.draw_skewed(labels, 2, ratio, 5)], minlength=2).tolist() == expected


def test_draws_of_a_long_tail():
    """Uniform, by the seed alone; a larger ratio leaves a part."""
    labels = np.arange(300) % 3
    drawn = [set(split_rule.draw_skewed(labels, 3, ratio, 5)) for ratio in (2, 10, 10)]
    assert drawn[1] == drawn[2] < drawn[0]
    assert drawn[1] != set(split_rule.draw_skewed(labels, 3, 10, 6))
    often = sum(np.isin(np.arange(300), split_rule.draw_skewed(labels, 3, 4, seed)) for seed in range(200))
    assert (often[labels == 0] == 200).all()
    of_last = often[labels == 2]  # 25 of 100
    assert of_last.sum() == 200 * 25 and 25 < of_last.min() and of_last.max() < 80
    with refused('0 3 3 images', 'ratio of 2'):
        split_rule.draw_skewed(np.array([1, 1, 1, 2, 2, 2]), 3, 2, 1)


def test_seeds_are_those_of_numpy():
    labels = np.arange(20) % 2
    for seed in (0, 2 ** 32 - 1):
        assert len(split_rule.draw_per_class(labels, 2, seed, 4)) == 8
    for seed in (-1, 2 ** 32):
        with refused(f'the seed of a split is {seed}, not in 0..4294967295'):
            split_rule.draw_per_class(labels, 2, seed, 4)
