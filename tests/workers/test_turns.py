"""Chunks that workers compute in turns."""

import in_threads
from libml.training import evaluate
from libml.workers import process, turns

import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize('n', [0, 1, 7, 8, 9, 17])
def test_all_get_all_rows(n):
    """In chunks of 4 rows, of which the last has fewer."""
    values = np.random.RandomState(0).normal(size=[n, 3]).astype(np.float32)

    def run(session, computed):
        def chunk(i):
            computed.append(i)
            return values[4 * i:4 * i + 4]

        return turns.rows(session, chunk, -(-n // 4), (4, 3))

    def on(worker, computed):
        with tf.Graph().as_default() as graph:
            with process.Session(worker.server.target, worker.cluster, graph, worker.exchanges) as session:
                return run(session, computed)

    computed = [], []
    found = in_threads.at_once([lambda worker=worker, mine=mine: on(worker, mine)
                                for worker, mine in zip(in_threads.workers(2), computed)])
    alone = run(None, [])
    for rows in (*found, alone):
        np.testing.assert_array_equal(np.concatenate([*rows, np.zeros([0, 3])])[:n], values)
    assert all(i % 2 == 1 for i in computed[1]) and sorted(sum(computed, [])) == list(range(-(-n // 4)))


def test_predictions(monkeypatch):
    """They are those of one process, to the bit."""
    monkeypatch.setattr(evaluate, 'BATCH', 4)
    images = np.random.RandomState(0).randint(0, 256, [11, 2, 2, 1]).astype(np.uint8)

    def build():
        x = tf.compat.v1.placeholder(tf.float32, [None, 2, 2, 1])
        return tf.nn.softmax(tf.reshape(x, [-1, 4])), x

    def on(worker):
        with tf.Graph().as_default() as graph:
            op, x = build()
            with process.Session(worker.server.target, worker.cluster, graph, worker.exchanges) as session:
                return evaluate.predict(session, op, x, images)

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        one = evaluate.predict(session, *build(), images)
    for found in in_threads.at_once([lambda worker=worker: on(worker) for worker in in_threads.workers(2)]):
        np.testing.assert_array_equal(found, one)
