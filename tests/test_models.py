"""MultiModel: its inputs and the order of one step, on a small classifier."""

import types

import toy
from libml import models, trackers
from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.methods.domain_model import DomainModel
from libml.networks import archs
from libml.workers.replicas import Single
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

LR, DECAY, EMA = 0.5, 0.125, 0.75


class Tiny(models.MultiModel):
    """A classifier of two labelled streams; it tracks its loss, and looks at unlabelled images without learning."""

    def labeled_subsets(self):
        return {'labeled': self.dataset.labeled, 'more': self.dataset.valid}

    def algorithm(self):
        weak = View(Weak(True, 1))
        batch = self.inputs(Views(weak.at('view0'), tuple(weak.at(f'view{i}') for i in range(2))), rows=6)
        logits = [self.classifier(x, training=True, name=name).logits for name, x in (
            ('train', batch.xt), ('more', batch.tt), ('unlabeled', batch.y[:, 1]))]
        xe = [tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(label, z))
              for label, z in zip(batch.labels, logits)]
        terms = {'xe': (1., xe[0]), 'more': (0.25, xe[1]), 'seen': (None, tf.reduce_mean(tf.square(logits[2])))}
        self.tracker = self.track(trackers.Average('tracked', 0., decay=0.5))
        self.tracker.observe(xe[0])
        monitors = {'monitors/tracked': self.tracker.variable.read_value(),
                    'monitors/weights': self.l2(), 'monitors/step': self.step.read_value()}
        optimizer = tf.compat.v1.train.GradientDescentOptimizer(LR)
        return self.train_step(batch, terms, optimizer, 'train', DECAY, monitors)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return Tiny(str(tmp_path_factory.mktemp('runs')), toy.dataset(size=8), arch='convnet', batch=4, filters=2, ema=EMA)


def values_of(session, variables):
    """Copies: TensorFlow may update what a fetched array shows."""
    return [value.copy() for value in session.run(variables)]


@pytest.fixture(scope='module')
def step(model):
    """The second of two steps, on fed images: its numbers, and the variables before and after it."""
    random, ops = np.random.RandomState(0), model.ops
    x, tt, y = [random.uniform(-1, 1, shape).astype('f') for shape in ([4, 8, 8, 3], [4, 8, 8, 3], [6, 2, 8, 8, 3])]
    label, label_t = np.array([0, 1, 2, 3]), np.array([4, 0, 4, 2])
    feed = {ops.x: x, ops.tt: tt, ops.y: y, ops.label: label, ops.label_t: label_t}
    with model.session() as session:
        model.streams.start(session, 0)
        session.run(ops.train_op)
        weights = tf.compat.v1.trainable_variables()
        groups = dict(weights=weights, averages=[model.ema.average(v) for v in weights],
                      tracked=[model.tracker.variable], count=[model.step])
        before = {name: values_of(session, variables) for name, variables in groups.items()}
        p, p_more, averaged = [session.run(op, {ops.x: images}) for op, images in (
            (ops.classify_raw, x), (ops.classify_raw, tt), (ops.classify_op, x))]
        gradients, l2 = session.run([tf.gradients(ops.loss, weights), model.l2()], feed)
        loss, losses, monitors, _ = session.run([ops.loss, ops.losses, ops.monitors, ops.train_op], feed)
        after = {name: values_of(session, variables) for name, variables in groups.items()}
    return types.SimpleNamespace(
        names=[v.op.name for v in weights], before=before, after=after, gradients=gradients, l2=l2, loss=loss,
        losses=losses, monitors=monitors, p=p, averaged=averaged, xe=-np.log(p[range(4), label]).mean(),
        more=-np.log(p_more[range(4), label_t]).mean())


