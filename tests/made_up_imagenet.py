"""A small ImageNet in each of its two layouts: 12 training and 6 test pictures of 3 classes."""

import io

import tensorflow as tf
from PIL import Image

CLASSES = 'n01', 'n02', 'n03'


def jpeg(i):
    """A JPEG of a size of its own, whose colour says which it is."""
    data = io.BytesIO()
    Image.new('RGB', (20 + i, 30 + 2 * i), (10 * i, 100, 200)).save(data, 'JPEG', quality=95)
    return data.getvalue()


def folders(root):
    for part, numbers in (('train', range(12)), ('val', range(12, 18))):
        for i in numbers:
            place = root / part / CLASSES[i % 3] / 'images'
            place.mkdir(parents=True, exist_ok=True)
            (place / f'{i:02}.JPEG').write_bytes(jpeg(i))


def shards(root):
    root.mkdir()
    for name, numbers in (('train-00000-of-00002', range(7)), ('train-00001-of-00002', range(7, 12)),
                          ('validation-00000-of-00001', range(12, 18))):
        with tf.io.TFRecordWriter(str(root / name)) as writer:
            for i in numbers:
                feature = {'image/encoded': tf.train.Feature(bytes_list=tf.train.BytesList(value=[jpeg(i)])),
                           'image/filename': tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'%02d.JPEG' % i])),
                           'image/class/label': tf.train.Feature(int64_list=tf.train.Int64List(value=[i % 3 + 1]))}
                writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
