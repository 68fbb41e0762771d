"""baseline.py, fixmatch_da.py, mcd.py and noisy_student.py against numpy."""

import os

import toy
from baseline import Baseline
from fixmatch_da import FixMatchDA
from libml.utils import InputError
from mcd import MCD
from noisy_student import NoisyStudent
from test_adamatch import SMALL, cross_entropy, dataset, softmax

import numpy as np
import pytest
import tensorflow as tf

TINY = dict(SMALL, train_kimg=1)


def recorded(model_class):
    """The class, with the logits of its pass in `recorded`."""

    def logits(self, name, parts):
        self.recorded = model_class.logits(self, name, parts)
        return self.recorded

    return type(model_class.__name__, (model_class,), {'logits': logits})


def build(model_class, folder, labeled_target=7, **params):
    return model_class(str(folder), dataset(labeled_target, size=8), **{**TINY, **params})


def started(model, session):
    """Starts the streams; makes the last layer sure of some images; returns a feed of fixed pictures."""
    model.streams.start(session, 0)
    random, ops = np.random.RandomState(0), model.ops
    toy.set_variables(model, session, {'classify/dense/kernel': random.normal(0, 2, [4, 5])})
    images = [ops[name] for name in ('xt', 'tt', 'y') if name in ops]
    feed = {image: random.uniform(-1, 1, image.shape.as_list()) for image in images}
    feed.update({label: random.randint(0, 5, 4) for label in ops.labels})
    return feed


