"""adamatch.py against numpy: losses, gradients, order of updates, settings."""

import short_runs
import toy
from adamatch import AdaMatch
from adamatch_runs import SMALL, Recorded, cross_entropy, dataset, fixed_feed, softmax
from libml import trackers
from libml.augment import ctaugment, domain_tokens
from libml.training import checkpoint, run_folder

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """One graph with labelled target images, for all tests that need no other."""
    folder = str(tmp_path_factory.mktemp('runs'))
    return Recorded(folder, dataset(7, size=8), wu=2., train_kimg=1, confidence=1., **SMALL)


@pytest.fixture
def session(model):
    """A session of `model` at half of the training, with a last layer that is sure of some images; iterators run."""
    with model.session() as session:
        model.streams.start(session, 0)
        kernel = np.random.RandomState(3).normal(0, 3, [4, 5])
        toy.set_variables(model, session, {'global_step': 640, 'classify/dense/kernel': kernel})
        yield session


def test_losses_and_statistics_against_numpy(model, session):
    ops, feed = model.ops, fixed_feed(model)
    p_labeled = np.full(5, 0.2)
    buffer = np.full([128, 5], 0.2)
    for step in (640, 644):
        found, loss, logits, _ = session.run(
            [{**ops.losses, **ops.monitors}, ops.loss, model.recorded, ops.train_op], feed)
        joint, alone = logits['joint'], logits['alone']
        zs, zt = [z + feed[lam] * (a - z) for z, a, lam in zip(joint, alone, ops.lams)]
        p_weak = softmax(joint[2][:, 0].astype(np.float64))
        p_labeled += 0.001 * (softmax(zs[:, 0].astype(np.float64)).mean(0) - p_labeled)
        buffer = np.concatenate([buffer[1:], p_weak.mean(0)[None]])
        p_unlabeled = buffer.mean(0)
        targets = p_weak * (1e-6 + p_labeled) / (1e-6 + p_unlabeled)
        targets /= targets.sum(1, keepdims=True)
        threshold = softmax(zs[:, 0]).max(1).mean()
        mask = targets.max(1) >= threshold
        assert 0 < mask.sum() < 8
        weight = 1 + (2 - 1) * (0.5 - 0.5 * np.cos(np.pi * (step / 1024 - 0.5) / 0.5))
        expected = {
            'losses/xe': np.mean([cross_entropy(zs[:, i], feed[ops.label]).mean() for i in range(2)]),
            'losses/xet': np.mean([cross_entropy(zt[:, i], feed[ops.label_t]).mean() for i in range(2)]),
            'losses/xeu': (mask * cross_entropy(joint[2][:, 1], targets.argmax(1))).mean(),
            'losses/hregbn': np.square(zs - alone[0]).mean(), 'losses/wd': found['losses/wd'],
            'monitors/confidence_ratio': threshold, 'monitors/wu': weight, 'monitors/mask': mask.mean(),
            'monitors/klmodel': (p_labeled * (np.log(p_labeled + 2 ** -17) - np.log(p_unlabeled + 2 ** -17))).sum(),
            'monitors/lr': 0.03 * np.cos(np.arccos(0.25) * step / 1024)}
        assert set(found) == set(expected)
        for tag, value in expected.items():
            np.testing.assert_allclose(found[tag], value, rtol=1e-4, atol=1e-6, err_msg=tag)
        total = expected['losses/xe'] + expected['losses/xet'] + weight * expected['losses/xeu']
        np.testing.assert_allclose(loss, total + 0.001 * expected['losses/wd'], rtol=1e-4)
    after = {v.op.name: value for v, value in zip(model.variables, session.run(model.variables))}
    np.testing.assert_allclose(after['p_data'], p_labeled, rtol=1e-5)
    np.testing.assert_allclose(after['p_unlabeled'], buffer, rtol=1e-5)


