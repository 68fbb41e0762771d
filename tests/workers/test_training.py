"""Trainings on two workers, which are threads."""

import signal

import in_threads
import toy
from flexmatch import FlexMatch
from freematch import FreeMatch
from fully_supervised import FullySupervised
from libml.training import checkpoint
from libml.training.loop import Loop
from softmatch import SoftMatch

import numpy as np
import pytest
import tensorflow as tf

TINY = dict(batch=8, filters=2, repeat=1, scales=1, bn_momentum=0.9, ema=0.5)


@pytest.mark.parametrize('model_class, state, initial, params', [
    (FlexMatch, 'marks', -1, dict(augment='x.d.ra', accumulate=2, confidence=0.3)),
    (FreeMatch, 'p_model', 0.2, dict(augment='x.x.x', ema_p=0.9)),
    (SoftMatch, 'mu', 0.2, dict(augment='x.x.x', ema_p=0.9))])
def test_state_of_trackers(tmp_path, model_class, state, initial, params):
    """The state and all variables are the same on both workers, and those of one process; also with micro-batches."""
    def make(worker):
        return model_class(str(tmp_path), toy.dataset(size=8), worker, **TINY, uratio=2, lr=0.001, **params)

    (one, losses, _), = in_threads.trained(1, make, 2)
    (chief, chief_losses, _), (other, other_losses, _) = in_threads.trained(2, make, 2)
    assert chief_losses == other_losses and np.any(one[state] != initial)
    np.testing.assert_allclose(chief_losses, losses, rtol=1e-5)
    for name, value in one.items():
        np.testing.assert_array_equal(chief[name], other[name], err_msg=name)
        if value.dtype == np.float32:
            np.testing.assert_allclose(chief[name], value, rtol=1e-3, atol=2e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(chief[name], value, err_msg=name)


def test_bfloat16(tmp_path):
    """Where the processor has it, TensorFlow's fused convolutions are not those of a server."""
    def make(worker):
        return FullySupervised(str(tmp_path), toy.dataset(size=8), worker, **TINY, precision='bfloat16')

    (_, losses, _), = in_threads.trained(1, make, 1)
    (_, chief_losses, _), _ = in_threads.trained(2, make, 1)
    np.testing.assert_allclose(chief_losses, losses, rtol=2e-2)


def test_a_run_and_a_signal_of_the_other_worker(tmp_path, monkeypatch):
    """Both end after the same step; the chief alone writes, and one process resumes."""
    loops, step = [], Loop.one_step

    def one_step(loop):
        if loop.step == 24 and not loop.model.replicas.chief:
            loop._stop(signal.SIGTERM, None)
        loops.append(loop)
        return step(loop)

    def make(worker, name='chief'):
        return FullySupervised(str(tmp_path / name), toy.dataset(size=8), worker, **TINY, train_kimg=1)

    monkeypatch.setattr(Loop, 'one_step', one_step)
    pair = in_threads.workers(2, fresh=True)
    models = [make(worker, name) for worker, name in zip(pair, ('chief', 'other'))]
    ends = in_threads.at_once([lambda model=model: model.train(1024, 16, 1024) for model in models])
    assert ends == [signal.SIGTERM] * 2 and {loop.step for loop in loops} == {32}
    folder, = {path.parent.parent for path in tmp_path.rglob('model.ckpt-00000032.index')}
    assert [path.name for path in tmp_path.iterdir()] == ['chief'] and (folder / 'metrics.jsonl').exists()
    with models[0].session(checkpoint.newest_whole(models[0].folder.tf)) as session:
        assert session.run(models[0].step) == 32
    monkeypatch.setattr(Loop, 'one_step', step)
    assert make(None).train(40, 16) is None
    assert tf.train.load_checkpoint(checkpoint.newest_whole(models[0].folder.tf)).get_tensor('global_step') == 40
