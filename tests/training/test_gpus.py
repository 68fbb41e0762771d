"""GPUs: what is switched on where there is one, and what a run says of it."""

import toy
from fully_supervised import FullySupervised
from libml.training import gpus

import pytest
import tensorflow as tf


@pytest.mark.parametrize('devices', [[], ['gpu'], ['gpu', 'gpu']])
def test_deterministic_operations(tmp_path, monkeypatch, devices):
    """They are on before the graph is built: TensorFlow chooses some of them there."""
    calls = []
    monkeypatch.setattr(tf.config, 'list_physical_devices', lambda kind: devices * (kind == 'GPU'))
    monkeypatch.setattr(tf.config.experimental, 'enable_op_determinism', lambda: calls.append('switch'))
    monkeypatch.setattr(FullySupervised, 'algorithm', lambda model: calls.append('graph') or toy.no_graph(model))
    model = FullySupervised(str(tmp_path), toy.dataset(size=8), **toy.SMALL)
    assert calls == ['switch', 'graph'] if devices else ['graph']
    said = [line for line in model.warnings(64 * 10 ** 6) if line.startswith('GPUs: ')]
    assert said == list(gpus.lines()) and len(said) == bool(devices)
    assert not said or f'GPUs: {len(devices)}, with deterministic operations' in said[0]
