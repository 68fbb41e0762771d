"""What is reported of pseudo-labels: counted as by hand, for every method with a threshold, and used by nothing."""

import types

import toy
from adamatch import AdaMatch
from fixmatch import FixMatch
from fixmatch_da import FixMatchDA
from libml import data
from libml.methods import pseudo_labels
from pseudo_label import PseudoLabel
from short_runs import arrays, metrics
from uda import UDA

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

NAMES = ('ant', 'bee', 'cat')
TINY = dict(toy.SMALL, batch=4, uratio=2, filters=2, train_kimg=1)


def watched(nclass=3):
    """(tags -> tensors, tracker, feeds) of pseudo-labels of 2 labelled and 4 unlabelled images."""
    truth, labels, mask = [tf.compat.v1.placeholder(kind, [n])
                           for kind, n in ((tf.int32, 4), (tf.int64, 6), (tf.float32, 6))]
    trackers = []
    model = types.SimpleNamespace(truth=truth, params=EasyDict(nclass=nclass), watched={}, track=lambda t: (
        trackers.append(t) or t), dataset=types.SimpleNamespace(class_names=NAMES + tuple(map(str, range(3, nclass)))))
    pseudo_labels.watch(model, labels, mask)
    return model.watched, trackers[0], (truth, labels, mask)


def test_counts_by_hand():
    """Two steps; labelled images, the first of the batch, do not count; each step before weighs 0.99 of the next."""
    steps = [([0, 0, 1, 2], [9, 9, 0, 1, 1, 1], [1, 1, 1, 1, 0, 1]),
             ([0, 1, 1, 1], [9, 9, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0])]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tags, tracker, feeds = watched()
        session.run(tf.compat.v1.global_variables_initializer())
        first, second = [session.run((tags, tracker.updates()), dict(zip(feeds, step)))[0] for step in steps]
    assert list(tags) == ['pseudo/accuracy', 'pseudo/coverage', *(f'pseudo/coverage/{name}' for name in NAMES)]
    np.testing.assert_allclose(list(first.values()), [100 / 3, 75, 100, 0, 100], rtol=1e-5)
    np.testing.assert_allclose(list(second.values()), [
        100 * .99 / (.99 * 3 + 1), 100 * (.99 * 3 + 1) / (.99 * 4 + 4), 100 * .99 * 2 / (.99 * 2 + 1),
        100 / (.99 + 3), 100], rtol=1e-5)


def test_many_classes_have_no_coverage_each():
    with tf.Graph().as_default():
        assert len(watched(20)[0]) == 22
    with tf.Graph().as_default():
        assert list(watched(21)[0]) == ['pseudo/accuracy', 'pseudo/coverage']


@pytest.mark.parametrize('model_class', [UDA, AdaMatch, FixMatchDA, PseudoLabel], ids=lambda cls: cls.__name__)
def test_methods_with_a_threshold_report(tmp_path, model_class):
    params = {name: value for name, value in TINY.items() if name in model_class.HPARAMS}
    if model_class in (AdaMatch, FixMatchDA):
        params['augment'] = '(s,s)'
    model = model_class(str(tmp_path), toy.dataset(size=8, labels_known=True), **params)
    assert {'pseudo/accuracy', 'pseudo/coverage', 'pseudo/coverage/4'} <= set(model.ops.monitors)


def other_classes(dataset):
    """The same dataset with other true classes of its unlabelled images."""
    unlabeled = dataset.unlabeled
    dataset.unlabeled = data.Subset(unlabeled.pixels, (unlabeled.targets + 1) % 5, unlabeled.positions)
    return dataset


def test_true_classes_are_used_by_nothing_else(tmp_path):
    """Runs with true, with wrong and without known classes end with the same weights; a resume reports the same."""
    known = toy.dataset(size=8, labels_known=True)
    datasets = dict(known=known, wrong=other_classes(toy.dataset(size=8, labels_known=True)), none=toy.dataset(size=8))
    left, rows = {}, {}
    for name, dataset in datasets.items():
        model = FixMatch(str(tmp_path / name), dataset, augment='x.x.r1_1_0', confidence=0.25,
                         **TINY)
        for end in (40, 80) if name == 'wrong' else (80,):
            model.train(end, 80, 40)
        left[name], rows[name] = arrays(model.folder.path), metrics(model.folder.path)[-1]
    counts = [left[name].pop('pseudo_labels') for name in ('known', 'wrong')]
    for name in ('wrong', 'none'):
        assert left[name].keys() == left['known'].keys()
        for key, value in left[name].items():
            assert value.tobytes() == left['known'][key].tobytes(), key
    assert not any(tag.startswith('pseudo') for tag in rows['none'])
    for (seen, kept, right), row in zip(counts, (rows['known'], rows['wrong'])):
        np.testing.assert_allclose(row['pseudo/accuracy'], 100 * right.sum() / kept.sum(), rtol=1e-5)
        np.testing.assert_allclose([row[f'pseudo/coverage/{k}'] for k in range(5)], 100 * kept / seen, rtol=1e-5)
        assert 0 < row['pseudo/coverage'] < 100
    assert rows['known']['pseudo/accuracy'] != rows['wrong']['pseudo/accuracy']
    # Counts of 20 steps, of which 'wrong' was stopped after 10.
    np.testing.assert_allclose(counts[1][0].sum(), counts[0][0].sum(), rtol=1e-6)
    np.testing.assert_allclose(counts[1][1].sum(), counts[0][1].sum(), rtol=1e-6)
