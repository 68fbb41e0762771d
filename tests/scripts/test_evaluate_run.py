"""scripts/evaluate_run.py: its numbers by hand, its files, and that they are those of the run's own reports."""

import csv
import json
import types

import evaluate_run
import runner
import toy
from libml import data_pair
from libml.datasets import records
from mixmatch import MixMatch
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf

NAMES = ('ant', 'bee', 'cat', 'dog')
# Class, what it is taken for, how surely. No image is a dog.
IMAGES = [(0, 0, 0.9), (0, 0, 0.8), (0, 1, 0.7), (1, 1, 0.6), (1, 3, 0.95), (2, 2, 0.9)]


def probabilities(nclass, rows):
    """float32 [n, nclass] of (class that is taken, its probability)."""
    p = np.array([np.full(nclass, (1 - most) / (nclass - 1)) for _, most in rows], np.float32)
    p[np.arange(len(rows)), [k for k, _ in rows]] = [most for _, most in rows]
    return p


@pytest.fixture
def found():
    return evaluate_run.measures(probabilities(4, [row[1:] for row in IMAGES]), np.array([row[0] for row in IMAGES]),
                                 NAMES)


def test_numbers_by_hand(found):
    np.testing.assert_allclose([found['accuracy'], found['balanced_accuracy']],
                               [400 / 6, 100 * (2 / 3 + 1 / 2 + 1) / 3])
    assert found['images'] == 6 and 'top5_accuracy' not in found
    assert found['confusion'] == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert found['classes']['dog'] == dict(images=0, taken_for_it=1, accuracy=None)
    assert found['classes']['bee'] == dict(images=2, taken_for_it=2, accuracy=50.)
    of_true = [0.9, 0.8, 0.1, 0.6, 0.05 / 3, 0.9]
    np.testing.assert_allclose(found['nll'], -np.log(of_true).mean(), rtol=1e-5)
    # Fifteenths: 0.6 is in the tenth, 0.7 in the eleventh, 0.8 in the thirteenth, 0.9 (twice) and 0.95 in the last two.
    np.testing.assert_allclose(found['ece'], (0.4 + 0.7 + 0.2 + 2 * 0.1 + 0.95) / 6, rtol=1e-5)
    assert [(round(b['low'] * 15), b['images'], b['accuracy']) for b in found['reliability']] == [
        (9, 1, 1.), (10, 1, 0.), (12, 1, 1.), (13, 2, 1.), (14, 1, 0.)]


def test_a_sure_prediction_is_in_the_last_bin():
    last, = evaluate_run.reliability(probabilities(4, [(0, 1.), (1, 1.)]), np.array([0, 0]))
    assert last == dict(low=14 / 15, high=1., images=2, confidence=1., accuracy=0.5)


def test_many_classes(capsys):
    """Of 24 classes the 20 worst are printed, and how often the true class is among the first five."""
    random = np.random.RandomState(0)
    labels, p = np.arange(240) % 24, random.dirichlet(np.ones(24), 240).astype(np.float32)
    p[labels < 6] = np.eye(24)[labels[labels < 6]]
    found = evaluate_run.measures(p, labels, [f'class{k}' for k in range(24)])
    ranks = (p > p[np.arange(240), labels][:, None]).sum(1)
    np.testing.assert_allclose(found['top5_accuracy'], 100 * np.mean(ranks < 5))
    evaluate_run.print_table(found)
    out = capsys.readouterr().out
    printed = [line.split()[0] for line in out.splitlines() if line.startswith('class')]
    assert 'top-5 accuracy' in out and len(printed) == 21
    assert len({f'class{k}' for k in range(6)} & set(printed)) == 2


def test_mistakes_are_sorted_by_confidence():
    p = probabilities(4, [row[1:] for row in IMAGES])
    labels = np.array([row[0] for row in IMAGES])
    assert evaluate_run.worst_mistakes(p, labels).tolist() == [4, 2]
    many = np.linspace(0.5, 0.9, 50)
    assert evaluate_run.worst_mistakes(probabilities(4, [(1, m) for m in many]), np.zeros(50)).tolist() == [
        *range(49, 9, -1)]


