"""simclr.py: gradients, stages, batch norm, reports."""

import json
import os
import shutil
import subprocess

import runner
import toy
from libml.training import checkpoint, knn
from libml.training.run_folder import RunFolder
from libml.utils import InputError
from ntxent_by_hand import by_hand
from simclr_runs import build

import numpy as np
import pytest
import tensorflow as tf


def trained(folder, stage, nimg, **params):
    """A model trained to nimg images, with reports and checkpoints every 40; arrays of its newest checkpoint."""
    model = build(folder, stage, **params)
    return model, train(model, nimg)


def train(model, nimg):
    model.train(nimg, 40, 40)
    return arrays(model)


def arrays(model, which=-1):
    reader = tf.train.load_checkpoint(checkpoint.all_in(model.folder.tf)[which])
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def named(scope):
    return tf.compat.v1.trainable_variables(scope)


def values_of(session, variables):
    """Copies: TensorFlow may update what a fetched array shows."""
    return [value.copy() for value in session.run(variables)]


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """A pretraining of 80 images on toy data: the model and the arrays of its checkpoint."""
    return trained(tmp_path_factory.mktemp('pretrained'), 'pretrain', 80, lr=0.01, ema=0.5)


def test_who_is_trained_by_which_loss(pretrained):
    """The probe's loss moves the probe alone; the contrastive loss moves the encoder and the projection head."""
    model, _ = pretrained
    with model.session() as session:
        groups = {scope: named(scope) for scope in ('encoder/', 'projection/', 'classify/')}
        assert sum(map(len, groups.values())) == len(named(None))
        for tag, trained_by in (('xe', ['classify/']), ('contrastive', ['encoder/', 'projection/'])):
            for scope, variables in groups.items():
                for gradient in tf.gradients(model.ops.losses[f'losses/{tag}'], variables):
                    assert (gradient is not None) == (scope in trained_by)
        probe_step = tf.compat.v1.train.GradientDescentOptimizer(1.).minimize(model.ops.losses['losses/xe'])
        model.streams.start(session, 0)
        before = [values_of(session, variables) for variables in groups.values()]
        session.run(probe_step)
        after = [values_of(session, variables) for variables in groups.values()]
        moved = [[np.any(a != b) for a, b in zip(*pair)] for pair in zip(before, after)]
        assert not any(moved[0] + moved[1]) and all(moved[2])
        session.run(model.ops.train_op)
        last = [values_of(session, variables) for variables in groups.values()]
        for scope, old, new in zip(groups, after, last):
            # A bias under batch norm or ReLU may stay.
            assert all(np.any(a != b) for a, b, v in zip(old, new, groups[scope]) if 'kernel' in v.op.name), scope


def test_probe_has_an_optimizer_of_its_own(tmp_path):
    """The first step of Adam is the learning rate, 0.001, times the sign of the gradient, whatever the encoder's is."""
    model = build(tmp_path, 'pretrain', optimizer='momentum', lr=0.5)
    with model.session() as session:
        model.streams.start(session, 0)
        probe, = [v for v in named('classify/') if 'kernel' in v.op.name]
        before = session.run(probe).copy()
        session.run(model.ops.train_op)
        step = np.abs(session.run(probe) - before)
    assert step.max() < 0.00101 and np.median(step) > 0.00099


@pytest.mark.parametrize('stage, optimizer', [('supervised', 'momentum'), ('pretrain', 'lars')])
def test_networks_without_batch_norm_are_trained(tmp_path, stage, optimizer):
    """There are no statistics to update then, on which the optimizer could hang. With one channel."""
    model = build(tmp_path, stage, toy.dataset(size=32, colors=1), arch='conv4', filters=2, views='simclr', blur=True,
                  optimizer=optimizer)
    with model.session() as session:
        model.streams.start(session, 0)
        before = values_of(session, named(None))
        session.run(model.ops.train_op)
        for v, a, b in zip(named(None), before, values_of(session, named(None))):
            assert np.any(a != b) or 'bias' in v.op.name, v.op.name
        assert session.run(model.step) == 4


def test_both_views_share_one_set_of_statistics(pretrained):
    model, _ = pretrained
    statistics = model.batch_norms['train'].batch_stats
    moving = [v for v in model.variables if 'moving' in v.op.name and not v.op.name.endswith('Average')]
    assert [v.op.name for v, _ in statistics] == [v.op.name for v in moving]
    views = np.random.RandomState(0).uniform(-1, 1, [12, 2, 16, 16, 3]).astype('f')
    views[:, 1] += 2
    feed = {model.ops.y: views, model.ops.x: views[:4, 0], model.ops.label: np.arange(4)}
    with model.session() as session:
        kernel, bias = named('encoder/conv2d/')
        convolved = tf.nn.conv2d(tf.constant(views.swapaxes(0, 1).reshape(24, 16, 16, 3)), kernel, 1, 'SAME') + bias
        mean = session.run(tf.reduce_mean(convolved, [0, 1, 2]))
        session.run(model.ops.train_op, feed)
        np.testing.assert_allclose(session.run(moving[0]), 0.1 * mean, rtol=1e-4, atol=1e-6)


