"""consistency.py: the losses, averages that are used, the student's teacher, and runs that go on to the bit."""

import os
import subprocess

import plot_views
import runner
import toy
from consistency import Consistency, enlarged
from consistency_runs import TEACHER, dataset, make_student, train
from libml.augment import tokens
from libml.augment.views import View
from libml.datasets.on_demand import OnDemand
from libml.draws import Draws
from libml.images.framing import Frame
from libml.images.pixels import to_float
from libml.methods.teacher import Teacher
from libml.training import checkpoint, figures
from libml.training.run_folder import RunFolder
from libml.utils import InputError
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf


def arrays(path):
    """name -> value of everything in a checkpoint."""
    reader = tf.train.load_checkpoint(path)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def newest(model):
    return arrays(checkpoint.find(model.folder.path))


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A teacher of 96 images."""
    return train(tmp_path_factory.mktemp('teacher'), 96, **TEACHER)


@pytest.fixture(scope='module')
def student(teacher, tmp_path_factory):
    """A larger student of few labels that has not been trained."""
    return make_student(tmp_path_factory.mktemp('student'), teacher, dataset(nunlabeled=60), filters=6, uratio=2,
                        augment='r1_9_0')


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize('kl_t2, kl, loss', [(False, .01331116, 1.210459), (True, 1.331116, 1.869361)])
def test_student_loss_numbers(student, kl_t2, kl, loss):
    with student.session() as session:
        student.params.kl_t2 = kl_t2
        terms = student.student_terms(tf.constant([[2., 1, 0]]), tf.constant([[0., 1, 2]]), tf.constant([0]))
        found = session.run([terms['kl'][1], terms['xe'][1], sum(weight * value for weight, value in terms.values())])
        student.params.kl_t2 = False
    np.testing.assert_allclose(found, [kl, 2.407606, loss], rtol=2e-6)


def test_student_loss_and_gradient_with_unlabelled_images(student):
    zt, zs = np.random.RandomState(0).normal(0, 3, [2, 7, 5]).astype(np.float32)
    labels, T = np.array([3, 0, 1]), student.params.temperature
    with student.session() as session:
        a, b = tf.constant(zt), tf.constant(zs)
        terms = student.student_terms(a, b, tf.constant(labels))
        loss = sum(weight * value for weight, value in terms.values())
        assert tf.gradients(loss, a) == [None]
        kl, xe, gradient = session.run([terms['kl'][1], terms['xe'][1], tf.gradients(loss, b)[0]])
    p, s, s1 = softmax(zt / T), softmax(zs / T), softmax(zs)
    np.testing.assert_allclose(kl, (p * np.log(p / s)).sum(1).mean(), rtol=1e-4)
    np.testing.assert_allclose(xe, -np.log(s1[[0, 1, 2], labels]).mean(), rtol=1e-5)
    expected = 0.5 * (s - p) / T / 7
    expected[:3] += 0.5 * (s1[:3] - np.eye(5)[labels]) / 3
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-6)


def test_views_are_of_one_crop(student):
    images, noise = student.dataset.test.images[:8], student.noise
    with student.session() as session:
        draws = Draws(1, 3)
        views = [student.views().of_labeled(tf.constant(images), draws)['image']]
        student.noise = lambda crop, draws: to_float(crop)
        views.append(student.views().of_labeled(tf.constant(images), draws)['image'])
        student.noise = noise
        noisy, same = session.run(views)
    assert noisy.shape == (8, 2, 16, 16, 3)
    np.testing.assert_array_equal(same[:, 0], same[:, 1])
    np.testing.assert_array_equal(noisy[:, 0], same[:, 0])
    assert (noisy[:, 0] != noisy[:, 1]).any((1, 2, 3)).sum() >= 6
    assert (same[:, 0] != images * np.float32(2 / 255) - 1).any((1, 2, 3)).sum() >= 6


def test_student_starts_with_its_own_weights_and_the_averages_of_its_teacher(teacher, student):
    kept = newest(teacher)
    with student.session() as session:
        variables = {v.op.name: v for v in student.variables}
        restored = session.run({name: v for name, v in variables.items() if name.startswith('teacher/')})
        student.streams.start(session, 0)
        images = student.dataset.test.images.astype(np.float32) * np.float32(2 / 255) - 1
        with student.graph.as_default():
            p_op = tf.nn.softmax(student.teacher_logits(student.ops.x))
        p = session.run(p_op, {student.ops.x: images})
        names = [v.op.name for v in tf.compat.v1.trainable_variables()]
        for _ in range(3):
            session.run(student.ops.train_op)
        after = session.run(variables)
    with teacher.session(checkpoint.find(teacher.folder.path)) as session:
        expected, raw = session.run([teacher.ops.classify_op, teacher.ops.classify_raw], {teacher.ops.x: images})
    np.testing.assert_array_equal(p, expected)
    assert np.abs(raw - expected).max() > 1e-3
    for name, value in restored.items():
        np.testing.assert_array_equal(value, kept['classify' + name[7:] + '/ExponentialMovingAverage'])
        assert value.tobytes() == after[name].tobytes() and f'{name}/Adam' not in after
    assert len(restored) == len([v for v in kept if v.startswith('classify') and 'Average' in v])
    assert not [name for name in names if name.startswith('teacher')] and 'classify/conv2d/kernel/Adam' in after
    assert after['classify/conv2d_1/kernel'].shape[-1] == 6 and restored['teacher/conv2d_1/kernel'].shape[-1] == 4


def test_gradient_of_both_parts_reaches_the_student_alone(student):
    with student.session() as session:
        student.streams.start(session, 0)
        variables = [v for v in student.variables if v.op.name.startswith('teacher/')]
        kernel, = tf.compat.v1.trainable_variables('classify/conv2d/kernel')
        assert set(tf.gradients(student.ops.loss, variables)) == {None}
        for gradient in session.run([tf.gradients(part, kernel)[0] for part in student.ops.losses.values()]):
            assert np.abs(gradient).max() > 0


def test_swa_is_the_mean_of_its_snapshots_and_is_evaluated_with_its_own_statistics(teacher):
    model = teacher
    v = {v.op.name: v for v in model.variables}
    average = '/ExponentialMovingAverage'
    with model.session() as session:
        model.streams.start(session, 0)
        recorded = []
        for _ in range(6):
            session.run(model.ops.train_op)
            recorded.append(session.run(v['classify/conv2d/kernel']))
        kernel, bias = session.run([v['classify/conv2d/kernel' + average], v['classify/conv2d/bias' + average]])
        np.testing.assert_allclose(kernel, np.mean(recorded[::2], 0), rtol=1e-5, atol=1e-7)
        statistics = [v[f'classify/batch_normalization/moving_{kind}{average}'] for kind in ('mean', 'variance')]
        assert [set(value) for value in session.run(statistics)] == [{0}, {1}]
        model.settle(session)
        found = session.run(statistics)
        everything = session.run(model.variables)
        model.settle(session)
        for a, b in zip(everything, session.run(model.variables)):
            assert a.tobytes() == b.tobytes()
        maps = []
        for i in range(2):  # 16 images in batches of 8
            images = model.dataset.labeled.images[8 * i:][:8]
            images = model.views().of_labeled(images, Draws(1, i, 'statistics/'))['image'][:, -1]
            maps.append(session.run(tf.nn.conv2d(images, kernel, 1, 'SAME') + bias))
        maps = np.array(maps).reshape(2, -1, 16)
        np.testing.assert_allclose(found[0], maps.mean((0, 1)), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found[1], maps.var(1, ddof=1).mean(0), rtol=1e-3)
        images = model.dataset.test.images.astype(np.float32) * np.float32(2 / 255) - 1
        p, raw = session.run([model.ops.classify_op, model.ops.classify_raw], {model.ops.x: images})
        assert np.abs(p - raw).max() > 1e-3


def test_statistics_of_framed_pictures_are_of_random_parts(tmp_path):
    data = dataset()
    data.frame = Frame(8, mirror=True)
    data.labeled.pixels = OnDemand(data.labeled.pixels, (16, 16, 3), frame=data.frame)
    model = Consistency(str(tmp_path), data, **TEACHER)
    v = {v.op.name: v for v in model.variables}
    average = '/ExponentialMovingAverage'
    with model.session() as session:
        model.settle(session)
        kernel, bias, found = (v[f'classify/{name}{average}'] for name in (
            'conv2d/kernel', 'conv2d/bias', 'batch_normalization/moving_mean'))
        drawn = [data.frame.draws(Draws(1, i, 'statistics/frame/'), 8) for i in range(2)]
        parts = [data.labeled.pixels.images(tf.constant(data.labeled.pixels.fetch(np.arange(8) + 8 * i)), part)
                 for i, part in enumerate(drawn)]
        images = [model.views().of_labeled(part, Draws(1, i, 'statistics/'))['image'][:, -1]
                  for i, part in enumerate(parts)]
        maps = tf.nn.conv2d(tf.concat(images, 0), kernel, 1, 'SAME') + bias
        found, wanted = session.run([found, tf.reduce_mean(maps, (0, 1, 2))])
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)


def test_without_an_average_the_live_weights_are_evaluated(student):
    with student.session() as session:
        student.streams.start(session, 0)
        session.run(student.ops.train_op)
        before = session.run(student.variables)
        student.settle(session)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(before, session.run(student.variables)))
        p, raw = session.run([student.ops.classify_op, student.ops.classify_raw])
        np.testing.assert_array_equal(p, raw)


def noise(crop, draws):
    """Noise that is cheaper than RandAugment."""
    return to_float(crop) + draws.normal('noise', tf.shape(crop))


@pytest.mark.parametrize('stage', ['teacher', 'student'])
def test_stopped_and_resumed_to_the_bit(teacher, tmp_path, stage, monkeypatch):
    """A run that has ended, with the weights of a report before the last one, is prolonged."""
    loss = {16: 0.5, 32: 0.9, 48: 0.4, 64: 0.6, 80: 0.5}

    def evaluated(self, session):
        value = loss[int(session.run(self.step))]
        return {'accuracy': 1., 'losses/valid': value, 'accuracy/valid': 100 * (1 - value)}

    monkeypatch.setattr(Consistency, 'evaluate', evaluated)
    monkeypatch.setattr(tokens, 'parse', lambda *args, counts: [View(None, noise)])
    params = dict(TEACHER, scales=1)
    if stage == 'student':
        params.update(stage='student', teacher=teacher.folder.path, average='ma')
    model = train(tmp_path / 'a', 80, report=16, **params)
    a, rows = newest(model), [model.folder.metrics()]
    model.folder = RunFolder(model.folder.path.replace('/a/', '/b/'))
    model.train(32, 16, 16)
    ended = newest(model)
    assert ended['stopping/restored'] and np.any(ended['classify/dense/bias'] != ended['best/classify/dense/bias'])
    # A checkpoint of the student holds its teacher.
    monkeypatch.setattr(Teacher, 'restore', None)
    model.train(80, 16, 16)
    b, rows = newest(model), rows + [model.folder.metrics()]
    assert a.keys() == b.keys() and len(a) > 80
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name
    for row in sum(rows, []):
        del row['img_per_s']
    assert rows[0] == rows[1] and len(rows[0]) == 5
    factor = 0.1 if stage == 'teacher' else 0.5  # It falls after the second, the fourth and the fifth report.
    np.testing.assert_allclose(a['plateau/lr'], 0.001 * factor ** 3, rtol=1e-5)
    assert a['stopping/wait'] == 2


def test_a_student_cannot_start_without_its_teachers_checkpoint(student, tmp_path, monkeypatch):
    """Other checkpoints that do not fit are in the tests of Teacher."""
    monkeypatch.setattr(student.teacher, 'path', str(tmp_path))
    with refused('no checkpoint at'):
        with student.session():
            pass


def test_names(teacher, student):
    name = os.path.basename(teacher.folder.path)
    assert '_averageswa_' in name and '_stageteacher' in name and 'temperature' not in name
    name = os.path.basename(student.folder.path)
    assert '_augmentr1_9_0_' in name and '_stagestudent_' in name and '_temperature10.0_' in name and '/' not in name
    assert (teacher.params.plateau_factor, student.params.plateau_factor) == (0.1, 0.5)


def test_picture_of_the_views(teacher, student, tmp_path):
    views = plot_views.next_views(student, None)
    assert views.shape == (8, 2, 16, 16, 3)
    figures.save(plot_views.sheet(views[:5]), tmp_path / 'views.png')
    assert tf.io.decode_png((tmp_path / 'views.png').read_bytes()).shape == (144, 576, 4)
    with pytest.raises(InputError, match='compares no views'):
        plot_views.next_views(teacher, None)


def test_run_script_refuses_what_it_does_not_know():
    process = subprocess.run(['bash', str(runner.ROOT / 'runs' / 'consistency.sh'), 'imagenet'], capture_output=True,
                             text=True)
    assert process.returncode == 1 and not process.stdout
    assert 'imagenet' in process.stderr and len(process.stderr.splitlines()) == 1


def test_enlarged():
    small = toy.dataset(size=8, colors=1, whiten=True)
    large = enlarged(small)
    for name in ('labeled', 'unlabeled', 'valid', 'test'):
        subset = getattr(large, name)
        assert subset.images.shape == (len(getattr(small, name)), 32, 32, 3)
        np.testing.assert_array_equal(subset.labels, getattr(small, name).labels)
    assert large.labeled.pixels is large.valid.pixels and large.shift == 4
    assert large.origin == dict(whiten=True, enlarge=True)
    assert (large.height, large.width, large.colors, large.mean.shape) == (32, 32, 3, (3,))
    np.testing.assert_allclose(large.mean, small.mean[0], atol=0.01)
