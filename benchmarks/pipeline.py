"""Images per second of a stream of large JPEGs, beside a plain tf.data pipeline on the same files.

python benchmarks/pipeline.py [--pictures=2000] [--size=224] [--batch=64] [--batches=40] [--rounds=5]

Both read a file each of 500x375 pixels (benchmarks/pictures.py makes them), decode a random part of it and resize that,
bicubic, and mirror half. Ours is a function of seed and step; the plain one reads in any order, through a shuffle
buffer, tuned by TensorFlow. They run in turns; medians are printed, then a line of JSON.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

import pictures
from libml.data import Subset
from libml.datasets import index
from libml.datasets.on_demand import OnDemand
from libml.images.framing import Frame
from libml.streams import Streams
from libml.utils import run_main

import numpy as np
import tensorflow as tf
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_integer('batch', 64, 'Images in a batch.', lower_bound=1)
flags.DEFINE_integer('batches', 40, 'Batches in a round.', lower_bound=1)
flags.DEFINE_integer('rounds', 5, 'Rounds.', lower_bound=1)
# pictures.py has --pictures and --size.
FLAGS.set_default('pictures', 2000)
FLAGS.set_default('size', 224)
SHUFFLED = 1024
WARM = 4  # batches


def stream(paths):
    """Our next batch and the function of a session that starts it."""
    pixels = OnDemand(index.of_pictures(paths, [0] * len(paths)), (0, 0, 3), frame=Frame(FLAGS.size, mirror=True))
    streams = Streams(1)
    subset = Subset(pixels, pixels.contents.label, np.arange(len(paths)))
    batch = streams.add('pictures', subset, FLAGS.batch, lambda images, draws: {'image': images})
    return batch.image, lambda session: streams.start(session, 0)


def plain(paths):
    """As `stream`, of tf.data as one writes it."""
    def make(path):
        content = tf.io.read_file(path)
        part, size, _ = tf.image.sample_distorted_bounding_box(
            tf.image.extract_jpeg_shape(content), tf.constant([[[0., 0., 1., 1.]]]), area_range=(0.08, 1.),
            aspect_ratio_range=(3 / 4, 4 / 3), min_object_covered=0.1, max_attempts=10)
        window = tf.concat([part[:2], size[:2]], 0)
        image = tf.io.decode_and_crop_jpeg(content, window, 3, dct_method='INTEGER_ACCURATE')
        image = tf.saturate_cast(tf.image.resize(image, [FLAGS.size] * 2, 'bicubic'), tf.uint8)
        return tf.image.random_flip_left_right(image)

    dataset = tf.data.Dataset.from_tensor_slices(paths).repeat().shuffle(SHUFFLED)
    dataset = dataset.map(make, tf.data.AUTOTUNE, deterministic=False).batch(FLAGS.batch)
    iterator = tf.compat.v1.data.make_initializable_iterator(dataset.prefetch(tf.data.AUTOTUNE))
    return iterator.get_next(), lambda session: session.run(iterator.initializer)


def rate(kind, paths):
    """Images per second of a pipeline, in a session of its own: it makes nothing ahead while the other is measured."""
    with tf.Graph().as_default():
        batch, start = kind(paths)
        with tf.compat.v1.Session() as session:
            start(session)
            for _ in range(WARM):
                session.run(batch.op)
            began = time.monotonic()
            for _ in range(FLAGS.batches):
                session.run(batch.op)
            return FLAGS.batch * FLAGS.batches / (time.monotonic() - began)


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as name:
        pictures.make(Path(name), FLAGS.pictures)
        paths = sorted(map(str, Path(name, 'all').glob('*/*.jpg')))
        rounds = [[rate(kind, paths) for kind in (stream, plain)] for _ in range(FLAGS.rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*rounds))
    result = dict(images_per_second=round(ours, 1), plain_images_per_second=round(theirs, 1),
                  ratio=round(statistics.median(one / other for one, other in rounds), 3))
    print(f'{ours:.0f} images a second; plain tf.data: {theirs:.0f}')
    print(json.dumps(result))


if __name__ == '__main__':
    run_main(main)
