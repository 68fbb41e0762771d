"""The accuracies of a run, out of its event files."""

import json
import os

import extract_accuracy
from libml.utils import InputError
from refusals import refused

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


def test_medians_of_a_resumed_run(tmp_path, capsys, monkeypatch):
    """The second process went on from step 30: what the first wrote at 40 and 50 does not count."""
    monkeypatch.delattr(tf.compat.v1.train, 'summary_iterator')  # It prints that it is deprecated.
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


@pytest.mark.parametrize('value, shown', [('high', "b'high'"), ([1., 2.], '[1. 2.]'), (float('nan'), 'nan')])
def test_an_accuracy_that_is_no_number(tmp_path, value, shown):
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(tmp_path / 'tf'))
        summary = tf.compat.v1.Summary()
        summary.value.add(tag='accuracy', tensor=tf.make_tensor_proto(value))
        writer.add_summary(summary, 10)
        writer.close()
    with refused(f'{tmp_path}/tf/events', f'the accuracy of step 10 is {shown}, no number'):
        extract_accuracy.accuracies(str(tmp_path))


@pytest.mark.parametrize('content, text', [
    (b'\xff\xff', 'is damaged: a record of it is no event'),
    (tf.compat.v1.Event(step=10, summary=tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(
        tag='accuracy', tensor=dict(dtype=100))])).SerializeToString(), 'of step 10 is a damaged tensor, no number')])
def test_event_files_of_other_programs(tmp_path, content, text):
    (tmp_path / 'tf').mkdir()
    with tf.io.TFRecordWriter(str(tmp_path / 'tf' / 'events.out.tfevents.1')) as writer:
        writer.write(content)
    with refused(f'{tmp_path}/tf/events', text):
        extract_accuracy.accuracies(str(tmp_path))


def test_extract_accuracy_of_nothing(tmp_path):
    with pytest.raises(InputError, match='no event files'):
        extract_accuracy.accuracies(str(tmp_path))
    write_events(tmp_path, 0, [], '.a')
    with pytest.raises(InputError, match='no accuracy yet'):
        extract_accuracy.accuracies(str(tmp_path))


def test_event_files_that_cannot_be_read(tmp_path):
    path = tmp_path / 'tf' / 'events.out.tfevents.1'
    path.mkdir(parents=True)
    with refused(f'cannot read {path}: '):
        extract_accuracy.accuracies(str(tmp_path))
