"""Speed of one training step, and the share of this machine's convolution peak that it reaches.

python benchmarks/train_step.py [--algorithm=fixmatch] [--precision=bfloat16] [--batch=64] [--filters=32] [--steps=10]

The step is the whole one: stream, augmentation, all forward passes, gradients, updates. It is compared with the same
step on a constant batch, which needs no pipeline, and with the step's own convolutions run alone, which are the peak.
The three are measured in turns, so that all meet the same machine; medians are printed, then a line of JSON.
"""

import json
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import data
from libml.utils import run_main
from mixmatch import MixMatch

import convolutions
import numpy as np
from absl import flags

ALGORITHMS = dict(mixmatch=MixMatch, fixmatch=FixMatch)
FLAGS = flags.FLAGS
flags.DEFINE_enum('algorithm', 'mixmatch', sorted(ALGORITHMS), 'Whose step.')
flags.DEFINE_integer('batch', 64, 'Labelled images in a batch.')
flags.DEFINE_integer('filters', 32, 'Filters of the first scale.')
flags.DEFINE_string('precision', 'float32', 'float32 or bfloat16.')
flags.DEFINE_integer('steps', 10, 'Steps to time.')


def noise_dataset(n=2048, size=32):
    """A DataSet of random bytes with the shape of CIFAR-10: the speed does not depend on the pictures."""
    random = np.random.RandomState(0)
    pixels = random.randint(0, 256, [n, size, size, 3]).astype(np.uint8)
    labels = random.randint(0, 10, n).astype(np.int32)
    subsets = [data.Subset(pixels, labels, part) for part in np.split(np.arange(n), [n // 4, n - 2, n - 1])]
    return data.DataSet('noise', *subsets, nclass=10, mirror=True, shift=4)


def seconds(function):
    """Seconds that one call takes."""
    start = time.monotonic()
    function()
    return time.monotonic() - start


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as folder:
        model = ALGORITHMS[FLAGS.algorithm](folder, noise_dataset(), batch=FLAGS.batch, filters=FLAGS.filters,
                                            precision=FLAGS.precision)
    counted = convolutions.of_op(model.ops.train_op, FLAGS.batch)
    gflop = sum(convolutions.flop(c) * count for c, count in counted.items()) / 1e9
    replay = convolutions.Replay(counted)
    with model.session() as session:
        model.streams.start(session, 0)
        inputs = [t for op in model.graph.get_operations() if op.type == 'IteratorGetNext' for t in op.outputs]
        constant = dict(zip(inputs, session.run(inputs)))
        functions = [partial(session.run, model.ops.train_op), partial(session.run, model.ops.train_op, constant),
                     replay.run]
        for function in 2 * functions:  # the first runs also optimise the graph and choose kernels
            function()
        times = [[seconds(function) for function in functions] for _ in range(FLAGS.steps)]
    step, fed, alone = [statistics.median(column) for column in zip(*times)]
    result = dict(algorithm=FLAGS.algorithm, precision=FLAGS.precision, batch=FLAGS.batch, filters=FLAGS.filters,
                  seconds_per_step=round(step, 4), images_per_second=round(FLAGS.batch / step, 1),
                  seconds_constant_batch=round(fed, 4), pipeline_ratio=round(step / fed, 3),
                  gflop_per_step=round(gflop, 1), gflops_step=round(gflop / step, 1),
                  gflops_peak=round(gflop / alone, 1), share_of_peak=round(alone / step, 3))
    for name, value in result.items():
        print(f'{name:<24}{value:>12}')
    print(json.dumps(result))


if __name__ == '__main__':
    run_main(main)