def test_losses_against_numpy(tmp_path):
    """convnet has no batch norm: evaluated features are those of training."""
    model = build(tmp_path, 'pretrain', arch='convnet', ntxent='full', temperature=0.2, proj_hidden=6, proj_dim=5)
    views = np.random.RandomState(0).uniform(-1, 1, [12, 2, 16, 16, 3]).astype('f')
    feed = {model.ops.y: views, model.ops.x: views[:4, 0], model.ops.label: np.arange(4)}
    with model.session() as session:
        found, values = session.run([{**model.ops.losses, **model.ops.monitors}, model.ops.loss], feed)
        a, b = [session.run(model.features, {model.ops.x: views[:, i]}) for i in range(2)]
        w1, b1, w2, b2 = session.run(named('projection/'))
        w, c = session.run(named('classify/'))
    projected = [np.maximum(v @ w1 + b1, 0) @ w2 + b2 for v in (a, b)]
    contrastive = by_hand(*projected, 0.2, 'full').mean()
    logits = (a[:4] @ w + c).astype(float)
    xe = (np.log(np.exp(logits).sum(1)) - logits[np.arange(4), np.arange(4)]).mean()
    np.testing.assert_allclose(found['losses/contrastive'], contrastive, rtol=1e-4)
    np.testing.assert_allclose(found['losses/xe'], xe, rtol=1e-4)
    np.testing.assert_allclose(values, contrastive + xe, rtol=1e-4)
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in projected]
    right = [np.mean((units[0] @ units[1].T).argmax(axis) == np.arange(12)) for axis in (0, 1)]
    np.testing.assert_allclose(found['accuracy/contrastive'], 100 * np.mean(right), rtol=1e-5)
    np.testing.assert_allclose(found['accuracy/probe_train'], 100 * np.mean(logits.argmax(1) == np.arange(4)))


def test_finetuning_starts_with_the_pretrained_encoder_and_only_once(pretrained, tmp_path):
    source, before = pretrained
    elsewhere = shutil.copytree(source.folder.path, tmp_path / 'source')
    run = dict(lr=0.01, ema=0.5, seed=2, pretrained=str(elsewhere))
    straight, after = trained(tmp_path / 'a', 'finetune', 80, **run)
    start = arrays(straight, 0)
    fresh = build(tmp_path / 'b', 'supervised', seed=2)
    with fresh.session() as session:
        head = dict(zip(['classify/dense/kernel', 'classify/dense/bias'], values_of(session, named('classify/'))))
    kept = [name for name in start if name.startswith('encoder/') and 'Adam' not in name]
    assert sum('moving' in name for name in kept) == 2 * 3 and sum(name.endswith('Average') for name in kept) == 14
    for name in kept:
        assert start[name].tobytes() == before[name].tobytes(), name
    for name, value in start.items():
        if name.startswith('classify/') and 'Adam' not in name:
            assert value.tobytes() == head[name.removesuffix('/ExponentialMovingAverage')].tobytes(), name
        assert 'Adam' not in name or not value.any(), name
    assert all(np.any(start[name] != after[name]) for name in kept if name.endswith('kernel'))
    straight.folder = RunFolder(str(tmp_path / 'c'))
    train(straight, 40)
    shutil.rmtree(elsewhere)  # Not needed any more.
    assert_same_bits(after, train(straight, 80))


def assert_same_bits(a, b):
    assert a.keys() == b.keys() and len(a) > 20
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


def test_resumes_to_the_bit_and_reports(pretrained, tmp_path):
    _, straight = pretrained
    model, _ = trained(tmp_path, 'pretrain', 40, lr=0.01, ema=0.5)
    assert_same_bits(straight, train(model, 80))
    rows = model.folder.metrics()
    tags = {'losses/xe', 'losses/contrastive', 'accuracy/contrastive', 'accuracy/probe_train', 'accuracy/probe',
            'accuracy', 'accuracy/valid', 'accuracy/train_labeled', 'accuracy/knn20', 'accuracy/knn200', 'monitors/lr'}
    assert len(rows) == 2 and tags <= set(rows[-1]) and rows[-1]['accuracy/probe'] == rows[-1]['accuracy']
    assert 0 <= rows[-1]['accuracy/contrastive'] <= 100
    # All 20 labelled images are the neighbours: every class has 4 votes, the lowest wins; it is that of a fifth.
    assert rows[-1]['accuracy/knn20'] == rows[-1]['accuracy/knn200'] == 20
    with model.session(checkpoint.find(model.folder.path)) as session:
        found = model.evaluate(session)
    assert all(found[tag] == rows[-1][tag] for tag in found)


def test_knn_against_numpy():
    random = np.random.RandomState(0)
    bank, features = random.randn(40, 6) * random.uniform(0.1, 10, [40, 1]), random.randn(25, 6)
    bank_labels, labels = random.randint(0, 4, 40), random.randint(0, 4, 25)
    units = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (features, bank)]
    nearest = np.argsort(-units[0] @ units[1].T, 1)
    for k, used in ((1, 1), (7, 7), (200, 40)):
        votes = [np.bincount(bank_labels[row[:used]], minlength=4).argmax() for row in nearest]
        assert knn.accuracy(bank, bank_labels, features, labels, k) == 100 * np.mean(votes == labels)


