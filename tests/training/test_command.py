"""What a script's flags start; tests/test_train.py has more of it."""

import types

from libml.training import command
from refusals import refused

import pytest


class Method:
    """A model that notes what it is asked for."""

    LOOP_FLAGS, HPARAMS, OLD_FLAGS, asked = {}, {}, {}, []

    @classmethod
    def load_dataset(cls, args):
        return args

    def __init__(self, train_dir, dataset, **params):
        self.asked.append(params)

    def eval_checkpoint(self, path):
        self.asked.append(path)

    def train(self, *args):
        self.asked.append(args)


@pytest.fixture
def main(monkeypatch):
    """main(**flags) runs what `command.run` makes of the Method."""
    values = dict(train_dir='x', eval_ckpt='', train_kimg=1., report_kimg=1., save_kimg=2., keep_ckpt=3,
                  report_images=4)
    mains = []
    monkeypatch.setattr(command, 'run_main', mains.append)
    monkeypatch.setattr(command.old_flags, 'define', lambda *args: None)
    monkeypatch.setattr(command.old_flags, 'take', lambda *args: None)
    monkeypatch.setattr(Method, 'asked', [])
    spec = type('Spec', (), dict(define=lambda *args: None, default=None, checked=lambda self, name, value: value))()
    monkeypatch.setattr(Method, 'LOOP_FLAGS', dict.fromkeys(values, spec))

    def run(**given):
        monkeypatch.setattr(command, 'FLAGS', {name: types.SimpleNamespace(value=value, present=name in given)
                                               for name, value in {**values, **given}.items()})
        command.run(Method)
        return mains[0](['script'])

    return run


def test_an_evaluation_has_no_workers(main, monkeypatch):
    monkeypatch.setenv('TF_CONFIG', 'nonsense')
    main(eval_ckpt='a/b')
    assert Method.asked == [{}, 'a/b']


def test_a_training(main, monkeypatch):
    monkeypatch.delenv('TF_CONFIG', raising=False)
    assert main() is None
    assert Method.asked == [{}, (1024, 1024, 2048, 3, 4)]


def test_a_training_of_workers(main, monkeypatch):
    monkeypatch.setenv('TF_CONFIG', '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}')
    assert main() is None
    assert Method.asked[0]['replicas'].count == 2


def test_a_training_of_workers_that_are_not_named(main, monkeypatch):
    monkeypatch.setenv('TF_CONFIG', 'nonsense')
    with refused('TF_CONFIG=nonsense: give {"cluster": {"worker": '):
        main()
    assert not Method.asked
