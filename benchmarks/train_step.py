"""Speed of one MixMatch training step, and the share of this machine's convolution peak that it reaches.

python benchmarks/train_step.py [--precision=bfloat16] [--batch=64] [--filters=32] [--steps=10]

The step is the whole one: stream, augmentation, five forward passes, gradients, updates. The peak is that of the step's
own convolutions run alone. Both are measured in turns, so that both meet the same machine; medians are printed, then a
line of JSON.
"""

import json
import statistics
import tempfile
import time

import numpy as np
from absl import flags

import convolutions
import mixmatch
from libml import data
from libml.utils import run_main

FLAGS = flags.FLAGS
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
        model = mixmatch.MixMatch(folder, noise_dataset(), batch=FLAGS.batch, filters=FLAGS.filters,
                                  precision=FLAGS.precision)
    counted = convolutions.of_op(model.ops.train_op)
    gflop = sum(convolutions.flop(c) * count for c, count in counted.items()) / 1e9
    replay = convolutions.Replay(counted)
    with model.session() as session:
        model.streams.start(session, 0)
        for _ in range(2):  # the first runs also optimise the graph and choose kernels
            session.run(model.ops.train_op)
            replay.run()
        times = [(seconds(lambda: session.run(model.ops.train_op)), seconds(replay.run)) for _ in range(FLAGS.steps)]
    step, alone = [statistics.median(column) for column in zip(*times)]
    result = dict(precision=FLAGS.precision, batch=FLAGS.batch, filters=FLAGS.filters,
                  seconds_per_step=round(step, 4), images_per_second=round(FLAGS.batch / step, 1),
                  gflop_per_step=round(gflop, 1), gflops_step=round(gflop / step, 1),
                  gflops_peak=round(gflop / alone, 1), share_of_peak=round(alone / step, 3))
    for name, value in result.items():
        print(f'{name:<20}{value:>12}')
    print(json.dumps(result))


if __name__ == '__main__':
    run_main(main)
