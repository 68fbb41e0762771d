"""Time of a FixMatch step on one process and on two workers of this machine, and what they exchange in it.

python benchmarks/workers.py [--batch=16] [--filters=32] [--steps=5] [--batch_norm=joint]

The workers have a core each, the one process has two. The step is the whole one, on random pictures of CIFAR-10's
size. Exchanges and bytes (those that a worker gives) are counted in the graph; the time of one exchange of 1 KB and of
one of all gradients is measured alone. The last line is JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'scripts'))

import workers as launcher
from fixmatch import FixMatch
from libml.utils import InputError, run_main
from libml.workers import cluster, collectives, process, replicas

import numpy as np
import tensorflow as tf
import train_step
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_enum('batch_norm', 'joint', ['joint', 'own'], 'As of the models.')
flags.DEFINE_list('cores', [], 'Processor cores of a process that this script starts itself.')
ROUNDS = 20  # exchanges that are timed alone


def seconds_of(call, times):
    """Median seconds of a function's calls, after one that is not counted."""
    found = []
    for _ in range(times + 1):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def exchanges(model):
    """How many exchanges a step of a model has, and the bytes that one worker gives to them."""
    found = collectives.needed(model.ops.train_op)
    return len(found), sum(op.inputs[0].shape.num_elements() * op.inputs[0].dtype.size for op in found)


def exchange_seconds(workers, floats):
    """Seconds of one exchange of so many numbers of each worker."""
    with tf.Graph().as_default() as graph:
        total = workers.exchanges.total(tf.ones([floats]))
        with process.Session(workers.server.target, workers.cluster, graph) as session:
            return seconds_of(lambda: session.run(total.op), ROUNDS)


def measured():
    """dict of the figures of this process: alone, or as one of the workers that TF_CONFIG names."""
    pair = replicas.from_environment()
    model = FixMatch('unused', train_step.noise_dataset(), pair, batch=FLAGS.batch, filters=FLAGS.filters,
                     batch_norm=FLAGS.batch_norm)
    pair.start({})
    with model.session(training=True) as session:
        model.streams.start(session, 0)
        found = dict(seconds=seconds_of(lambda: session.run(model.ops.train_op), FLAGS.steps))
    if pair.count > 1:
        count, size = exchanges(model)
        weights = sum(v.shape.num_elements() for v in model.graph.get_collection('trainable_variables'))
        found.update(exchanges=count, bytes=size, small_seconds=exchange_seconds(pair, 256),
                     gradients_seconds=exchange_seconds(pair, weights))
    return found


def started(index, cores, addresses):
    """A process of this script that measures on the given cores and prints JSON."""
    environment = {name: value for name, value in os.environ.items() if name != cluster.VARIABLE}
    if addresses:
        environment[cluster.VARIABLE] = cluster.to_text(addresses, index)
    args = [f'--{name}={FLAGS[name].value}' for name in ('batch', 'filters', 'steps', 'batch_norm')]
    return subprocess.Popen([sys.executable, __file__, *args, f'--cores={",".join(map(str, cores))}'],
                            env=environment, stdout=subprocess.PIPE, text=True)


def figures(processes):
    """list of what these processes print."""
    outs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise InputError('a process of the benchmark ended before its end')
    return [json.loads(out.splitlines()[-1]) for out in outs]


def main(argv):
    """Measures one process and two, one after the other."""
    del argv
    if FLAGS.cores:
        os.sched_setaffinity(0, {int(core) for core in FLAGS.cores})
        print(json.dumps(measured()))
        return
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise InputError('two workers need two cores, this process has one')
    one, = figures([started(0, cores, [])])
    addresses = launcher.free_addresses(2)
    two = figures([started(i, cores[i:i + 1], addresses) for i in range(2)])
    found = dict(two[0], seconds_1=one['seconds'], seconds_2=float(np.mean([each['seconds'] for each in two])))
    del found['seconds']
    found['speed_up'] = found['seconds_1'] / found['seconds_2']
    spent = (found['exchanges'] - 1) * found['small_seconds'] + found['gradients_seconds']
    found['share_of_exchanges'] = spent / found['seconds_2']
    print(f'Batch {FLAGS.batch}, batch norm {FLAGS.batch_norm}: {found["seconds_1"]:.2f} s a step on a process of two '
          f'cores, {found["seconds_2"]:.2f} s on two workers of one core each; {found["exchanges"]} exchanges of '
          f'{found["bytes"] / 1e6:.1f} MB take {100 * found["share_of_exchanges"]:.0f} % of it')
    print(json.dumps(found))


if __name__ == '__main__':
    run_main(main)
