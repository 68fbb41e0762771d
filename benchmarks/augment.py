"""Images per second of the augmentations, through a stream as in training.

python benchmarks/augment.py [--batch=448] [--seconds=2] [--size=32 --size=96]

weak: mirror and shift. ra: RandAugment r2_10_50, both operations on every image. rac: RandAugment of random level,
each operation with probability 1/2. cta: CTAugment of depth 2 and its cutout (448 images are the unlabelled half of a
FixMatch step). affine, simclr: a view of simclr.py of each kind. Medians of several rounds are printed, then a line of
JSON.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml import data
from libml.augment import ctaugment
from libml.augment import simclr as augment_simclr
from libml.augment.randaugment import RandAugment, RandomLevelRandAugment
from libml.augment.weak import mirror_shift
from libml.images.pixels import to_float
from libml.streams import Streams
from libml.utils import run_main, session_config

import numpy as np
import tensorflow as tf
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_integer('batch', 448, 'Images in a batch.', lower_bound=1)
flags.DEFINE_multi_integer('size', [32, 96], 'Height and width of the images, once for each.', lower_bound=8)
flags.DEFINE_float('seconds', 2., 'Shortest time to measure each case for.', lower_bound=0)

ROUNDS = 5


def weak(images, draws):
    """Mirror and shift, as floats."""
    return to_float(mirror_shift(images, draws, mirror=True, shift=images.shape[1] // 8))


def cta(images, draws):
    """A policy drawn by the first rates, and the cutout."""
    return ctaugment.CTAugment().strong(images, tf.constant(ctaugment.LAYOUT.initial_rates()), draws)


def affine(images, draws):
    """A view for --views=affine."""
    return augment_simclr.affine(images, draws, mirror=True, min_area=0.25, brightness=0.6, jitter=0.2)


def simclr(images, draws):
    """A view for --views=simclr."""
    return augment_simclr.simclr(images, draws, mirror=True, strength=0.5, blur=False)


POLICIES = {'weak': weak, 'ra': RandAugment(2, 10, 50), 'rac': RandomLevelRandAugment(cutout=True), 'cta': cta,
            'affine': affine, 'simclr': simclr}


def images_per_second(policy, size):
    """Median rate over rounds of whole batches; what the stream has ready at the start is used up before."""
    pixels = np.random.RandomState(0).randint(0, 256, [2 * FLAGS.batch, size, size, 3]).astype(np.uint8)
    subset = data.Subset(pixels, np.zeros(len(pixels), np.int32), np.arange(len(pixels)))
    with tf.Graph().as_default(), tf.compat.v1.Session(config=session_config()) as session:
        streams = Streams(seed=0)
        batch = streams.add('images', subset, FLAGS.batch, lambda images, draws: {'image': policy(images, draws)})
        streams.start(session, 0)
        step = session.make_callable(batch.image.op)  # The op, not its value: nothing is copied to Python.
        for _ in range(8):
            step()
        return statistics.median(_round(step, FLAGS.seconds / ROUNDS) for _ in range(ROUNDS))


def _round(step, seconds):
    """Images per second of at least four batches and this many seconds."""
    start, count = time.monotonic(), 0
    while count < 4 or time.monotonic() - start < seconds:
        step()
        count += 1
    return count * FLAGS.batch / (time.monotonic() - start)


def main(argv):
    del argv
    result = {}
    print(f'images per second, batch {FLAGS.batch}')
    for size in FLAGS.size:
        for name, policy in POLICIES.items():
            result[f'{name}_{size}'] = rate = round(images_per_second(policy, size))
            print(f'{name:<7}{f"{size}x{size}x3":<10}{rate:>10,}', flush=True)
    print(json.dumps(result))


if __name__ == '__main__':
    run_main(main)
