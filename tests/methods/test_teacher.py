"""The teacher of a student: what is read from its run folder, and what is refused."""

import json

from libml.methods.teacher import Teacher
from refusals import refused

import pytest
import tensorflow as tf

NETWORK = dict(arch='resnet', filters=4, repeat=1, scales=2)
STUDENT = dict(dataset='toy', nclass=5)


def make_teacher(path, **args):
    """A Teacher in a new run folder, of these arguments on top of its network and its dataset."""
    (path / 'args').mkdir()
    (path / 'args' / 'args.json').write_text(json.dumps({**NETWORK, **STUDENT, 'lr': 0.1, **args}))
    return Teacher(str(path), STUDENT)


def save(path, **values):
    """A checkpoint of variables with these names, `__` for `/`, and values."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.get_variable(name.replace('__', '/'), initializer=value, use_resource=True)
                     for name, value in values.items()]
        session.run([v.initializer for v in variables])
        tf.compat.v1.train.Saver(variables).save(session, str(path / 'model.ckpt-8'), write_meta_graph=False)


def restored(teacher):
    """name -> value of a network with a kernel and a statistic, both float32 [2], after `restore`."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        with tf.compat.v1.variable_scope('teacher', custom_getter=teacher.getter):
            variables = [tf.compat.v1.get_variable(name, [2], use_resource=True) for name in ('kernel', 'moving_mean')]
        assert not tf.compat.v1.trainable_variables()
        teacher.restore(session)
        return {v.op.name: value.tolist() for v, value in zip(variables, session.run(variables))}


def test_network_of_the_arguments(tmp_path):
    """A run of an earlier version does not have bn_epsilon: it was as it is now unless it is given."""
    assert make_teacher(tmp_path, filters=6).params == dict(NETWORK, filters=6, bn_epsilon=0.)


def test_batch_norm_of_the_teacher_is_its_own(tmp_path):
    assert make_teacher(tmp_path, bn_epsilon=0.5).params == dict(NETWORK, bn_epsilon=0.5)


def test_averages_are_restored_where_there_are_any(tmp_path):
    save(tmp_path, classify__kernel=[1., 2.], classify__kernel__ExponentialMovingAverage=[3., 4.],
         classify__moving_mean=[5., 6.], teacher__moving_mean=[7., 8.], other=1.)
    found = restored(make_teacher(tmp_path))
    assert found == {'teacher/kernel': [3, 4], 'teacher/moving_mean': [5, 6]}


def test_a_folder_that_is_not_of_a_teacher_is_one_line(tmp_path):
    with refused('--teacher=nowhere: there is no nowhere/args/args.json'):
        Teacher('nowhere', STUDENT)
    path = make_teacher(tmp_path).path
    with refused(f'{path}/args/args.json does not say whiten'):
        Teacher(path, dict(STUDENT, whiten=False))


@pytest.mark.parametrize('args, text', [
    (dict(nclass=4), 'was trained with nclass=4, this student has nclass=5: they must be the same'),
    (dict(dataset='other'), 'dataset=other, this student has dataset=toy')])
def test_a_teacher_of_something_else_is_one_line(tmp_path, args, text):
    with refused(f'--teacher={tmp_path}', text):
        make_teacher(tmp_path, **args)


@pytest.mark.parametrize('damage, text', [
    (None, 'no checkpoint at'), ('index', 'cannot read checkpoint'), ('model', 'kernel has shape None'),
    ('size', 'moving_mean has shape [3], the network of its args.json needs [2]')])
def test_a_teacher_without_a_fitting_checkpoint_is_one_line(tmp_path, damage, text):
    if damage == 'index':
        (tmp_path / 'model.ckpt-00000008.index').write_text('x')
    elif damage == 'model':
        save(tmp_path, other=[1.])
    elif damage == 'size':
        save(tmp_path, classify__kernel=[1., 2.], classify__moving_mean=[1., 2., 3.])
    with refused(text):
        restored(make_teacher(tmp_path))
