"""Several workers on this machine."""

import errno
import itertools
import signal

import workers
from libml import interrupts
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


@pytest.mark.parametrize('code', [75, 143])
def test_those_that_wait_for_a_lost_one_end(monkeypatch, code):
    monkeypatch.setattr(workers, 'PATIENCE', 0.2)
    monkeypatch.setattr(workers, 'FLAGS', type('Flags', (), dict(timeout=1.)))
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    processes = workers.start(2, ['sh', '-c', 'case $TF_CONFIG in *\'"index": 0\'*) exec sleep 60;; *) exit $0;; esac',
                                  str(code)])
    assert workers.first_failure(processes) == code
    assert [process.returncode for process in processes] == [-9, code]


@pytest.fixture
def not_ignored():
    """SIGINT is heard: a job in the background, as the tests may be, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures('not_ignored')
@pytest.mark.parametrize('signals, end', [([signal.SIGTERM], -signal.SIGTERM), ([signal.SIGINT] * 4, -signal.SIGKILL)])
def test_signals(monkeypatch, signals, end):
    """Also one that comes while the workers are started; and nothing is left where there is no end of signals."""
    processes, start, look, send = [], workers.start, workers.first_failure, workers.send

    def started(n, command):
        processes.extend(start(n, command))
        signal.raise_signal(signals[0])
        return processes

    def first_failure(processes):
        for number in signals[1:]:
            signal.raise_signal(number)
        return look(processes)

    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    monkeypatch.setattr(workers, 'FLAGS', type('Flags', (), dict(timeout=1.)))
    monkeypatch.setattr(workers, 'start', started)
    monkeypatch.setattr(workers, 'first_failure', first_failure)
    monkeypatch.setattr(workers, 'send', lambda processes, number: number == -end and send(processes, number))
    with pytest.raises(SystemExit), interrupts.stopping():
        workers.run(2, ['sleep', '60'])
    assert [process.wait(10) for process in processes] == [end] * 2


def test_gpus(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '1,GPU-abc')
    assert workers.gpus() == ['1', 'GPU-abc']
    monkeypatch.setattr(workers, 'FLAGS', type('Flags', (), dict(timeout=1.)))
    with refused('3 workers: this machine has 2 GPUs (1, GPU-abc), one for each worker'):
        workers.start(3, ['true'])
    first, second = workers.start(2, ['sh', '-c', 'test $CUDA_VISIBLE_DEVICES = 1'])
    assert (first.wait(), second.wait()) == (0, 1)
    for none in ('', '-1', '-1,0', 'NoDevFiles'):
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', none)
        assert workers.gpus() == []
    with refused('cannot run /nowhere: No such file or directory'):
        workers.start(2, ['/nowhere'])


def test_more_workers_than_a_process_may_have_files(monkeypatch):
    def create_server(address):
        raise OSError(errno.EMFILE, 'Too many open files')

    monkeypatch.setattr(workers.socket, 'create_server', create_server)
    with refused('cannot have 9999 workers on this machine: Too many open files'):
        workers.free_addresses(9999)


@pytest.mark.parametrize('args', [['workers'], ['workers', '2'], ['workers', '0', 'true'], ['workers', 'python', 'x'],
                                  ['workers', '1000', 'true'], ['workers', '9' * 5000, 'true']])
def test_arguments(args):
    with refused('give the number of workers and the command of a training: 2 python fixmatch.py'):
        workers.main(args)
