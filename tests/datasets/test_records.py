"""Records on disk."""

import io
import os
import pathlib

from libml.datasets import records
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image


def random_images(n, h, w, c, seed=0):
    return np.random.RandomState(seed).randint(0, 256, [n, h, w, c], np.uint8)


@pytest.mark.parametrize('n,h,w,c', [(1, 8, 8, 1), (300, 6, 5, 3), (513, 4, 4, 3)])
def test_what_is_written_is_read(tmp_path, n, h, w, c):
    images, labels = random_images(n, h, w, c), np.arange(n) % 7
    path = str(tmp_path / 'new' / 'a-train.tfrecord')
    records.write_records(path, images, labels)
    read_images, read_labels = records.read_records([path], h, w, c, 7)
    np.testing.assert_array_equal(read_images, images)
    np.testing.assert_array_equal(read_labels, labels)
    assert read_images.dtype == np.uint8 and read_labels.dtype == np.int32
    np.testing.assert_array_equal(records.read_labels([path]), labels)
    assert os.listdir(tmp_path / 'new') == ['a-train.tfrecord']


def test_files_follow_each_other_and_views_are_written(tmp_path):
    planes = np.random.RandomState(0).randint(0, 256, [20, 3, 6, 6], np.uint8)
    paths = [str(tmp_path / name) for name in ('b', 'a')]
    for path, part in zip(paths, (slice(0, 12), slice(12, 20))):
        records.write_records(path, planes[part].transpose(0, 2, 3, 1), np.arange(20)[part])
    images, labels = records.read_records(paths, 6, 6, 3)
    np.testing.assert_array_equal(images, planes.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(labels, np.arange(20))


def test_schema_is_that_of_the_original(tmp_path):
    images, path = random_images(3, 5, 4, 3), str(tmp_path / 'a')
    records.write_records(path, images, [4, 5, 6])
    for image, label, record in zip(images, [4, 5, 6], records.raw_records(path), strict=True):
        example = tf.train.Example.FromString(record)
        assert record == example.SerializeToString(deterministic=True)  # The same bytes in every process.
        feature = example.features.feature
        assert sorted(feature) == ['image', 'label']
        assert feature['label'].int64_list.value == [label]
        png = feature['image'].bytes_list.value[0]
        assert png.startswith(b'\x89PNG')
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), image)


def test_works_while_a_graph_is_being_built(tmp_path):
    path = str(tmp_path / 'a')
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        records.write_records(path, random_images(5, 4, 4, 1), np.zeros(5, int))
        images, _ = records.read_records([path], 4, 4, 1)
        list(records.raw_records(path))
        assert tf.compat.v1.get_default_graph() is graph and not graph.get_operations()
        assert session.run(tf.constant(1)) == 1
    assert len(images) == 5


@pytest.fixture
def good(tmp_path):
    path = str(tmp_path / 'good.tfrecord')
    records.write_records(path, random_images(600, 4, 6, 3), np.arange(600) % 10)
    return path


def test_missing_empty_and_damaged_files_are_named(tmp_path, good):
    missing, bad = str(tmp_path / 'missing'), str(tmp_path / 'bad')
    with refused('no file', missing):
        records.read_records([good, missing], 4, 6, 3)
    content = open(good, 'rb').read()
    for damaged in (content[:-7], content[:500] + bytes([content[500] ^ 1]) + content[501:], b'not a record at all'):
        with open(bad, 'wb') as f:
            f.write(damaged)
        for read in (records.read_labels, lambda paths: records.read_records(paths, 4, 6, 3)):
            with refused(bad, 'damaged or cut short'):
                read([good, bad])
    pathlib.Path(bad).write_bytes(content + content[:11])  # Less than the head of a record: TensorFlow's end of a file.
    for read in (records.read_labels, records.read_origins, lambda paths: list(records.raw_records(paths[0]))):
        with refused(f'{bad} is cut short: its last 11 bytes are no record'):
            read([bad])
    open(bad, 'wb').close()
    with refused(bad, 'no record'):
        records.read_labels([bad])


@pytest.mark.parametrize('shape', [(6, 4, 3), (4, 6, 1), (32, 32, 3)])
def test_another_size_is_refused_with_both_sizes(good, shape):
    with refused(good, 'record 0', '4x6x3', 'x'.join(map(str, shape))):
        records.read_records([good], *shape)


def test_one_image_of_another_size_is_found(tmp_path):
    parts, path = [str(tmp_path / name) for name in ('a', 'b')], str(tmp_path / 'mixed')
    records.write_records(parts[0], random_images(290, 4, 4, 1), np.zeros(290, int))
    records.write_records(parts[1], random_images(10, 4, 5, 1), np.zeros(10, int))
    with open(path, 'wb') as f:  # TFRecord files may simply be joined.
        f.writelines(open(part, 'rb').read() for part in parts)
    with refused(path, 'record 290', '4x5x1', '4x4x1'):
        records.read_records([path], 4, 4, 1)


