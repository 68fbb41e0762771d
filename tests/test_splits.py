"""Splits: the rule against worked numbers and a literal queue, and the files."""

import collections
import json
import os

from libml import descriptions, records, split_rule, splits
from test_records import refused

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


def put(data_dir, subset, labels):
    """Records of 1x1 images with the given labels."""
    records.write_records(str(data_dir / f'{subset}.tfrecord'), np.zeros([len(labels), 1, 1, 1], np.uint8), labels)


@pytest.fixture
def folder(tmp_path):
    put(tmp_path, 'toy-train', np.arange(60) % 3)
    descriptions.write_description(
        tmp_path, descriptions.Description('toy', 1, 1, 1, 3, ('a', 'b', 'c'), {'train': 60, 'test': 1}))
    return tmp_path


def test_ssl_excludes_the_labeled_and_ssl2_does_not(folder):
    label, unlabel = splits.ssl_split(folder, 'toy', 3, 12)
    assert label.tolist() == sorted(label.tolist()) and len(label) == 12 and label.dtype == unlabel.dtype == np.int64
    assert sorted([*label, *unlabel]) == list(range(60))
    label2, order = splits.ssl2_split(folder, 'toy', 3, 12)
    assert label2.tolist() == label.tolist() and sorted(order) == list(range(60))
    assert splits.ssl_split(folder, 'toy', 4, 12)[0].tolist() != label.tolist()
    assert splits.ssl_split(folder, 'toy', 0, 12)[0].tolist() == list(range(12))


def test_files_have_the_format_of_the_original(folder):
    label, unlabel = splits.ssl_split(folder, 'toy', 3, 12)
    path = folder / 'SSL' / 'toy.3@12-map.json'
    assert path.read_text() == json.dumps({'label': label.tolist(), 'unlabel': unlabel.tolist()}, indent=2)
    _, order = splits.ssl2_split(folder, 'toy', 3, 12)
    assert json.loads((folder / 'SSL2' / 'toy.3@12-label.json').read_text()) == {
        'distribution': [1., 1., 1.], 'label': label.tolist()}
    assert json.loads((folder / 'SSL2' / 'toy-unlabel.json').read_text()) == {
        'distribution': [1., 1., 1.], 'indexes': order.tolist()}


def test_existing_files_are_read_as_they_are(folder):
    for sub, name, content in [('SSL', 'toy.3@2-map.json', {'label': [7, 5], 'unlabel': [
            i for i in range(59, -1, -1) if i not in (5, 7)]}), ('SSL2', 'toy.3@2-label.json', {
                'distribution': [1, 1, 1], 'label': [0, 3]}), ('SSL2', 'toy-unlabel.json', {
                    'distribution': [1, 1, 1], 'indexes': list(range(59, -1, -1))})]:
        (folder / sub).mkdir(exist_ok=True)
        (folder / sub / name).write_text(json.dumps(content))
    label, unlabel = splits.ssl_split(folder, 'toy', 3, 2)
    assert label.tolist() == [5, 7] and unlabel[:3].tolist() == [59, 58, 57]
    label, order = splits.ssl2_split(folder, 'toy', 3, 2)
    assert label.tolist() == [0, 3] and order.tolist() == list(range(59, -1, -1))


@pytest.mark.parametrize('content', [
    '', '{"label": [1], ', '[]', '{}', '{"label": [1, 2], "unlabel": "x"}', '{"label": [1, 2.5], "unlabel": []}',
    '{"label": [1, 1], "unlabel": []}', '{"label": [1, 2], "unlabel": []}', '{"label": [1, 99999999999999999999]}',
    json.dumps({'label': [0, 1], 'unlabel': list(range(1, 60))}),
    json.dumps({'label': [0, 1, 2], 'unlabel': list(range(3, 60))}),
    json.dumps({'label': [0, 1], 'unlabel': list(range(2, 61))})])
def test_damaged_maps_are_refused(folder, content):
    (folder / 'SSL').mkdir()
    (folder / 'SSL' / 'toy.3@2-map.json').write_text(content)
    with refused('toy.3@2-map.json', 'damaged'):
        splits.ssl_split(folder, 'toy', 3, 2)


