"""The processes of workers: what they compare, and what ends them."""

import os
import signal
import socket
import threading
import time

import in_threads
from libml import interrupts
from libml.utils import Lost
from libml.workers import cluster, process
from libml.workers.replicas import Workers
from refusals import refused
from workers import free_addresses

import numpy as np
import pytest
import tensorflow as tf


def served(addresses, index):
    """A worker whose server is no other test's."""
    worker = Workers(cluster.Cluster(tuple(addresses), index, 240.))
    worker.server = process.serve(worker.cluster)
    return worker


def shaken(workers, values):
    """What process.shake_hands raises on each of the workers, None where nothing: list."""
    def shake(worker, mine):
        try:
            process.shake_hands(worker.server.target, worker.cluster, mine)
            return None
        except Exception as error:
            return error

    return in_threads.at_once([lambda worker=worker, mine=mine: shake(worker, mine)
                               for worker, mine in zip(workers, values)])


def test_workers_compare_what_they_run():
    """In texts of several lengths; the runtime knows an exchange by its number, type and shape."""
    assert shaken(in_threads.workers(2), [dict(lr=0.1, name='fixmatch')] * 2) == [None, None]


def test_workers_of_other_flags():
    for error in shaken(in_threads.workers(3), [dict(lr=0.1, code='a')] * 2 + [dict(lr=0.02345, code='a')]):
        with refused('worker 2 has lr=0.02345, worker 0 has lr=0.1: start all workers with the same command, code and '
                     'data'):
            raise error


def test_workers_of_another_number_of_workers():
    addresses = free_addresses(3)
    for i, error in enumerate(shaken([served(addresses[:2], 0), served(addresses, 1)], [{}] * 2)):
        with refused(f'TF_CONFIG of worker {i} names {i + 2} workers, that of another one another number: give all of '
                     'them the same list'):
            raise error


def test_a_proxy_is_not_asked(monkeypatch):
    for name in ('no_proxy', 'no_grpc_proxy'):
        monkeypatch.delenv(name, raising=False)
    for name in ('http_proxy', 'https_proxy', 'grpc_proxy'):
        monkeypatch.setenv(name, 'http://127.0.0.1:9')
    addresses = free_addresses(2)
    assert shaken([served(addresses, i) for i in range(2)], [{}] * 2) == [None, None]


def test_a_port_that_is_taken():
    with socket.create_server(('127.0.0.1', 0)) as taken:
        address = f'127.0.0.1:{taken.getsockname()[1]}'
        with refused(f'worker 1 cannot serve at {address} (', '): give a host:port of this machine that is free'):
            process.serve(cluster.Cluster(('127.0.0.1:1', address), 1))


@pytest.mark.parametrize('error, lost', [
    (tf.errors.UnavailableError(None, None, 'Socket closed'), True),
    (tf.errors.InternalError(None, None, 'Collective ops is aborted by: x'), True),
    (tf.errors.InvalidArgumentError(None, None, 'a damaged picture'), False)])
def test_a_worker_that_is_gone(monkeypatch, error, lost):
    def run(self, fetches):
        raise error

    worker, _ = in_threads.workers(2)
    monkeypatch.setattr(tf.compat.v1.Session, 'run', run)
    with tf.Graph().as_default() as graph, process.Session(worker.server.target, worker.cluster, graph) as session:
        with pytest.raises(Lost if lost else type(error)) as found:
            session.run(tf.zeros([]))
    if lost:
        assert str(found.value) == (f'worker 0 of 2 lost the others ({worker.cluster.others()}), {error.message}: '
                                    'start all of them again, they resume from the last checkpoint')


def test_a_signal_while_the_others_are_silent():
    worker = served(free_addresses(2), 0)
    timer, start = threading.Timer(1, os.kill, [os.getpid(), signal.SIGTERM]), time.monotonic()
    with pytest.raises(SystemExit, match='143'), interrupts.stopping():
        timer.start()
        process.shake_hands(worker.server.target, worker.cluster, {})
    assert time.monotonic() - start < 20


def test_a_worker_that_is_silent(monkeypatch, capsys):
    """The other one comes when the time is up."""
    ended, done, pair = [], threading.Event(), in_threads.workers(2)

    def come():
        with tf.Graph().as_default() as graph, process.Session(pair[1].server.target, pair[1].cluster, graph) as late:
            return late.run(pair[1].exchanges.total(tf.ones([1])))

    def wait():
        impatient = pair[0].cluster._replace(seconds=0.5)
        with tf.Graph().as_default() as graph, process.Session(pair[0].server.target, impatient, graph) as session:
            return session.run(pair[0].exchanges.total(tf.ones([1])))

    def end(code):
        ended.append(code)
        ended.append(come())
        done.set()

    monkeypatch.setattr(process.os, '_exit', end)
    assert wait() == [2] and done.wait(60) and ended == [75, np.array([2.])]
    error = capsys.readouterr().err
    assert error.startswith('error: worker 0 of 2 had no answer of the others (127.0.0.1:') and error.endswith(
        ') for 0.5 s: start all of them again, they resume from the last checkpoint\n') and error.count('\n') == 1