def test_labels_out_of_range_are_refused(tmp_path, good):
    with refused(good, 'record 9', 'label 9', '0..8'):
        records.read_records([good], 4, 6, 3, nclass=9)
    path = str(tmp_path / 'negative')
    write_features(path, [dict(GREY, label=integers(0)), dict(GREY, label=integers(-1))])
    with refused(path, 'record 1', 'label -1'):
        records.read_labels([path])


@pytest.mark.parametrize('labels, text', [
    (np.array([0, 1.5]), 'float64 0.0'), ([0, -1], 'int64 -1'), (np.array([0, 2 ** 31]), 'int64 2147483648'),
    (np.array([0, 2 ** 63], np.uint64), 'uint64 9223372036854775808'),
    ([[0], [1]], 'labels [n], not uint8 [2, 4, 4, 1] and [2, 1]')])
def test_labels_that_records_cannot_hold_are_not_written(tmp_path, labels, text):
    with refused('new-train.tfrecord takes ', text):
        records.write_records(str(tmp_path / 'new-train.tfrecord'), random_images(2, 4, 4, 1), labels)
    assert not os.listdir(tmp_path)


def write_features(path, features):
    with tf.io.TFRecordWriter(path) as writer:
        for feature in features:
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def integers(*values):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def picture(kind, shape, seed=0):
    data = io.BytesIO()
    Image.fromarray(random_images(1, *shape, seed)[0].squeeze()).save(data, kind)
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[data.getvalue()]))


GREY = dict(image=picture('PNG', (4, 4, 1)), label=integers(1))


@pytest.mark.parametrize('features, text', [
    (dict(image=GREY['image']), 'record 300 has no integer `label`'),
    (dict(GREY, label=integers(1, 2)), 'record 300 has no integer `label`'),
    (dict(label=integers(1)), 'the image of record 300 is no PNG or JPEG'),
    (dict(GREY, image=tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'x' * 99]))), 'record 300 is no PNG'),
    (dict(GREY, image=picture('JPEG', (5, 4, 1))), 'record 300 is 5x4x1 (height x width x colors), not 4x4x1'),
    (dict(GREY, image=picture('JPEG', (4, 4, 3))), 'record 300 is 4x4x3 (height x width x colors), not 4x4x1')])
def test_one_record_of_another_schema_is_named(tmp_path, features, text):
    path = str(tmp_path / 'other')
    write_features(path, [GREY] * 300 + [features] + [GREY] * 300)
    with refused(path, text):
        records.read_records([path], 4, 4, 1)


def test_what_is_no_example_is_named(tmp_path):
    path = str(tmp_path / 'other')
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(b'text')
    with refused(path, 'record 0 is no tf.train.Example'):
        records.read_labels([path])


def test_jpegs_are_read(tmp_path):
    path, features = str(tmp_path / 'jpg'), [dict(image=picture('JPEG', (8, 9, 3), seed)) for seed in range(3)]
    write_features(path, [dict(feature, label=integers(2)) for feature in features])
    images, _ = records.read_records([path], 8, 9, 3)
    for image, feature in zip(images, features):
        np.testing.assert_array_equal(image, Image.open(io.BytesIO(feature['image'].bytes_list.value[0])))


def test_numbers_of_records_are_compared(good):
    for read in (lambda counts: records.read_labels([good], counts=counts),
                 lambda counts: records.read_records([good], 4, 6, 3, counts=counts)):
        with refused(good, 'holds 600 records', 'counts 599'):
            read({good: 599})
        assert len(read({good: 600, 'other': 1})) and len(read({'other': 1}))


def test_where_pictures_came_from(tmp_path, good):
    path, origins = str(tmp_path / 'a'), ['a b/ü.png', os.fsdecode(b'\xff.jpg')]
    records.write_records(path, random_images(2, 4, 6, 3), [0, 1], origins)
    assert records.read_origins([path, good]).tolist() == ['a b/ü.png', '\ufffd.jpg'] + [''] * 600
    assert records.read_origins([]).tolist() == []
    np.testing.assert_array_equal(records.read_records([path], 4, 6, 3)[0], random_images(2, 4, 6, 3))


def test_a_write_that_fails_leaves_nothing(tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    with refused('cannot write', str(blocked / 'a')):
        records.write_records(str(blocked / 'a'), random_images(2, 4, 4, 1), [0, 1])
    with pytest.raises(ValueError):
        records.write_records(str(tmp_path / 'a'), random_images(2, 4, 4, 1), [0])
    assert os.listdir(tmp_path) == ['file']


@pytest.mark.parametrize('read', [records.read_labels, lambda paths: records.read_records(paths, 4, 4, 3)])
def test_a_record_that_no_message_can_quote(tmp_path, read):
    """TensorFlow's says what is in it, which is no Unicode."""
    path = str(tmp_path / 'a')
    records.write_records(path, random_images(2, 4, 4, 3), [0, 1])
    row = b''.join(records.raw_records(path))[:100] + b'\x89\xff' * 50
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(row)
    with refused(f'{path}: record 0 is no tf.train.Example'):
        read([path])
