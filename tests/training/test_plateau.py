"""The falling learning rate and the early end of training: on known sequences of scores, and in a model."""

import toy
from consistency import Consistency
from libml.networks import nn
from libml.training import checkpoint
from libml.training.plateau import EarlyStopping, Plateau
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf

SMALL = dict(toy.SMALL, train_kimg=1, swa_bn_images=16)


def rates(scores, patience, factor=0.5):
    """The learning rate after each report."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        plateau = Plateau(0.8, patience, factor)
        session.run(tf.compat.v1.global_variables_initializer())
        found = []
        for score in scores:
            fallen = plateau.after_report(session, score)
            found.append(float(session.run(plateau.lr)))
            assert fallen is None or fallen == np.float32(found[-1])
        return found


def test_learning_rate_falls_at_a_plateau():
    np.testing.assert_allclose(rates([-3, -2, -2.5, -2, -1, -1, -1, -1, -1], 2),
                               [.8, .8, .8, .4, .4, .4, .2, .2, .1], rtol=1e-6)
    # Less than 1e-4 better is no better, and does not move the best.
    np.testing.assert_allclose(rates([.5, .50009, .50018, .50027], 2, 0.1), [.8, .8, .8, .8], rtol=1e-6)
    np.testing.assert_allclose(rates([.5, .50009, .50009, .50027], 2, 0.1), [.8, .8, .08, .08], rtol=1e-6)
    assert len(set(rates([1, 0, 0, 0, 0], 0))) == 1


def test_early_stopping_and_the_best_weights():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        weight, value = nn.variable('w', [2], nn.zeros), tf.compat.v1.placeholder(tf.float32, [2])
        assign, stopping = weight.assign(value), EarlyStopping(2, [weight])
        session.run(tf.compat.v1.global_variables_initializer())
        session.run(assign, {value: [7, 7]})
        stopping.restore(session)  # Before any report there is nothing to restore.
        assert session.run(weight).tolist() == [7, 7] and not stopping.finished(session)
        ends = []
        for i, score in enumerate([.5, .7, .6, .70001, .6, .70001]):  # Equal is no better; a little is.
            session.run(assign, {value: [i, 10 + i]})
            stopping.after_report(session, score)
            ends.append(stopping.finished(session))
        assert ends == [False, False, False, False, False, True]
        for best, expected in ((True, 3), (True, 3), (False, 5), (False, 5), (True, 3)):
            stopping.restore(session, best)
            assert session.run(weight).tolist() == [expected, 10 + expected]
        assert tf.compat.v1.trainable_variables() == [weight]


def arrays(path):
    """name -> value of everything in a checkpoint."""
    reader = tf.train.load_checkpoint(path)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_valid_loss_and_the_restored_weights(tmp_path):
    """A learning rate that is much too high: the best report is not the last one."""
    model = Consistency(str(tmp_path), toy.dataset(nunlabeled=0), lr=0.3, average='ma', stop_patience=2,
                        plateau_patience=0, **SMALL)
    model.train(1024, 32, 32)
    rows = model.folder.metrics()
    valid = [row['losses/valid'] for row in rows]
    best = int(np.argmin(valid))
    assert best + 2 == len(rows) - 1 < 31  # ended early
    checkpoints = checkpoint.all_in(model.folder.tf)
    last, then = arrays(checkpoints[-1]), arrays(checkpoints[best + 1])
    assert last['stopping/restored'] and not then['stopping/restored'] and last['global_step'] == rows[-1]['step']
    network = [name for name in then if name.startswith('classify/') and 'Adam' not in name]
    assert all(last[name].tobytes() == then[name].tobytes() for name in network) and len(network) > 20
    assert any(last[name].tobytes() != last['best/' + name].tobytes() for name in network)
    with model.session(checkpoints[-1]) as session:
        tags = model.evaluate(session)
        p = session.run(model.ops.classify_op, {model.ops.x: model.dataset.valid.images / 127.5 - 1})
        assert model.finished(session) and tags == model.ended(session)
    assert {tag: rows[best][tag] for tag in tags} == tags
    np.testing.assert_allclose(-np.log(p[np.arange(10), model.dataset.valid.labels]).mean(), valid[best], rtol=1e-4)


def test_another_report_kimg_is_refused(tmp_path):
    for report_kimg in (1, 2):
        model = Consistency(str(tmp_path), toy.dataset(), **dict(SMALL, arch='convnet'))
        args = (8, report_kimg * 1024, 8, 5)
        if report_kimg == 1:
            model.train(*args)
        else:
            with pytest.raises(InputError, match='report_kimg=1, not report_kimg=2'):
                model.train(*args)