def test_baseline(tmp_path):
    """All labelled images are one batch; unlabelled ones get no gradient of their logits, but are in the batch norm."""
    model = build(recorded(Baseline), tmp_path)
    with model.session() as session:
        feed = started(model, session)
        xe = model.ops.losses['losses/xe']
        assert tf.gradients(xe, model.recorded[2]) == [None]
        through_batch_norm = tf.gradients(xe, model.ops.y)[0]
        found, loss, logits, gradient, wd = session.run(
            [xe, model.ops.loss, model.recorded, through_batch_norm, model.l2()], feed)
    z, label = np.concatenate(logits[:2]), np.concatenate([feed[label] for label in model.ops.labels])
    expected = np.mean([cross_entropy(z[:, view], label).mean() for view in range(2)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(loss, expected + 0.001 * wd, rtol=1e-5)
    assert np.abs(gradient).max() > 0


def test_baseline_without_target(tmp_path):
    """Nothing of the unlabelled images enters: no stream, no placeholder."""
    model = build(Baseline, tmp_path, labeled_target=0, use_unlabeled=False, arch='convnet')
    assert model.ops.y is None and len(model.streams._initializers) == 1
    assert 'use_unlabeledFalse' in model.folder.path
    shapes = [op.outputs[0].shape.as_list()[:1] for op in model.graph.get_operations() if op.type == 'Conv2D']
    assert [8] in shapes and [24] not in shapes


def test_fixmatch_da(tmp_path):
    model = build(recorded(FixMatchDA), tmp_path, confidence=0.5, wu=3.)
    ops = model.ops
    with model.session() as session:
        feed = started(model, session)
        gradients = tf.gradients(ops.losses['losses/xeu'], model.recorded)
        found, loss, parts, gradients, _ = session.run(
            [{**ops.losses, **ops.monitors}, ops.loss, model.recorded, gradients, ops.train_op], feed)
        after = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    z = np.concatenate(parts).astype(np.float64)
    label = np.concatenate([feed[label] for label in ops.labels])
    p_labeled = 0.999 * 0.2 + 0.001 * np.eye(5)[label].mean(0)
    p_unlabeled = (127 * 0.2 + softmax(z[:, 0]).mean(0)) / 128
    targets = softmax(z[:, 0]) * (1e-6 + p_labeled) / (1e-6 + p_unlabeled)
    targets /= targets.sum(1, keepdims=True)
    mask = targets.max(1) >= 0.5
    assert 0 < mask[:8].sum() < 8 and 0 < mask[8:].sum() < 8
    expected = {
        'losses/xe': cross_entropy(z[:8, 0], label).mean(), 'losses/wd': found['losses/wd'],
        'losses/xeu': (mask * cross_entropy(z[:, 1], targets.argmax(1))).mean(), 'monitors/mask': mask.mean(),
        'monitors/confidence_ratio': 0.5, 'monitors/lr': 0.03,
        'monitors/klmodel': (p_labeled * (np.log(p_labeled + 2 ** -17) - np.log(p_unlabeled + 2 ** -17))).sum()}
    assert set(found) == set(expected)
    for tag, value in expected.items():
        np.testing.assert_allclose(found[tag], value, rtol=1e-4, atol=2e-6, err_msg=tag)
    np.testing.assert_allclose(
        loss, expected['losses/xe'] + 3 * expected['losses/xeu'] + 0.001 * found['losses/wd'], rtol=1e-4)
    np.testing.assert_allclose(after['p_data'], p_labeled, rtol=1e-5)
    np.testing.assert_allclose(after['p_unlabeled'].mean(0), p_unlabeled, rtol=1e-5)
    gradient = np.concatenate(gradients)
    assert (gradient[:, 0] == 0).all()
    np.testing.assert_array_equal(np.abs(gradient[:, 1]).max(1) > 0, mask)


def test_mcd_phases_follow_each_other(tmp_path):
    """Each phase is recomputed by hand on what the one before left: its loss, its variables, momentum, statistics."""
    model = build(MCD, tmp_path, wu=2, wd=0.1)
    with model.session() as session:
        feed = started(model, session)
        reference = model.supervised('reference x', model.ops), model.discrepancy('reference y', model.ops)
        xe, dis = reference
        variables, lr = tf.compat.v1.trainable_variables(), 0.03
        heads = [v for v in variables if v.op.name in (
            'classify/dense/kernel', 'classify/dense/bias', 'classify_2/dense/kernel', 'classify_2/dense/bias')]
        network = [v for v in variables if v not in heads]
        assert len(heads) == 4
        x_stats, y_stats = [model.batch_norms[f'reference {name}'].batch_stats for name in 'xy']
        losses = [tf.gradients(xe + 0.1 * model.l2(), variables), tf.gradients(xe - dis, heads),
                  tf.gradients(dis, network)]
        start = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
        values, slots = dict(start), [{} for _ in losses]
        expected = {}

        def phase(i, chosen, stats):
            toy.set_variables(model, session, {v.op.name: values[v.op.name] for v in variables})
            gradients, *scalars, moved = session.run([losses[i], xe, dis, [s for _, s in stats]], feed)
            for v, g in zip(chosen, gradients):
                slots[i][v.op.name] = 0.9 * slots[i].get(v.op.name, 0) + g
                values[v.op.name] = values[v.op.name] - lr * slots[i][v.op.name]
            for (v, _), stat in zip(stats, moved):
                values[v.op.name] = 0.9 * values[v.op.name] + 0.1 * stat
            return scalars

        expected['losses/xe'], _ = phase(0, variables, x_stats)
        expected['losses/xe2'], expected['losses/dis2'] = phase(1, heads, [])
        expected['losses/dis3'] = np.mean([phase(2, network, y_stats)[1] for _ in range(2)])
        toy.set_variables(model, session, {name: start[name] for name in values if 'Exponential' not in name})
        found, _ = session.run([model.ops.losses, model.ops.train_op], feed)
        after = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    for tag, value in expected.items():
        np.testing.assert_allclose(found[tag], value, rtol=1e-4, err_msg=tag)
    names = [v.op.name for v in variables] + [v.op.name for v, _ in x_stats]
    for name in names:
        np.testing.assert_allclose(after[name], values[name], rtol=1e-3, atol=1e-5, err_msg=name)
        shadow = f'{name}/ExponentialMovingAverage'
        np.testing.assert_allclose(after[shadow], 0.999 * start[shadow] + 0.001 * values[name], rtol=1e-4, atol=1e-6)
        moved = np.abs(after[name] - start[name]).max()
        assert moved > 1e-4 or 'conv' in name and 'bias' in name, name
    slots = {v.op.name.rpartition('/')[2] for v in model.variables if 'Momentum' in v.op.name}
    assert slots == {'Momentum1', 'Momentum2', 'Momentum3'}


def test_mcd_settings(tmp_path):
    model = build(MCD, tmp_path, wu=0, augment='CTA(s,s)', labeled_target=0)
    assert 'losses/dis3' not in model.ops.losses and model.learner is None and '/CTA(s,s)/' in model.folder.path
    assert model.ops.xt.shape == [4, 1, 8, 8, 3] and model.folder.path.endswith('_wu0')
    for params, text in ((dict(wu=-1), '--wu=-1'), (dict(arch='convnet'), '--arch=convnet'),
                         (dict(arch='conv4'), '--arch=conv4')):
        with pytest.raises(InputError, match=text):
            build(MCD, tmp_path, **params)


def test_noisy_student_follows_its_teacher(tmp_path):
    """The teacher's file, which images the student keeps, how often each appears, and the soft labels in the loss."""
    params = dict(arch='convnet')
    teacher = build(NoisyStudent, tmp_path, id='0', **params)
    teacher.train(12, 1024)
    path = os.path.join(teacher.folder.path, 'predictions.npy')
    p = np.load(path)
    unlabeled = teacher.dataset.unlabeled
    with teacher.session(tf.train.latest_checkpoint(teacher.folder.tf)) as session:
        images = unlabeled.images.astype(np.float32) * np.float32(2 / 255) - 1
        np.testing.assert_allclose(p, session.run(teacher.ops.classify_op, {teacher.ops.x: images}), rtol=1e-5)

    # Unlike the teacher's own, these are sure of some images.
    p = softmax(np.random.RandomState(0).normal(0, 2, p.shape)).astype(np.float32)
    np.save(path, p)
    student = build(recorded(NoisyStudent), tmp_path, id='1', teacher_id='0', pseudo_label_th=0.6, **params)
    pool, batches = student.pool
    kept = p.max(1) > 0.6
    assert 10 < kept.sum() < 50
    counts = np.bincount(pool.positions)
    # Each batch of 4 has 4 of 20 labelled, 4 of 7 labelled target and 8 of 60 unlabelled images.
    assert (counts == np.repeat([6, 17, 4], [20, 7, kept.sum()])).all()
    np.testing.assert_allclose(batches, 2 + 2 * kept.mean())
    np.testing.assert_array_equal(pool.pixels, np.concatenate(
        [student.dataset.labeled.images, student.labeled_target.images, unlabeled.images[kept]]))
    np.testing.assert_array_equal(pool.targets[27:], p[kept])
    np.testing.assert_array_equal(pool.targets[:20], np.eye(5)[student.dataset.labeled.labels])
    with student.session() as session:
        student.streams.start(session, 0)
        found, (z,), label = session.run([student.ops.losses['losses/xe'], student.recorded, student.ops.label])
        assert not {v.tobytes() for v in label} - {v.tobytes() for v in pool.targets}
    expected = np.mean([-(label * np.log(softmax(z[:, view]))).sum(1).mean() for view in range(2)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize('params, text', [
    (dict(), '--id=:'), (dict(id='a/b'), '--id=a/b'), (dict(id='1', teacher_id='1'), '--teacher_id=1'),
    (dict(id='1', pseudo_label_th=1.), '--pseudo_label_th=1.0'), (dict(id='1', teacher_id='0'), 'predictions.npy'),
    (dict(id='1', pseudo_label_file='{}/few.npy'), r'shape \(3, 5\)'),
    (dict(id='1', pseudo_label_file='{}/unsure.npy'), '--pseudo_label_th=0.9'),
    (dict(id='1', pseudo_label_file='{}/empty.npy'), 'cannot read the predictions .*empty.npy'),
    (dict(id='1', pseudo_label_file='{}/many.npz'), 'cannot read the predictions .*many.npz'),
    (dict(id='1', pseudo_label_file='{}/text.npy'), 'text.npy does not hold probabilities'),
    (dict(id='1', pseudo_label_file='{}/logits.npy'), 'logits.npy does not hold probabilities')])
def test_noisy_student_refuses(tmp_path, params, text):
    np.save(tmp_path / 'few.npy', np.zeros([3, 5], np.float32))
    np.save(tmp_path / 'unsure.npy', np.full([60, 5], 0.2, np.float32))
    (tmp_path / 'empty.npy').write_bytes(b'')
    np.savez(tmp_path / 'many.npz', p=np.full([60, 5], 0.2))
    np.save(tmp_path / 'text.npy', np.full([60, 5], '0.2'))
    np.save(tmp_path / 'logits.npy', np.random.RandomState(0).normal(0, 9, [60, 5]))
    params = {name: value.format(tmp_path) if isinstance(value, str) else value for name, value in params.items()}
    with pytest.raises(InputError, match=text) as error:
        build(NoisyStudent, tmp_path, arch='convnet', **params)
    assert '\n' not in str(error.value)