def test_inputs(model):
    """Streams are the defaults of the placeholders; with a single view, xt is what is fed to x."""
    ops = model.ops
    assert [ops[name].shape.as_list() for name in ('x', 'xt', 'tt', 'y', 'label', 'label_t')] == [
        [None, 8, 8, 3], [4, 8, 8, 3], [4, 8, 8, 3], [6, 2, 8, 8, 3], [4], [4]]
    assert ops.labeled == [ops.xt, ops.tt] and ops.labels == [ops.label, ops.label_t] and ops.probes == {}
    fed = np.random.RandomState(0).uniform(-1, 1, [4, 8, 8, 3]).astype('f')
    with model.session() as session:
        model.streams.start(session, 0)
        x, xt, tt, y, labels = session.run([ops.x, ops.xt, ops.tt, ops.y, ops.labels])
        np.testing.assert_array_equal(session.run(ops.xt, {ops.x: fed}), fed)
        p = session.run([ops.classify_raw, ops.classify_op], {ops.x: fed[:3]})
    np.testing.assert_array_equal(x, xt)
    for images, own in ((xt, labels[0]), (tt, labels[1])):
        # The mean of a toy image tells its class.
        np.testing.assert_array_equal(np.rint((images.mean((1, 2, 3)) * 127.5 + 78) * 4 / 155), own)
    assert all(np.any(a != b) for a, b in zip(y[:, 0], y[:, 1]))
    for rows in p:
        assert rows.shape == (3, 5)
        np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-5)


def test_loss_is_the_weighted_sum(step):
    """A term of weight None is only logged."""
    assert set(step.losses) == {'losses/xe', 'losses/more', 'losses/seen'} and step.losses['losses/seen'] > 0
    np.testing.assert_allclose([step.losses['losses/xe'], step.losses['losses/more']], [step.xe, step.more], rtol=1e-4)
    np.testing.assert_allclose(step.loss, step.xe + 0.25 * step.more, rtol=1e-4)


def test_monitors_are_of_before_the_updates(step):
    assert step.monitors == {'monitors/tracked': step.before['tracked'][0], 'monitors/weights': step.l2,
                             'monitors/step': 4}
    assert step.before['tracked'][0] > 0


def earlier(op):
    """All operations that must have run before `op`."""
    found, waiting = set(), [op]
    while waiting:
        op = waiting.pop()
        new = {*(tensor.op for tensor in op.inputs), *op.control_inputs} - found
        found |= new
        waiting += new
    return found


def test_everything_is_computed_before_anything_is_updated(model):
    """The order is in the graph: that it came out in one run could be luck."""
    ops = model.ops
    updates = [op for op in {ops.train_op, *earlier(ops.train_op)} if op.type.startswith(('Assign', 'ResourceApply'))]
    needed = {tensor.op for tensor in [*ops.losses.values(), *ops.monitors.values(), *model.tracker.new_values()]}
    assert len(updates) >= len(model.variables) and all(needed <= earlier(op) for op in updates)


def test_trackers_move_once_a_step_by_what_it_computed(step):
    np.testing.assert_allclose(step.after['tracked'][0], 0.5 * step.before['tracked'][0] + 0.5 * step.xe, rtol=1e-4)


