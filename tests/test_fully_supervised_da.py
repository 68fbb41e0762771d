"""fully_supervised_da.py against numpy, and a run of it from flags to its own opening."""

import toy
from adamatch_runs import cross_entropy, dataset, softmax
from domain_runs import TINY, recorded, started
from fully_supervised_da import FullySupervisedDA
from libml import open_run
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf

PARAMS = {name: value for name, value in TINY.items() if name != 'uratio'}
FLAGS = dict(source='', target='', test_extra='', data_dir='', whiten=False, imbalance_labeled=0.,
             imbalance_unlabeled=0.)


def test_one_step(tmp_path):
    """The loss is the mean of both views of both domains, which batch norm sees together, and nothing else."""
    model = recorded(FullySupervisedDA)(str(tmp_path), dataset(7, size=8), **PARAMS)
    assert model.ops.y is None and list(model.batch_norms) == ['joint'] and len(model.streams._initializers) == 2
    assert [part.shape[0] for part in model.ops.labeled] == [4, 4] and 'uratio' not in model.folder.path
    moving, = [v for v in model.variables if v.op.name == 'classify/batch_normalization/moving_mean']
    with model.session() as session:
        feed = started(model, session)
        xe = model.ops.losses['losses/xe']
        found, loss, logits, gradients, wd = session.run(
            [xe, model.ops.loss, model.recorded, tf.gradients(xe, model.recorded), model.l2()], feed)
        kernel, bias = session.run(tf.compat.v1.trainable_variables('classify/conv2d/'))
        session.run(model.ops.train_op, feed)
        images = np.concatenate([feed[part].reshape(-1, 8, 8, 3) for part in model.ops.labeled])
        mean = session.run(tf.reduce_mean(tf.nn.conv2d(tf.constant(images, tf.float32), kernel, 1, 'SAME'), [0, 1, 2]))
        np.testing.assert_allclose(session.run(moving), 0.1 * (mean + bias), rtol=1e-4, atol=1e-7)
    labels = [feed[label] for label in model.ops.labels]
    four = [cross_entropy(z[:, view], label).mean() for z, label in zip(logits, labels) for view in range(2)]
    np.testing.assert_allclose(found, 0.25 * sum(four), rtol=1e-5)
    np.testing.assert_allclose(loss, 0.25 * sum(four) + 0.001 * wd, rtol=1e-5)
    for z, label, gradient in zip(logits, labels, gradients, strict=True):
        np.testing.assert_allclose(gradient, (softmax(z) - np.eye(5)[label][:, None]) / 16, atol=1e-6)


def test_from_flags_to_an_opened_run(tmp_path):
    pytest.importorskip('sklearn')
    flags = dict(FLAGS, source='digits', test_extra='digits_m', data_dir=str(tmp_path / 'data'))
    model = FullySupervisedDA(str(tmp_path), FullySupervisedDA.load_dataset(flags), **PARAMS)
    model.train(128, 128)
    assert f'{tmp_path}/digits_to_digits/(s,s)/FullySupervisedDA_' in model.folder.path
    row, = model.folder.metrics()
    assert {'accuracy/digits_to_digits', 'accuracy/digits_to_digits_m'} <= set(row)
    assert row['accuracy'] == row['accuracy/digits_to_digits']
    opened, _ = open_run.open_run(model.folder.path)
    assert opened.dataset.origin == model.dataset.origin and opened.params.sources == 'digits'
    other = FullySupervisedDA.load_dataset({**flags, **opened.arguments(), 'dataset': 'digits-0', 'source': '',
                                            'target': ''})
    assert other.name == 'digits-0'


def test_wrong_flags(tmp_path):
    with refused('--source=: give the domain to train on'):
        FullySupervisedDA.load_dataset(FLAGS)
    with refused('--source=digits --target=digits: two domains cannot be skewed'):
        FullySupervisedDA.load_dataset(dict(FLAGS, source='digits', imbalance_labeled=2.))
    with refused('no hyper-parameter uratio'):
        FullySupervisedDA(str(tmp_path), toy.dataset(), uratio=3)