def test_pictures(found):
    figure = evaluate_run.confusion_picture(found)
    assert [text.get_text() for text in figure.axes[0].texts] == ['2', '1', '1', '1', '1']
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(NAMES)
    bars = evaluate_run.reliability_picture(found).axes[0].patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], [1, 0, 1, 1, 0])
    data = toy.dataset()
    figure = evaluate_run.mistakes_picture(data.test, probabilities(5, [(1, 0.75)] * 30), 'abcde', np.array([7, 2, 5]))
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        f'{i}: {"abcde"[data.test.labels[i]]}\ntaken for b\n0.7500' for i in (7, 2, 5)] + ['']
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), data.test.images[7])


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A model after a few steps on digits."""
    folder = tmp_path_factory.mktemp('runs')
    dataset = data_pair.DATASETS['digits.1@40-100'](str(folder / 'data'))
    model = MixMatch(str(folder), dataset, **dict(toy.SMALL, ema=0.5, scales=1, lr=0.01))
    model.train(8 * 40, 8 * 40)
    return model


def test_command_says_what_the_run_reported(run):
    code, out, err = runner.run('scripts/evaluate_run.py', f'--run={run.folder.path}')
    assert code == 0 and not err, err
    folder = f'{run.folder.path}/stats/evaluation'
    with open(f'{folder}/evaluation.json') as f:
        found = json.load(f)
    row = run.folder.metrics()[-1]
    assert found['accuracy'] == row['accuracy'] and found['images'] == 397 and found['dataset'] == 'digits.1@40-100'
    np.testing.assert_allclose(found['balanced_accuracy'], row['accuracy/balanced'])
    for digit, values in found['classes'].items():
        np.testing.assert_allclose(values['accuracy'], row[f'class_accuracy/{digit}'])
    assert f'accuracy                       {row["accuracy"]:6.2f} %' in out and out.endswith(
        f'{folder}: evaluation.json, classes.csv, confusion.csv, confusion.png, reliability.png, mistakes.png\n')
    with open(f'{folder}/classes.csv', newline='') as f:
        classes = list(csv.DictReader(f))
    assert [int(row['images']) for row in classes] == np.bincount(run.dataset.test.labels).tolist()
    with open(f'{folder}/confusion.csv', newline='') as f:
        (_, *names), *rows = csv.reader(f)
    assert names == [str(k) for k in range(10)] == [name for name, *_ in rows]
    assert [[int(count) for count in counts] for _, *counts in rows] == found['confusion']
    for name in ('confusion', 'reliability', 'mistakes'):
        with open(f'{folder}/{name}.png', 'rb') as f:
            assert min(tf.io.decode_png(f.read()).shape[:2]) > 300


def test_another_dataset(run):
    with refused('--dataset=digits_m.1@40-100 has 10 classes (0, 1, ', '16x16x3, the run was trained with 10', '8x8x1'):
        evaluate_run.test_set(run, 'digits_m.1@40-100')
    with refused('unknown dataset'):
        evaluate_run.test_set(run, 'pets.1@40-100')
    other = evaluate_run.test_set(run, 'digits.2@50-0')
    assert other.labels.tolist() == run.dataset.test.labels.tolist() and other.pixels is not run.dataset.test.pixels
    assert evaluate_run.test_set(run, '') is run.dataset.test
    run.dataset.more_tests = {'a_to_b': run.dataset.valid}
    assert evaluate_run.test_set(run, 'a_to_b') is run.dataset.valid
    run.dataset.class_names = ('zero', *'123456789')
    with refused('has 10 classes (0, 1, ', 'trained with 10 classes (zero, 1, '):
        evaluate_run.test_set(run, 'digits.2@50-0')


def test_cifar10_1_is_for_runs_on_cifar10(tmp_path):
    for i, subset in enumerate(('cifar10-train', 'cifar10-test', 'cifar10_1_v6-test')):
        images = np.random.RandomState(i).randint(0, 256, [4, 32, 32, 3], np.uint8)
        records.write_records(f'{tmp_path}/{subset}.tfrecord', images, np.arange(4) + i)
    dataset = data_pair.DATASETS['cifar10-0'](str(tmp_path))
    trained = types.SimpleNamespace(dataset=dataset, LOOP_FLAGS=MixMatch.LOOP_FLAGS, load_dataset=MixMatch.load_dataset,
                                    arguments=lambda: dataset.origin)
    found = evaluate_run.test_set(trained, 'cifar10_1_v6-0')
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == [2, 3, 4, 5]