def test_weights_then_averages_then_the_step(step):
    """Weight decay is after the optimizer and of kernels alone; averages follow the weights after both."""
    moved = 0
    for i, name in enumerate(step.names):
        old, new, shadow = step.before['weights'][i], step.after['weights'][i], step.before['averages'][i]
        kept = 1 - DECAY if 'kernel' in name else 1
        np.testing.assert_allclose(new, (old - LR * step.gradients[i]) * kept, rtol=1e-4, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(step.after['averages'][i], EMA * shadow + (1 - EMA) * new, rtol=1e-4, atol=1e-6)
        moved += np.any(old != new) and np.any(shadow != old)
    assert moved == len(step.names) > 4
    assert (step.before['count'], step.after['count']) == ([4], [8])
    assert np.abs(step.p - step.averaged).max() > 1e-6


def test_nothing_is_added_to_reports(model):
    with model.session() as session:
        assert model.report(session) == ('', [])


def test_networks_without_a_dense_head_are_refused(model):
    with refused('--arch=convnet: Tiny needs a network whose only dense layer is its last'):
        model.check_head()
    assert models.MultiModel.check_head(types.SimpleNamespace(params=EasyDict(arch='resnet'))) is None


def test_streams_of_no_images_are_refused(model):
    with refused('dataset toy has no unlabeled images, and Tiny needs them'):
        model.stream('unlabeled', model.dataset.valid.take(0), None)


@pytest.mark.parametrize('size, scales', [(8, 1), (4, 1), (16, 2), (32, 3), (96, 5)])
def test_scales_follow_the_width(size, scales):
    tiny = Tiny.__new__(Tiny)
    tiny.dataset = types.SimpleNamespace(width=size, nclass=5)
    tiny.replicas = Single()
    tiny.params = EasyDict({name: spec.default for name, spec in Tiny.HPARAMS.items()})
    tiny.resolve_params()
    assert tiny.params.scales == scales and tiny.program is None
    tiny.params.precision = 'float64'
    with refused('--precision=float64: choose one of float32, bfloat16'):
        tiny.resolve_params()


def test_placeholders_with_defaults():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        fixed, free = [models.placeholder(tf.ones([2, 3]), 'x', **kwargs) for kwargs in ({}, dict(rows=None))]
        assert fixed.shape == [2, 3] and free.shape.as_list() == [None, 3] and fixed.op.name == 'x'
        assert session.run([fixed, free], {free: np.zeros([5, 3])})[1].shape == (5, 3)
        assert session.run(free).tolist() == [[1, 1, 1]] * 2


class Plain(models.MultiModel):
    """Has no graph but what a test makes."""

    algorithm = toy.no_graph


@pytest.mark.parametrize('cls, params, momentum, epsilon', [
    (Plain, {}, 0.999, 1e-3), (DomainModel, {}, 0.999, 1e-6), (Plain, dict(arch='wrn_var_37_2'), 0.999, 1e-3),
    (Plain, dict(arch='resnet50'), 0.9, 1e-5), (DomainModel, dict(arch='resnet50v2'), 0.99, 1.001e-5),
    (DomainModel, dict(arch='wrn_var_37_2'), 0.999, 1e-3),
    (Plain, dict(arch='resnet50', bn_momentum=0.999, bn_epsilon=0.25), 0.999, 0.25),
    (Plain, dict(bn_momentum=0., bn_epsilon=0.25), 0., 0.25)])
def test_batch_norm_is_the_networks_unless_given(tmp_path, monkeypatch, cls, params, momentum, epsilon):
    """A value that is given counts, also if it is what others have by default."""
    monkeypatch.setattr(cls, 'algorithm', toy.no_graph)
    monkeypatch.setattr(archs, 'build', lambda *args: None)
    augment = dict(augment='(s,s)') if cls is DomainModel else {}
    model = cls(str(tmp_path), toy.dataset(), **params, **augment)
    with model.graph.as_default():
        model.classifier(tf.zeros([1, 16, 16, 3]), True, name='pass')
    found = model.batch_norms['pass']
    assert (found.momentum, found.epsilon, model.params.bn_momentum) == (momentum, epsilon, momentum)
    assert model.given == {**params, **augment}
    assert model.params.scales == (4 if params.get('arch') == 'wrn_var_37_2' else 2)


def test_another_network_has_a_batch_norm_of_its_own(tmp_path, monkeypatch):
    """A teacher's, whose arguments are not the model's."""
    monkeypatch.setattr(archs, 'build', lambda *args: args[3].epsilon)
    model = Plain(str(tmp_path), toy.dataset(), arch='resnet50', bn_epsilon=0.25)
    with model.graph.as_default():
        for arch, epsilon in (('resnet', 1e-3), ('resnet50v2', 1.001e-5)):
            params = EasyDict(model.params, arch=arch, bn_epsilon=0.)
            assert model.network('teacher', 5, tf.zeros([1, 16, 16, 3]), False, params=params) == epsilon
