"""One worker as a process: its server, its session, and how it notices that others are gone."""

import itertools
import json
import os
import queue
import sys
import threading

from libml.utils import InputError, Lost, one_line, session_config
from libml.workers import collectives

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

# What TensorFlow raises where another worker has ended; words of the message of other kinds that mean the same.
GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
GONE_WORDS = ('ollective', 'incarnation', 'Connection reset', 'Socket closed')
HANDSHAKES = 10  # The numbers below it are those of the exchanges before it is known that all have the same graphs.
AGAIN = 'start all of them again, they resume from the last checkpoint'


def config(cluster, graph=None):
    """The ConfigProto of a worker's server, or of its session of a graph: it works by itself, but for collectives."""
    found = session_config()
    found.experimental.collective_group_leader = '/job:worker/replica:0/task:0'
    found.device_filters.append(f'/job:worker/task:{cluster.index}')
    if graph and any(op.type == 'Conv2D' and op.outputs[0].dtype == tf.bfloat16 for op in graph.get_operations()):
        # On processors with bfloat16 TensorFlow fuses convolution and bias to an operation that a server does not know.
        found.graph_options.rewrite_options.remapping = RewriterConfig.OFF
    return found


def serve(cluster):
    """The tf.compat.v1.train.Server of this worker.

    It takes what comes to its port from anyone.

    Raises:
        InputError: its address is none of this machine, or taken.
    """
    # gRPC asks a proxy for addresses that are not named here, where the environment has one.
    hosts = [address.rpartition(':')[0] for address in cluster.addresses]
    os.environ['no_grpc_proxy'] = ','.join([*filter(None, [os.environ.get('no_grpc_proxy')]), *hosts])
    try:
        return tf.compat.v1.train.Server(tf.train.ClusterSpec({'worker': list(cluster.addresses)}), 'worker',
                                         cluster.index, config=config(cluster))
    except tf.errors.OpError as error:
        raise InputError(f'worker {cluster.index} cannot serve at {cluster.addresses[cluster.index]} '
                         f'({one_line(error.message)}): give a host:port of this machine that is free') from error


class Session(tf.compat.v1.Session):
    """A session in which a worker that is gone or silent ends this one: everything that is run in it is timed.

    It is run in a thread, so that a signal need not wait for workers that may never come.

    Args:
        target: of the server.
        cluster: the Cluster.
        graph: the tf.Graph.
        exchanges: the collectives.Exchanges of what is built beside the graph later, if anything is.
    """

    def __init__(self, target, cluster, graph, exchanges=None):
        super().__init__(target, graph, config(cluster, graph))
        self.cluster = cluster
        self.exchanges = exchanges
        self.turns = {}  # of turns.py

    def run(self, *args, **kwargs):
        """As tf.compat.v1.Session.run.

        Raises:
            Lost: another worker is gone. If one only is silent, this process ends after cluster.seconds: TensorFlow
                would wait for it for ever.
        """
        done = queue.SimpleQueue()

        def work():
            try:
                done.put((super(Session, self).run(*args, **kwargs), None))
            except Exception as error:
                done.put((None, error))

        threading.Thread(target=work, daemon=True).start()
        value, error = self._waited(done)
        if isinstance(error, tf.errors.OpError) and (isinstance(error, GONE)
                                                     or any(word in error.message for word in GONE_WORDS)):
            raise Lost(self._text(f'lost the others ({self.cluster.others()}), {one_line(error.message)}')) from error
        if error:
            raise error
        return value

    def _waited(self, done):
        """What is put into a queue by another thread. After cluster.seconds this process ends."""
        while True:
            try:
                return done.get(timeout=self.cluster.seconds)
            except queue.Empty:
                self._end()

    def _text(self, event):
        return f'worker {self.cluster.index} of {len(self.cluster.addresses)} {event}: {AGAIN}'

    def _end(self):
        print('error:', self._text(f'had no answer of the others ({self.cluster.others()}) for '
                                   f'{self.cluster.seconds:g} s'), file=sys.stderr, flush=True)
        os._exit(Lost.CODE)


def shake_hands(target, cluster, mine):
    """Waits for all workers, and compares what shapes their runs.

    Args:
        mine: dict name -> value of JSON.
    Raises:
        InputError: another worker has another value, or another number of workers.
    """
    text = np.frombuffer(json.dumps(mine, sort_keys=True).encode(), np.uint8).astype(np.int32)
    n = len(cluster.addresses)
    exchanges = collectives.Exchanges(n, 1)
    with tf.Graph().as_default() as graph:
        size = tf.compat.v1.placeholder(tf.int32, [1])
        sizes = exchanges.gather(size)
        with Session(target, cluster, graph) as session:
            try:
                longest = session.run(sizes, {size: [len(text)]}).max()
            except Lost as error:
                if 'but that group has size' not in str(error.__cause__):
                    raise
                raise InputError(f'TF_CONFIG of worker {cluster.index} names {n} workers, that of another one another '
                                 'number: give all of them the same list') from error
            padded = tf.compat.v1.placeholder(tf.int32, [longest])
            texts = exchanges.gather(padded)
            found = session.run(texts, {padded: np.pad(text, [0, longest - len(text)], constant_values=ord(' '))})
    first, *others = (json.loads(part.astype(np.uint8).tobytes()) for part in found)
    for (i, other), name in itertools.product(enumerate(others, 1), sorted(first)):
        if other.get(name) != first[name]:
            raise InputError(f'worker {i} has {name}={other.get(name)}, worker 0 has {name}={first[name]}: start all '
                             'workers with the same command, code and data')