def test_where_gradients_go(model, session):
    """The unlabelled loss reaches confident strong views only; the labelled one either pass, as the draws say."""
    ops, feed = model.ops, fixed_feed(model)
    joint, alone = model.recorded['joint'], model.recorded['alone']
    with model.graph.as_default():
        of_xeu = tf.gradients(ops.losses['losses/xeu'], joint + alone)
        assert of_xeu[:2] + of_xeu[3:] == [None] * 4
        passes = [joint[0], joint[1], alone[0], alone[1]]
        # One that xe depends on and one that it does not for each pass.
        of_xe = tf.gradients(ops.losses['losses/xe'] + 2 * ops.losses['losses/xet'], passes)
        assert tf.gradients(ops.losses['losses/xe'], [joint[1], joint[2], alone[1]]) == [None] * 3
        shadows = [model.ema.average(v) for v in tf.compat.v1.trainable_variables()]
        assert set(tf.gradients(ops.loss, shadows)) == {None}
    gradient, z, mask = session.run([of_xeu[2], joint[2], ops.monitors['monitors/mask']], feed)
    reached = np.abs(gradient[:, 1]).max(-1) > 0
    assert (gradient[:, 0] == 0).all() and reached.mean() == mask and 0 < mask < 1
    expected = softmax(z[:, 1]) - np.eye(5)[(softmax(z[:, 1]) - gradient[:, 1] * 8).argmax(-1)]
    np.testing.assert_allclose(gradient[:, 1], expected * reached[:, None] / 8, rtol=1e-3, atol=1e-6)
    for value in (0., 1.):
        feed.update({lam: np.full(lam.shape.as_list(), value) for lam in ops.lams})
        beside, apart = np.split(np.abs(session.run(of_xe, feed)).max((1, 2, 3)), 2)
        zero, other = (apart, beside) if value == 0 else (beside, apart)
        assert (zero == 0).all() and (other > 0).all()


def test_without_logit_interpolation(tmp_path):
    """One pass: labelled losses, threshold and their gradients are of its logits."""
    model = Recorded(str(tmp_path), dataset(7, size=8), use_logit_interpolation=False, **SMALL)
    ops, feed = model.ops, fixed_feed(model)
    assert list(model.recorded) == ['joint'] and set(model.batch_norms) == {'joint'}
    assert 'lams' not in ops and 'losses/hregbn' not in ops.losses
    with model.session() as session:
        model.streams.start(session, 0)
        kernel = np.random.RandomState(3).normal(0, 3, [4, 5])
        toy.set_variables(model, session, {'classify/dense/kernel': kernel})
        passes = model.recorded['joint']
        gradients = tf.gradients(ops.losses['losses/xe'] + 2 * ops.losses['losses/xet'], passes)
        assert gradients.pop() is None
        found, logits, gradients = session.run([{**ops.losses, **ops.monitors}, passes, gradients], feed)
    for z, label, gradient, name, weight in zip(logits, ops.labels, gradients, ('xe', 'xet'), (1, 2)):
        expected = np.mean([cross_entropy(z[:, view], feed[label]).mean() for view in range(2)])
        np.testing.assert_allclose(found[f'losses/{name}'], expected, rtol=1e-5)
        expected = weight * (softmax(z) - np.eye(5)[feed[label]][:, None]) / (2 * len(z))
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7)
    confidence = 0.9 * softmax(logits[0][:, 0]).max(1).mean()
    np.testing.assert_allclose(found['monitors/confidence_ratio'], confidence, rtol=1e-5)


