"""Scripts that read run folders, and evaluation."""

import json
import os

import extract_accuracy
from libml import checkpoint, evaluate
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf


def write_events(folder, start, values, suffix):
    """An event file of a process that started at `start`, with (step, accuracy) pairs."""
    os.makedirs(folder / 'tf', exist_ok=True)
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(folder / 'tf'), filename_suffix=suffix)
        writer.add_session_log(tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START), start)
        for step, value in values:
            summary = tf.compat.v1.Summary()
            summary.value.add(tag='accuracy', simple_value=value)
            summary.value.add(tag='accuracy/valid', simple_value=-1)
            writer.add_summary(summary, step)
        writer.close()


def test_medians_of_a_resumed_run(tmp_path, capsys):
    """The second process went on from step 30: what the first wrote at 40 and 50 does not count."""
    write_events(tmp_path, 0, [(10 * i, float(i)) for i in range(1, 6)], '.a')
    write_events(tmp_path, 30, [(10 * i, 100. + i) for i in range(4, 26)], '.b')
    values = [1., 2., 3.] + [100. + i for i in range(4, 26)]
    assert [v for _, v in extract_accuracy.accuracies(str(tmp_path))] == values
    extract_accuracy.main(['extract_accuracy', str(tmp_path)])
    with open(tmp_path / 'stats' / 'accuracy.json') as f:
        assert json.load(f) == dict(last01=125., last10=np.median(values[-10:]), last20=np.median(values[-20:]),
                                    last50=np.median(values))
    assert 'last20 115.50' in capsys.readouterr().out


def test_event_file_that_ends_in_a_record(tmp_path):
    write_events(tmp_path, 0, [(10, 50.), (20, 60.)], '.a')
    path, = (tmp_path / 'tf').iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert extract_accuracy.accuracies(str(tmp_path)) == [(10, 50.)]


def test_extract_accuracy_of_nothing(tmp_path):
    with pytest.raises(InputError, match='no event files'):
        extract_accuracy.accuracies(str(tmp_path))
    write_events(tmp_path, 0, [], '.a')
    with pytest.raises(InputError, match='no accuracy yet'):
        extract_accuracy.accuracies(str(tmp_path))


def test_accuracy_and_confusion():
    p = np.eye(3)[[0, 1, 1, 2, 0]]
    labels = np.array([0, 1, 2, 2, 1], np.int32)
    assert evaluate.accuracy(p, labels) == 60.
    assert evaluate.confusion(p, labels).tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    np.testing.assert_array_equal(evaluate.per_class_accuracy(p, labels), [100, 50, 50])
    assert np.isnan(evaluate.accuracy(p[:0], labels[:0]))


def variables(**shapes):
    return [tf.compat.v1.get_variable(name, initializer=np.full(shape, i + 1, np.float32), use_resource=True)
            for i, (name, shape) in enumerate(shapes.items())]


def test_checkpoint_errors_and_scopes(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[3])
        session.run(tf.compat.v1.global_variables_initializer())
        checkpoint.save(session, checkpoint.saver(vs), str(tmp_path), 7, 5)
    path = checkpoint.find(str(tmp_path))
    assert os.path.basename(path) == 'model.ckpt-00000007' and checkpoint.find(path + '.index') == path
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2], b=[4], c=[1])
        with pytest.raises(InputError, match='lacks 1 of 3 variables, first c'):
            checkpoint.restore(session, checkpoint.saver(vs), path, vs)
        with pytest.raises(InputError, match=r'b has shape \[3\]'):
            checkpoint.restore(session, checkpoint.saver(vs[:2]), path, vs[:2])
        checkpoint.restore_part(session, path, vs[:1], lambda name: name == 'a')
        assert session.run(vs[0]).tolist() == [1, 1]
        with pytest.raises(InputError, match='has 1 more variables than this network, first b'):
            checkpoint.restore_part(session, path, vs[:1], lambda name: name in 'ab')
    with open(path + '.index', 'r+b') as f:
        f.truncate(10)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        vs = variables(a=[2])
        with pytest.raises(InputError, match='cannot read checkpoint') as error:
            checkpoint.restore(session, checkpoint.saver(vs), path, vs)
        assert '\n' not in str(error.value)
    with pytest.raises(InputError, match='no checkpoint'):
        checkpoint.find(str(tmp_path / 'none'))
