"""One run has one method name: in its folder, in args.json, in tables, on the console and in TensorBoard."""

import json
import os

import toy
from fully_supervised import FullySupervised
from libml import grouping
from libml.hparams import Hparam
from noisy_student import NoisyStudent
from pi_model import PiModel

import pytest
import tensorflow as tf


def hparams(folder):
    """Text of the HParams start event of a run."""
    path, = [os.path.join(folder.tf, name) for name in os.listdir(folder.tf) if name.startswith('events')]
    events = [tf.compat.v1.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(path)]
    return [value.metadata.plugin_data.content for event in events for value in event.summary.value
            if value.tag == '_hparams_/session_start_info'][0]


@pytest.mark.parametrize('mixup, name', [(True, 'FSMixup'), (False, 'FSBaseline')])
def test_one_name_everywhere(tmp_path, capsys, mixup, name):
    model = FullySupervised(tmp_path, toy.dataset(), mixup=mixup, arch='convnet', batch=8)
    model.train(8, 8)
    assert os.path.basename(model.folder.path).startswith(f'{name}_')
    assert model.folder.read_args()['method'] == grouping.read(model.folder.path).method == name
    out = capsys.readouterr().out
    assert f'{name} on toy: test accuracy' in out and 'FullySupervised' not in out.replace(model.folder.path, '')
    assert name.encode() in hparams(model.folder) and b'FullySupervised' not in hparams(model.folder)


@pytest.mark.parametrize('recorded, expected', [
    (dict(method='Mine', model='noisy_student:NoisyStudent'), 'Mine'), (dict(model='noisy_student:NoisyStudent'),
                                                                        'NoisyStudent'), (dict(), '1')])
def test_method_of_a_folder_that_does_not_name_it(tmp_path, recorded, expected):
    """A NoisyStudent's folder is named after its --id."""
    folder = tmp_path / 'NoisyStudent_lr0.03' / '1'
    (folder / 'args').mkdir(parents=True)
    (folder / 'args' / 'args.json').write_text(json.dumps(dict(dataset='a_to_b', lr=0.03, id='1', **recorded)))
    (folder / 'metrics.jsonl').write_text('{"step": 1, "kimg": 1}\n')
    assert grouping.read(str(folder)).method == expected
    assert NoisyStudent.HPARAMS['id'] == Hparam('', NoisyStudent.HPARAMS['id'].help, False)


def test_a_schedule_that_needs_the_length_is_not_forgotten(tmp_path):
    """A later schedule that does not need train_kimg leaves the note of an earlier one that does."""
    model = PiModel(tmp_path, toy.dataset(), arch='convnet', batch=8, warmup_pos=0.)
    assert not model.depends_on_length
    with model.graph.as_default():
        model.progress()
        model.ramp()
    assert model.depends_on_length