def test_one_step_updates_in_order(model, session):
    """Plain momentum, then the joint pass's statistics, then averages of both; nothing follows the alone pass."""
    feed, trainable = fixed_feed(model), [v for v in model.variables if v.trainable]
    joint, alone = model.batch_norms['joint'].batch_stats, model.batch_norms['alone'].batch_stats
    moving = [v for v, _ in joint]
    averages = [model.ema.average(v) for v in trainable + moving]
    with model.graph.as_default():
        gradients = tf.gradients(model.ops.loss, trainable)
    before, old = session.run([trainable, averages])
    first, joint, alone = session.run([gradients, [s for _, s in joint], [s for _, s in alone]], feed)
    start, lr = session.run([moving, model.ops.monitors['monitors/lr']])
    session.run(model.ops.train_op, feed)
    middle, moved, new = session.run([trainable, moving, averages])
    second, lr2 = session.run([gradients, model.ops.monitors['monitors/lr']], feed)
    session.run(model.ops.train_op, feed)
    after = session.run(trainable)
    for v, a, b, c, g, h in zip(trainable, before, middle, after, first, second):
        np.testing.assert_allclose(b, a - lr * g, rtol=1e-4, atol=1e-6, err_msg=v.op.name)
        np.testing.assert_allclose(c, b - lr2 * (h + 0.9 * g), rtol=1e-4, atol=1e-5, err_msg=v.op.name)
    for a, b, stat, other in zip(start, moved, joint, alone):
        np.testing.assert_allclose(b, 0.9 * a + 0.1 * stat, rtol=1e-4, atol=1e-6)
        assert np.abs(stat - other).max() > 1e-3
    for a, value, b in zip(old, middle + moved, new):
        np.testing.assert_allclose(b, 0.999 * a + 0.001 * value, rtol=1e-5, atol=1e-7)
    assert session.run(model.step) == 648


def test_a_run_goes_on_to_the_bit(model, tmp_path, capsys):
    """Weights, averages, slots and the class distributions of a run in two parts are those of one in one part."""

    def trained(folder, *lengths):
        model.folder = run_folder.RunFolder(str(tmp_path / folder))
        for nimg in lengths:
            model.train(nimg, 16, 16)
        reader = tf.train.load_checkpoint(checkpoint.all_in(model.folder.tf)[-1])
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}

    straight, resumed = trained('a', 40), trained('b', 20, 40)
    lines = capsys.readouterr().out.splitlines()
    reports = [i for i, line in enumerate(lines) if line.startswith('kimg')]
    assert len(reports) > 4 and all(lines[i + 1].startswith('mask ') for i in reports)
    assert np.abs(straight['p_data'] - 0.2).max() > 0
    assert (straight['p_unlabeled'][-10:] != np.float32(0.2)).any(1).all()
    for name, value in straight.items():
        assert value.tobytes() == resumed[name].tobytes(), name


def test_a_checkpoint_without_class_distributions_is_trained_on(model, tmp_path, capsys):
    with model.session() as session:
        values = {v.op.name: value for v, value in zip(model.variables, session.run(model.variables))}
    path = short_runs.save_without(tmp_path, dict(values, global_step=np.int64(8)), 8, 'p_data', 'p_unlabeled')
    with model.session(path, training=True) as session:
        assert 'lacks p_data, p_unlabeled: training goes on' in capsys.readouterr().out
        assert session.run([v for v in model.variables if v.op.name == 'p_data'])[0].tolist() == [np.float32(0.2)] * 5
        assert session.run(model.step) == 8


def test_probes_are_of_both_labelled_sets(tmp_path):
    """CTAugment: rates move by the averaged network's predictions for probes of the source and of the target."""
    model = AdaMatch(str(tmp_path), dataset(7, size=8, colors=1), arch='convnet', batch=4, uratio=1, filters=4,
                     scales=1, augment='CTA(s,x,depth=1)')
    ops = model.ops
    with model.session() as session:
        model.streams.start(session, 0)
        p, labels, probes, xt, y, _ = session.run(
            [ops.classify_op, ops.labels, ops.probes, ops.xt, ops.y, ops.train_op])
        ring, written = session.run([model.learner.rates.ring, model.learner.rates.written])
    expected, labels = ctaugment.LAYOUT.initial_rates(), np.concatenate(labels)
    assert p.shape == (8, 5) and probes['probe_ops'].shape == (8, 1) and written[0] == 0
    for op, values, proximity in zip(probes['probe_ops'][:, 0], probes['probe_strengths'][:, 0],
                                     p[np.arange(8), labels]):
        for k, bins in enumerate(ctaugment.OPERATIONS[ctaugment.LAYOUT.names[op]].bins):
            row, cell = ctaugment.LAYOUT.row_of[op, k], int(values[k] * bins * 0.999)
            expected[row, cell] = np.float32(0.99) * expected[row, cell] + np.float32(0.01) * proximity
    np.testing.assert_allclose(ring[0], expected, rtol=1e-5)
    # Strong views of every stream end with the cutout of byte 127, weak ones do not.
    for views in (xt, y):
        grey = np.abs(views - (127 * 2 / 255 - 1)) < 1e-6
        assert grey[:, 1].sum((1, 2, 3)).min() >= 4 and grey[:, 0].mean() < 0.05