def test_damaged_ssl2_files_are_refused(folder):
    (folder / 'SSL2').mkdir()
    (folder / 'SSL2' / 'toy-unlabel.json').write_text('{"indexes": [0, 1]}')
    with refused('toy-unlabel.json', 'below 60'):
        splits.ssl2_split(folder, 'toy', 3, 2)
    (folder / 'SSL2' / 'toy.3@2-label.json').write_text('{"label": [0, 60]}')
    with refused('toy.3@2-label.json', '2 different positions below 60'):
        splits.ssl2_split(folder, 'toy', 3, 2)


def test_a_folder_that_cannot_be_written_is_no_obstacle(folder, capsys):
    expected = splits.ssl_split(folder, 'toy', 3, 12)
    os.rename(folder / 'SSL', folder / 'elsewhere')
    (folder / 'SSL').write_text('in the way')
    for got, wanted in zip(splits.ssl_split(folder, 'toy', 3, 12), expected):
        np.testing.assert_array_equal(got, wanted)
    warning = capsys.readouterr().err
    assert warning.startswith('warning: ') and warning.count('\n') == 1


def test_create_split_never_changes_another_split(folder):
    path = str(folder / 'SSL' / 'toy.3@12-map.json')
    assert splits.create_split(folder, 'toy', 3, 12) == [(path, True)]
    assert splits.create_split(folder, 'toy', 3, 12) == [(path, False)]
    assert [written for _, written in splits.create_split(folder, 'toy', 3, 12, ssl2=True)] == [True, True]
    assert [written for _, written in splits.create_split(folder, 'toy', 4, 12, ssl2=True)] == [True, False]
    changed = json.dumps({'label': list(range(12)), 'unlabel': list(range(12, 60))})
    with open(path, 'w') as f:
        f.write(changed)
    with refused(path, 'another split'):
        splits.create_split(folder, 'toy', 3, 12)
    assert open(path).read() == changed


def test_svhn_counts_through_both_files(tmp_path):
    put(tmp_path, 'svhn-train', np.arange(20) % 10)
    put(tmp_path, 'svhn-extra', np.arange(30) % 10)
    label, unlabel = splits.ssl_split(tmp_path, 'svhn', 1, 40)
    assert sorted([*label, *unlabel]) == list(range(50)) and label.max() >= 20
    label, unlabel = splits.ssl_split(tmp_path, 'svhn_noextra', 1, 10)
    assert sorted([*label, *unlabel]) == list(range(20))


def test_labels_of_stl10_come_from_its_train_file(tmp_path):
    put(tmp_path, 'stl10-train', np.arange(5000) % 10)
    put(tmp_path, 'stl10-unlabeled', np.zeros(700, int))
    folds = np.stack([np.random.RandomState(i).permutation(5000)[:1000] for i in range(10)])
    (tmp_path / 'stl10_fold_indices.txt').write_text('\n'.join(' '.join(map(str, fold)) for fold in folds) + '\n')
    label, unlabel = splits.ssl_split(tmp_path, 'stl10', 9, 1000)
    assert label.tolist() == sorted(folds[9]) and sorted([*label, *unlabel]) == list(range(5700))
    assert splits.ssl2_split(tmp_path, 'stl10', 0, 1000)[0].tolist() == sorted(folds[0])
    for seed, size in [(1, 5000), (10, 1000), (1, 40)]:
        label, order = splits.ssl2_split(tmp_path, 'stl10', seed, size)
        assert label.max() < 5000 and (np.bincount(label % 10) == size // 10).all() and len(order) == 5700
    assert (np.bincount(order[:500] % 10) == 50).all()
    with refused('5001 labels', 'there are 5000'):
        splits.ssl_split(tmp_path, 'stl10', 1, 5001)
    (tmp_path / 'stl10_fold_indices.txt').write_text('1 2 3\n')
    with refused('stl10_fold_indices.txt', 'damaged'):
        splits.ssl_split(tmp_path, 'stl10', 1, 1000)


def test_a_class_without_records_is_refused(tmp_path):
    put(tmp_path, 'cifar10-train', np.arange(20) % 9)
    with refused('no record has label 9'):
        splits.ssl_split(tmp_path, 'cifar10', 1, 10)
