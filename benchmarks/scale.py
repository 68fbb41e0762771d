"""Start-up, memory and speed of a dataset that is read from records, by its number of records.

python benchmarks/scale.py [--records=1000,10000,100000] [--batches=50] [--folder=DIR]

Writes as many records of 32x32 pictures, in shards of 100,000, to a temporary folder (about 1.3 GB for a million), and
for each number starts two processes: one makes the index and the split, the other finds them there. Prints for each the
seconds that indexing took, then of the second process the seconds until its first batch, without its imports, its
resident memory after all batches and its images a second; then a line of JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml import data_pair
from libml.datasets import descriptions, subsets
from libml.streams import Streams
from libml.utils import InputError, run_main

import numpy as np
import tensorflow as tf
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_list('records', ['1000', '10000', '100000'], 'Numbers of records.')
flags.DEFINE_integer('batches', 50, 'Batches of 64 images to read.', lower_bound=1)
flags.DEFINE_string('folder', '', 'Folder for temporary files; else the system\'s.')
flags.DEFINE_string('measure', '', 'Used by this script itself: data folder to measure.')
SHARD = 100_000
SIDE, CLASSES, PICTURES = 32, 10, 1000


def make(folder, n):
    """Writes a data folder with n training records, of PICTURES different pictures."""
    pixels = np.random.default_rng(0).integers(0, 256, [PICTURES, SIDE // 4, SIDE // 4, 3]).astype(np.uint8)
    pixels = pixels.repeat(4, 1).repeat(4, 2)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        encoded = session.run([tf.io.encode_jpeg(image) for image in pixels])
    records = [tf.train.Example(features=tf.train.Features(feature=dict(
        image=tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture])),
        label=tf.train.Feature(int64_list=tf.train.Int64List(value=[i % CLASSES]))))).SerializeToString()
        for i, picture in enumerate(encoded)]
    shards = -(-n // SHARD)
    for path, count in [(f'scale-train-{i:05}-of-{shards:05}', min(SHARD, n - i * SHARD)) for i in range(shards)] + [
            ('scale-test', PICTURES)]:
        with tf.io.TFRecordWriter(os.path.join(folder, f'{path}.tfrecord')) as writer:
            for i in range(count):
                writer.write(records[i % PICTURES])
    descriptions.write_description(folder, descriptions.Description(
        'scale', SIDE, SIDE, 3, CLASSES, tuple(map(str, range(CLASSES))), dict(train=n, test=PICTURES)))


def dataset_in(folder):
    """The DataSet that is measured."""
    return data_pair.PAIR_DATASETS['scale.1@40-0'](data_dir=folder, memory='disk')


def measure(folder):
    """dict of seconds until the first batch, MB of resident memory, images per second; `index` if it was made."""
    info = descriptions.read_description(folder, 'scale')
    begun = time.monotonic()
    if not os.path.exists(descriptions.index_path(folder, 'scale', 'train')):
        for subset in ('train', 'test'):
            subsets.subset_index(folder, info, subset)
        seconds = time.monotonic() - begun
        dataset_in(folder)  # Draws the split.
        return dict(index=seconds)
    dataset = dataset_in(folder)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        streams = Streams(1)
        batch = streams.add('unlabeled', dataset.unlabeled, 64, lambda images, draws: {'image': images})
        streams.start(session, 0)
        session.run(batch.image.op)
        start, begun = time.monotonic() - begun, time.monotonic()
        for _ in range(FLAGS.batches):
            session.run(batch.image.op)
        rate = 64 * FLAGS.batches / (time.monotonic() - begun)
    with open('/proc/self/status') as f:
        kilobytes = next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))
    return dict(start=start, mb=kilobytes / 1024, images_per_second=rate)


def main(argv):
    del argv
    if FLAGS.measure:
        print(json.dumps(measure(FLAGS.measure)))
        return
    if not all(text.isdigit() and int(text) >= 100 for text in FLAGS.records):
        raise InputError(f'--records={",".join(FLAGS.records)}: give whole numbers from 100, separated by commas')
    rows = {}
    for n in map(int, FLAGS.records):
        with tempfile.TemporaryDirectory(dir=FLAGS.folder or None) as folder:
            make(folder, n)
            command = [sys.executable, __file__, f'--measure={folder}', f'--batches={FLAGS.batches}']
            found = {}
            for _ in range(2):
                found.update(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout
                                        .splitlines()[-1]))
        rows.update({f'{key}_{n}': round(value, 2) for key, value in found.items()})
        print(f'{n:>9,} records: index {found["index"]:.1f} s, start {found["start"]:.2f} s, {found["mb"]:.0f} MB, '
              f'{found["images_per_second"]:.0f} images a second', flush=True)
    print(json.dumps(rows))


if __name__ == '__main__':
    run_main(main)
