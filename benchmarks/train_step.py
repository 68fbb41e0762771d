"""Speed of one training step, and the share of this machine's convolution peak that it reaches.

python benchmarks/train_step.py [--algorithm=fixmatch] [--arch=resnet] [--precision=bfloat16] [--batch=64]
            [--filters=32] [--steps=10] [--disk]
python benchmarks/train_step.py --algorithm=fixmatch --beside=flexmatch,freematch --batch=16

The step is the whole one: stream, augmentation, all forward passes, gradients, updates. It is compared with the same
step on a constant batch, which needs no pipeline, and with the step's own convolutions run alone, which are the peak.
These are measured in turns, and so are whole steps of the algorithms `--beside`, so that all meet the same machine;
medians are printed, with the ratio of each algorithm's step to the first one's, then a line of JSON. Its `peak_mb` is
the most resident memory of a process of its own that takes a few steps and does nothing else.
"""

import atexit
import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from comatch import CoMatch
from dash import Dash
from defixmatch import DeFixMatch
from fixmatch import FixMatch
from flexmatch import FlexMatch
from freematch import FreeMatch
from libml import data
from libml.datasets import index, on_demand, records
from libml.utils import run_main
from mixmatch import MixMatch
from simmatch import SimMatch
from softmatch import SoftMatch

import _convolutions
import numpy as np
from absl import flags

ALGORITHMS = dict(mixmatch=MixMatch, fixmatch=FixMatch, flexmatch=FlexMatch, freematch=FreeMatch, softmatch=SoftMatch,
                  dash=Dash, defixmatch=DeFixMatch, simmatch=SimMatch, comatch=CoMatch)
FLAGS = flags.FLAGS
flags.DEFINE_enum('algorithm', 'mixmatch', sorted(ALGORITHMS), 'Whose step.')
flags.DEFINE_list('beside', [], 'Algorithms whose steps are measured beside.')
flags.register_validator('beside', set(ALGORITHMS).issuperset, f'give some of {", ".join(ALGORITHMS)}')
flags.DEFINE_integer('batch', 64, 'Labelled images in a batch.', lower_bound=1)
flags.DEFINE_string('arch', 'resnet', 'Network.')
flags.DEFINE_integer('filters', 32, 'Filters of the first scale.', lower_bound=1)
flags.DEFINE_string('precision', 'float32', 'float32 or bfloat16.')
flags.DEFINE_bool('disk', False, 'Read the images from records when they are needed, not from memory.')
flags.DEFINE_integer('steps', 10, 'Steps to time.', lower_bound=1)
flags.DEFINE_bool('alone', False, 'Take a few steps and print the peak resident memory in MB, nothing else.')


def noise_dataset(n=2048, size=32):
    """A DataSet of random bytes with the shape of CIFAR-10: the speed does not depend on the pictures."""
    random = np.random.RandomState(0)
    pixels = random.randint(0, 256, [n, size, size, 3]).astype(np.uint8)
    labels = random.randint(0, 10, n).astype(np.int32)
    if FLAGS.disk:
        path = os.path.join(tempfile.mkdtemp(), 'noise.tfrecord')
        atexit.register(shutil.rmtree, os.path.dirname(path))
        records.write_records(path, pixels, labels)
        pixels = on_demand.OnDemand(index.of_records([path]), pixels.shape[1:])
    subsets = [data.Subset(pixels, labels, part) for part in np.split(np.arange(n), [n // 4, n - 2, n - 1])]
    return data.DataSet('noise', *subsets, nclass=10, mirror=True, shift=4)


def seconds(function):
    """Seconds that one call takes."""
    start = time.monotonic()
    function()
    return time.monotonic() - start


def build(algorithm):
    """The model of an algorithm."""
    with tempfile.TemporaryDirectory() as folder:
        return ALGORITHMS[algorithm](folder, noise_dataset(), batch=FLAGS.batch, filters=FLAGS.filters,
                                     precision=FLAGS.precision, arch=FLAGS.arch)


def few_steps():
    """Takes steps until memory grows no more."""
    model = build(FLAGS.algorithm)
    with model.session() as session:
        model.streams.start(session, 0)
        for _ in range(3):
            session.run(model.ops.train_op)


def peak_mb():
    """MB of resident memory, the most of another process that takes `few_steps`."""
    command = [sys.executable, __file__, *sys.argv[1:], '--alone']
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main(argv):
    del argv
    if FLAGS.alone:
        few_steps()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        return
    peak = peak_mb()  # First: while this process is small, because the peak of the other one begins with its size.
    model, *others = [build(algorithm) for algorithm in (FLAGS.algorithm, *FLAGS.beside)]
    counted = _convolutions.of_op(model.ops.train_op, FLAGS.batch)
    gflop = sum(_convolutions.flop(c) * count for c, count in counted.items()) / 1e9
    replay = _convolutions.Replay(counted)
    with contextlib.ExitStack() as stack:
        session, *other_sessions = [stack.enter_context(m.session()) for m in (model, *others)]
        for m, s in zip((model, *others), (session, *other_sessions)):
            m.streams.start(s, 0)
        inputs = [t for op in model.graph.get_operations() if op.type == 'IteratorGetNext' for t in op.outputs]
        constant = dict(zip(inputs, session.run(inputs)))
        with model.graph.as_default():
            back = model.step.assign_sub(FLAGS.batch, read_value=False)

        def on_constant():
            # The same step again: the stream gives no batch for it, and may be a few steps behind CTAugment only.
            session.run(back)
            session.run(model.ops.train_op, constant)

        functions = [partial(session.run, model.ops.train_op), on_constant, replay.run,
                     *(partial(s.run, m.ops.train_op) for m, s in zip(others, other_sessions))]
        for function in 2 * functions:  # the first runs also optimise the graph and choose kernels
            function()
        times = [[seconds(function) for function in functions] for _ in range(FLAGS.steps)]
    step, fed, alone, *_ = [statistics.median(column) for column in zip(*times)]
    # Within each turn: the machine's speed drifts.
    ratios = [statistics.median(turn[3 + i] / turn[0] for turn in times) for i in range(len(others))]
    result = dict(algorithm=FLAGS.algorithm, arch=FLAGS.arch, precision=FLAGS.precision, batch=FLAGS.batch,
                  filters=FLAGS.filters, seconds_per_step=round(step, 4),
                  images_per_second=round(FLAGS.batch / step, 1), seconds_constant_batch=round(fed, 4),
                  pipeline_ratio=round(step / fed, 3), gflop_per_step=round(gflop, 1),
                  gflops_step=round(gflop / step, 1), gflops_peak=round(gflop / alone, 1),
                  share_of_peak=round(alone / step, 3), peak_mb=peak,
                  **{f'{name}_ratio': round(ratio, 3) for name, ratio in zip(FLAGS.beside, ratios)})
    for name, value in result.items():
        print(f'{name:<24}{value:>12}')
    print(json.dumps(result))


if __name__ == '__main__':
    run_main(main)