def test_batches_of_the_example(tmp_path):
    """25 labelled and 500 unlabelled images of 96x96 pixels, from one dataset."""
    model = build(tmp_path, 'pretrain', toy.dataset(size=96), batch=25, uratio=20, arch='conv4', filters=2)
    ops = model.ops
    assert ops.x.op.inputs[0].shape == [25, 96, 96, 3] and ops.y.op.inputs[0].shape == [525, 2, 96, 96, 3]
    with model.session() as session:
        model.streams.start(session, 0)
        x, pairs = session.run([ops.x, ops.y])
    assert np.ptp(x) > 1 and np.all(np.abs(pairs[:, 0] - pairs[:, 1]).max((1, 2, 3)) > 0.01)


def test_learning_rate(tmp_path):
    model = build(tmp_path, 'supervised', arch='convnet', train_kimg=9, warmup_kimg=1, cosine=True, lr=0.5)
    with model.session() as session:
        found = []
        for step in (0, 256, 1024, 3072, 5120, 9216, 9999):
            toy.set_variables(model, session, {'global_step': step})
            found.append(session.run(model.ops.monitors['monitors/lr']))
    np.testing.assert_allclose(found, 0.5 * np.array([0, 0.25, 1, 0.5 + 0.5 ** 1.5, 0.5, 0, 0]), atol=1e-6)
    assert model.depends_on_length


@pytest.mark.parametrize('params, text', [
    (dict(stage='tune'), 'supervised, pretrain, finetune'), (dict(stage='pretrain', views='weak'), 'affine, simclr'),
    (dict(stage='pretrain', batch=1, uratio=0), 'no negatives'), (dict(stage='finetune'), 'takes the run folder'),
    (dict(stage='supervised', pretrained='x'), 'the others take none'),
    (dict(stage='supervised', cosine=True, warmup_kimg=1), '--warmup_kimg=1 --train_kimg=1'),
    (dict(stage='pretrain', optimizer='sgd'), 'lars'),
    (dict(stage='pretrain', arch='conv4'), '16x16: sides of at least 31'),
    (dict(stage='pretrain', dataset=toy.dataset(nunlabeled=0)), 'no unlabeled images')])
def test_wrong_arguments(tmp_path, params, text):
    with pytest.raises(InputError, match=text) as error:
        build(tmp_path, **params)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('params, text', [
    (dict(pretrained='nowhere'), 'no checkpoint at nowhere'), (dict(arch='convnet'), 'arch=resnet: give one with'),
    (dict(filters=5), r'encoder/.* has shape .* needs'), (dict(scales=2), 'lacks .* encoder/')])
def test_encoder_that_does_not_fit(pretrained, tmp_path, params, text):
    model = build(tmp_path, 'finetune', **{'pretrained': pretrained[0].folder.path, **params})
    with pytest.raises(InputError, match=text) as error:
        model.train(40, 40)
    assert '\n' not in str(error.value) and not os.listdir(tmp_path)


@pytest.mark.parametrize('recorded, text', [
    (dict(stage='supervised'), 'is of a run with stage=supervised: give one with'),
    (dict(whiten=True), 'whiten=True: give one with whiten=False')])
def test_run_that_is_no_pretraining_of_such_images(pretrained, tmp_path, recorded, text):
    folder = shutil.copytree(pretrained[0].folder.path, tmp_path / 'source')
    args = json.loads((folder / 'args' / 'args.json').read_text())
    (folder / 'args' / 'args.json').write_text(json.dumps({**args, **recorded}))
    with pytest.raises(InputError, match=text):
        with build(tmp_path, 'finetune', pretrained=str(folder)).session():
            pass


def test_encoder_of_a_larger_network(tmp_path):
    """All variables of the smaller one are in it."""
    larger, _ = trained(tmp_path, 'pretrain', 8, scales=2)
    with pytest.raises(InputError, match='more variables than this network, first encoder/'):
        with build(tmp_path, 'finetune', pretrained=larger.folder.path, scales=1).session():
            pass


def test_wrong_argument_of_the_shell_script():
    process = subprocess.run(['bash', str(runner.ROOT / 'runs' / 'simclr.sh'), 'mnist'], capture_output=True, text=True)
    assert process.returncode == 1 and process.stderr == 'error: unknown argument mnist: give --seeds= or --data_dir=\n'


def test_bad_command_is_one_line_and_exit_1(tmp_path):
    code, out, err = runner.run('simclr.py', '--dataset=digits.1@40-100', '--stage=pretrain', '--batch=1', '--uratio=0',
                                f'--data_dir={tmp_path}', f'--train_dir={tmp_path / "runs"}')
    assert code == 1 and 'Config' not in out and len(err.splitlines()) == 1
    assert err.startswith('error: --batch=1 --uratio=0: a single image has no negatives')
    assert not (tmp_path / 'runs').exists()
