"""Workers as threads of one process, each with a server, a graph and a session of its own: cheaper than processes."""

import concurrent.futures

from libml.workers import cluster, process
from libml.workers.replicas import Single, Workers
from workers import free_addresses

import tensorflow as tf

_servers = {}


def workers(n, fresh=False):
    """list of n Workers of one cluster. The servers are made once, unless `fresh`: a process cannot end them."""
    if fresh or n not in _servers:
        addresses = tuple(free_addresses(n))
        made = [Workers(cluster.Cluster(addresses, i, 240.)) for i in range(n)]
        _servers[n] = [(worker.cluster, worker.exchanges, process.serve(worker.cluster)) for worker in made]
    found = []
    for one, exchanges, server in _servers[n]:
        # Else a graph finds the variables of the one before, of the same names: its first step would not be 0.
        tf.compat.v1.Session.reset(server.target, config=process.config(one))
        found.append(Workers(one))
        found[-1].exchanges, found[-1].server = exchanges, server
    return found


def at_once(functions):
    """What functions without arguments return that run at the same time: list."""
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return [future.result() for future in [pool.submit(function) for function in functions]]


def computed(n, build, feed=lambda worker: {}):
    """The values of what build(worker) returns, tensors of a graph, on each of n workers, which feed it: list."""
    found = []
    for worker in workers(n):
        with tf.Graph().as_default() as graph:
            found.append((worker, graph, build(worker)))

    def run(worker, graph, tensors):
        with process.Session(worker.server.target, worker.cluster, graph) as session:
            session.run(tf.compat.v1.global_variables_initializer())
            return session.run(tensors, feed(worker))

    return at_once([lambda args=args: run(*args) for args in found])


def trained(n, make, steps):
    """What n workers have after some steps, or one process if n is 1.

    Args:
        make: function of a worker that returns a train.Model.
    Returns:
        list of (dict name -> value of the variables, list of the losses, the model).
    """
    models = [make(worker) for worker in (workers(n) if n > 1 else [Single()])]

    def run(model):
        with model.session(training=True) as session, model.graph.as_default():
            session.run(tf.compat.v1.local_variables_initializer())
            model.streams.start(session, 0)
            parts = [model.part_op] * (model.params.batch // model.rows - 1)
            losses = [session.run((model.ops.loss, op))[0] for op in [*parts, model.ops.train_op] * steps]
            return dict(zip([v.op.name for v in model.variables], session.run(model.variables))), losses, model

    return at_once([lambda model=model: run(model) for model in models])