def test_class_distributions():
    """Three classes, by hand: the first step and the target of one prediction."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        source, target = tf.constant([[0.5, 0.3, 0.2]]), tf.constant([[0.8, 0.2, 0.], [0.6, 0.2, 0.2]])
        align = trackers.Alignment(3, source, target)
        q = align(tf.constant([[0.6, 0.3, 0.1]]))
        session.run(tf.compat.v1.global_variables_initializer())
        p_labeled, p_unlabeled, q = session.run([align.p_labeled, align.p_unlabeled, q])
    np.testing.assert_allclose(p_labeled, [0.3335, 0.3333, 0.3332], rtol=1e-5)
    np.testing.assert_allclose(p_unlabeled, [0.336198, 0.332292, 0.331510], atol=1e-6)
    np.testing.assert_allclose(q, [[0.597213, 0.301935, 0.100852]], atol=1e-6)


def test_threshold(model, session):
    weak = np.array([[2, 0, 0], [0, 1, 0]], np.float32)
    with model.graph.as_default():
        found = session.run(model.threshold(tf.constant(weak)))
    np.testing.assert_allclose(found, 0.613396 / 0.9, rtol=1e-5)


def test_threshold_that_is_not_relative(model, session, monkeypatch):
    monkeypatch.setitem(model.params, 'use_cr', False)
    with model.graph.as_default():
        assert session.run(model.threshold(tf.zeros([2, 3]))) == 1


def test_names_and_defaults():
    names = ('confidence', 'wd', 'wu', 'uratio', 'lr', 'lr_decay', 'train_kimg', 'augment', 'use_cr', 'ema', 'batch',
             'use_logit_interpolation')
    assert [AdaMatch.HPARAMS[name][0] for name in names] == [
        0.9, 0.001, 1., 3, 0.03, 0.25, 8192, 'CTA(sm,sm,probe=1)', True, 0.999, 64, True]
    small = dict(arch='convnet', batch=4, filters=4, uratio=1, augment='(x,smc)', rerun='again')
    name = ('runs/toy/(x,smc)/again/AdaMatch_archconvnet_batch4_confidence0.9_filters4_lr0.03_lr_decay0.25_nclass5_'
            'repeat4_scales1_uratio1_use_crTrue_{}wd0.001_wu1.0')
    assert AdaMatch('runs', dataset(size=8), **small).folder.path == name.format('')
    one_pass = AdaMatch('runs', dataset(size=8), use_logit_interpolation=False, **small)
    assert one_pass.folder.path == name.format('use_logit_interpolationFalse_')


def test_a_bin_drops_out_after_23_failed_probes():
    """With the defaults of the grammar, a bin of proximity 0 beside others of rate 1 is not drawn any more."""
    cta = domain_tokens.parse('CTA(s,s)').cta
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        rates = tf.compat.v1.placeholder(tf.float32, ctaugment.LAYOUT.mask.shape)
        policy = ctaugment.Policy(tf.zeros([1, 1], tf.int32), tf.fill([1, 1, 2], tf.constant(0.5, tf.float64)))
        after, p = cta.update(rates, policy, tf.zeros([1])), cta.probabilities(rates)
        value, drawn = ctaugment.LAYOUT.initial_rates(), []
        for _ in range(25):
            value, probability = session.run([after, p], {rates: value})
            drawn.append(probability[0, 8] > 0)  # before this update
    assert drawn == [True] * 23 + [False] * 2
