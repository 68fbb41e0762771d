"""Several workers on this machine."""

import itertools

import workers
from refusals import refused

import pytest


def test_ports_are_different():
    found = workers.free_addresses(5)
    assert len(set(found)) == 5 and all(address.startswith('127.0.0.1:') for address in found)


@pytest.mark.parametrize('codes, first', [([[None, 0], [None, None, 0]], 0), ([[None, None, 75], [None, -9]], -9),
                                          ([[1], [75]], 1), ([[0], [None, 1]], 1)])
def test_the_exit_code_is_that_of_the_first_that_failed(monkeypatch, codes, first):
    class Process:
        def __init__(self, codes):
            self.codes = itertools.chain(codes, itertools.repeat(codes[-1]))

        returncode = None

        def poll(self):
            if self.returncode is None:
                self.returncode = next(self.codes)
            return self.returncode

    monkeypatch.setattr(workers.time, 'sleep', lambda seconds: None)
    assert workers.first_failure([Process(each) for each in codes]) == first


def test_those_that_wait_for_a_lost_one_end(monkeypatch):
    monkeypatch.setattr(workers, 'PATIENCE', 0.2)
    monkeypatch.setattr(workers, 'FLAGS', type('Flags', (), dict(timeout=1.)))
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    processes = workers.start(2, ['sh', '-c', 'case $TF_CONFIG in *\'"index": 0\'*) exec sleep 60;; *) exit 75;; esac'])
    assert workers.first_failure(processes) == 75
    assert [process.returncode for process in processes] == [-9, 75]


def test_gpus(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '1,GPU-abc')
    assert workers.gpus() == ['1', 'GPU-abc']
    monkeypatch.setattr(workers, 'FLAGS', type('Flags', (), dict(timeout=1.)))
    with refused('3 workers: this machine has 2 GPUs (1, GPU-abc), one for each worker'):
        workers.start(3, ['true'])
    first, second = workers.start(2, ['sh', '-c', 'test $CUDA_VISIBLE_DEVICES = 1'])
    assert (first.wait(), second.wait()) == (0, 1)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    with refused('cannot run /nowhere: No such file or directory'):
        workers.start(2, ['/nowhere'])


@pytest.mark.parametrize('args', [['workers'], ['workers', '2'], ['workers', '0', 'true'], ['workers', 'python', 'x'],
                                  ['workers', '1000', 'true'], ['workers', '9' * 5000, 'true']])
def test_arguments(args):
    with refused('give the number of workers and the command of a training: 2 python fixmatch.py'):
        workers.main(args)
