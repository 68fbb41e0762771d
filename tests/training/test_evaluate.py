"""Accuracies: of arrays, of a classifier, of a checkpoint."""

import os
import re
import types

import runner
import toy
from libml import ema
from libml.training import evaluate
from libml.utils import Diverged
from short_runs import metrics

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict


def test_accuracy_and_confusion():
    p = np.eye(3)[[0, 1, 1, 2, 0]]
    labels = np.array([0, 1, 2, 2, 1], np.int32)
    assert evaluate.accuracy(p, labels) == 60.
    assert evaluate.confusion(p, labels).tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert np.isnan(evaluate.accuracy(p[:0], labels[:0]))


def test_accuracies_that_count_each_class_alike():
    """A class that no test image has is left out."""
    counts = np.array([[1, 0, 3, 0], [0, 0, 0, 0], [0, 0, 5, 0], [0, 1, 0, 1]])
    assert evaluate.by_class(counts, ('ant', 'bee', 'cat', 'dog')) == {
        'accuracy/balanced': 175 / 3, 'class_accuracy/ant': 25., 'class_accuracy/cat': 100., 'class_accuracy/dog': 50.}
    assert len(evaluate.by_class(np.eye(20), range(20))) == 21
    assert evaluate.by_class(np.eye(21), range(21)) == {'accuracy/balanced': 100.}


def test_top_accuracy():
    """The label's place in the order of probabilities: 0 to 4 count; nothing is said of few classes."""
    p = np.tile(np.arange(21.) / 210, [7, 1]).astype(np.float32)
    assert evaluate.top_accuracy(p, np.array([20, 19, 16, 15, 0, 17, 3])) == {'accuracy/top5': 100 * (4 / 7)}
    assert evaluate.top_accuracy(p[:, 1:], np.zeros(7, int)) == {}
    # Many classes are impossible: the first of them come after the only one that is not.
    assert evaluate.top_accuracy(np.eye(21)[[9] * 4], np.array([9, 3, 4, 20])) == {'accuracy/top5': 50.}


def test_eval_ckpt_prints_the_table(straight, data_dir):
    folder, _ = straight
    code, out, err = runner.run('mixmatch.py', *runner.TINY, f'--data_dir={data_dir}',
                                f'--train_dir={os.path.dirname(os.path.dirname(folder))}', f'--eval_ckpt={folder}')
    assert code == 0 and not err, err
    table = out.splitlines()[-5:]
    ends = {tuple(match.end() for match in re.finditer(r'\S+', line))[-3:] for line in table}
    assert len(ends) == 1, table  # Titles and values stand in the same columns.
    rows = [line.split() for line in table[1:]]
    assert [row[0] for row in rows] == ['raw', 'ema', 'tuned_raw', 'tuned_ema']
    last = metrics(folder)[-1]
    for row, kind in zip(rows, ('raw/', '')):
        assert row[1:] == [f'{last[tag.rstrip("/")]:.2f}' for tag in (
            f'accuracy/{kind}train_labeled', f'accuracy/{kind}valid', f'accuracy/{kind}')]
    assert rows[2][1:] != rows[0][1:] or rows[3][1:] != rows[1][1:]


def test_tags():
    assert [evaluate.tag(subset) for subset in ('test', 'valid')] == ['accuracy', 'accuracy/valid']
    assert [evaluate.tag(subset, 'raw/') for subset in ('test', 'valid')] == ['accuracy/raw', 'accuracy/raw/valid']


def test_live_weights_are_evaluated_at_first_and_where_asked_for():
    """At first: until the averages have forgotten the weights that they started with."""
    def live(step, decay, **params):
        model = types.SimpleNamespace(step=step, ema=ema.MovingAverage(decay), params=EasyDict(batch=64, **params))
        return evaluate.live_counts(model, types.SimpleNamespace(run=lambda step: step))

    assert live(4999 * 64, 0.999, report_raw=False) and not live(5000 * 64, 0.999, report_raw=False)
    assert live(49 * 64, 0.9, report_raw=False) and not live(50 * 64, 0.9, report_raw=False)
    assert live(5000 * 64, 0.999, report_raw=True) and live(5000 * 64, 0.999)
    assert not live(5 * 64, 0., report_raw=False)  # Nothing is averaged.


def test_lines_of_classes():
    dataset = toy.dataset(nlabeled=7, labels_known=True, class_names=('ant', 'bee', 'cat', 'dog', 'elk'))
    assert evaluate.class_lines(dataset) == ['Labelled 7 (ant: 2, bee: 2, cat: 1, dog: 1, elk: 1)',
                                             'Unlabelled 60 (ant: 12, bee: 12, cat: 12, dog: 12, elk: 12)']
    dataset.labels_known = False
    assert evaluate.class_lines(dataset)[1] == 'Unlabelled 60'
    dataset = toy.dataset(nclass=100, nunlabeled=0)
    first, *others = evaluate.class_lines(dataset)
    assert first.startswith('Labelled 20 (0: 1, 1: 1,') and others[-1].endswith(' 99: 0)') and len(first) <= 120


def test_all_images_are_classified(monkeypatch):
    """Batches do not divide the images evenly; a set with two names counts under both, one without images nowhere."""
    monkeypatch.setattr(evaluate, 'BATCH', 7)
    dataset = toy.dataset()
    dataset.valid = dataset.valid.take(0)
    dataset.more_tests = dict(target=dataset.test, other=dataset.unlabeled)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 16, 16, 3])
        # The first pixel decides; bytes are scaled to [-1, 1].
        op = tf.one_hot(tf.cast(x[:, 0, 0, 0] > 0, tf.int32), 5)
        p = evaluate.predict(session, op, x, dataset.test.images)
        model = types.SimpleNamespace(dataset=dataset, ops=EasyDict(x=x))
        found = evaluate.accuracies(model, session, op)
        assert evaluate.predict(session, op, x, dataset.valid.images).shape == (0, 5)
    expected = {}
    for name, subset in (('train_labeled', dataset.labeled), ('test', dataset.test), ('other', dataset.unlabeled)):
        expected[name] = 100 * np.mean((subset.images[:, 0, 0, 0] > 127) == subset.labels)
    assert p.shape == (30, 5) and p.dtype == np.float32 and p[:, 1].tolist() == (
        dataset.test.images[:, 0, 0, 0] > 127).tolist()
    assert found == dict(expected, target=expected['test'])
    assert list(found) == ['train_labeled', 'test', 'target', 'other']


def test_what_is_not_finite_is_no_class():
    """It would be taken for the first one."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [None, 1, 1, 1])
        op = tf.math.log(tf.concat([x[:, 0, 0], x[:, 0, 0] + 2], 1))
        with pytest.raises(Diverged, match='what the network says of 2 of 3 images is not finite'):
            evaluate.predict(session, op, x, np.uint8([0, 255, 100]).reshape(3, 1, 1, 1))
