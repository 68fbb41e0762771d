"""One run has one method name: in its folder, in args.json, in tables, on the console and in TensorBoard."""

import os

import toy
from fully_supervised import FullySupervised
from libml.training import run_groups

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
    assert model.folder.read_args()['method'] == run_groups.read(model.folder.path).method == name
    out = capsys.readouterr().out
    assert f'{name} on toy: test accuracy' in out and 'FullySupervised' not in out.replace(model.folder.path, '')
    assert name.encode() in hparams(model.folder) and b'FullySupervised' not in hparams(model.folder)
