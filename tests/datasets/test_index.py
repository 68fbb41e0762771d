"""Pictures by position: what an index holds, when it is fresh, and what is wrong with files."""

import json
import os

from libml.datasets import index, records
from libml.utils import InputError

import numpy as np
import pytest
import tensorflow as tf


def example(**features):
    made = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=value)) if isinstance(value[0], int)
            else tf.train.Feature(bytes_list=tf.train.BytesList(value=value)) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def write(path, rows):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            writer.write(row)
    return str(path)


@pytest.fixture
def shards(tmp_path):
    """Two TFRecord files of 3 and 2 pictures, and these pictures."""
    pictures = [bytes([i]) * (10 + 100 * i) for i in range(5)]
    rows = [example(image=[picture], label=[7 - i], path=[b'x']) for i, picture in enumerate(pictures)]
    return [write(tmp_path / 'a', rows[:3]), write(tmp_path / 'b', rows[3:])], pictures


def test_pictures_are_read_in_any_order(shards):
    paths, pictures = shards
    found = index.of_records(paths)
    assert len(found) == 5 and found.label.tolist() == [7, 6, 5, 4, 3]
    assert found.read(np.array([4, 0, 2, 2])) == [pictures[i] for i in (4, 0, 2, 2)]
    assert found.where(4) == f'{paths[1]}: record 1'


def test_other_keys_and_labels_from_one(tmp_path):
    path = write(tmp_path / 'a', [example(**{'image/encoded': [b'abc'], 'image/class/label': [1]})])
    found = index.of_records([path], index.Keys('image/encoded', 'image/class/label', 1))
    assert found.label.tolist() == [0] and found.read([0]) == [b'abc']


def test_it_is_the_same_from_its_file_and_moves_with_its_folder(shards, tmp_path):
    paths, pictures = shards
    (tmp_path / 'new').mkdir()
    index.of_records(paths).save(str(tmp_path / 'i.npz'))
    for name in ('a', 'b', 'i.npz'):
        os.rename(tmp_path / name, tmp_path / 'new' / name)
    found = index.load(str(tmp_path / 'new' / 'i.npz'))
    assert found.fresh() and found.read([3, 1]) == [pictures[3], pictures[1]]
    os.utime(tmp_path / 'new' / 'b', (1, 1))
    assert not found.fresh()
    os.remove(tmp_path / 'new' / 'b')
    assert not found.fresh()
    with pytest.raises(InputError, match=r'cannot read .*b: record 0: No such file'):
        found.read([3])


@pytest.mark.parametrize('content', [b'', b'PK', b'PK\x03\x04' + b'x' * 100, b'x' * 100, None])
def test_a_damaged_index_counts_as_none(tmp_path, content):
    path = tmp_path / 'i.npz'
    if content is not None:
        path.write_bytes(content)
    assert index.load(str(path)) is None


def test_an_index_with_a_damaged_byte_counts_as_none(shards, tmp_path):
    path = tmp_path / 'i.npz'
    index.of_records(shards[0]).save(str(path))
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1:])
        found = index.load(str(path))  # Some bytes, such as a date, mean nothing.
        assert found is None or found.label.tolist() == index.of_records(shards[0]).label.tolist()


def test_an_index_with_objects_is_not_unpickled(shards, tmp_path):
    found = index.of_records(shards[0])
    arrays = {key: getattr(found, key) for key in index.ARRAYS}
    np.savez(tmp_path / 'i.npz', about=np.array([{}], object), **arrays)
    assert index.load(str(tmp_path / 'i.npz')) is None


@pytest.mark.parametrize('change', [
    dict(number=np.int32([0, 0, 0, 1, 2])), dict(number=np.int32([0, -1, 0, 1, 1])), dict(offset=np.full(5, 2 ** 62)),
    dict(size=np.full(5, 2 ** 62)), dict(size=np.full(5, -1)), dict(offset=np.full(5, -1)), dict(stamps=((5, 6),)),
    dict(stamps=((5,), 'xy')), dict(stamps=(('a', 5), ('b', 6))), dict(files=(3, 4)),
    dict(label=np.zeros([5, 1], np.int32)), {key: np.zeros(0, kind) for key, kind in index.ARRAYS.items()},
    {key: np.zeros([], kind) for key, kind in index.ARRAYS.items()}])
def test_an_index_of_what_cannot_be_counts_as_none(shards, tmp_path, change):
    """As another program may write it."""
    found = index.of_records(shards[0])
    about = dict(files=['a', 'b'], stamps=found.stamps)
    about = json.dumps({key: change.get(key, value) for key, value in about.items()}).encode()
    arrays, path = {key: getattr(found, key) for key in index.ARRAYS}, str(tmp_path / 'i.npz')
    np.savez(path, about=np.frombuffer(about, np.uint8), **{key: change.get(key, arrays[key]) for key in arrays})
    assert index.load(path) is None


@pytest.mark.parametrize('row, text', [
    (b'\xff\xff', 'record 1 is no tf.train.Example'), (example(label=[1]), 'record 1 has no picture `image`'),
    (example(image=[b'a', b'b'], label=[1]), 'record 1 has no picture `image`'),
    (example(image=[b'a']), 'record 1 has no integer `label`'),
    (example(image=[b'a'], label=[2 ** 32 + 1]), 'record 1 has label 4294967297, larger than 2147483647')],
    ids=['no example', 'no picture', 'two pictures', 'no label', 'label of 64 bits'])
def test_records_that_are_wrong(tmp_path, row, text):
    path = write(tmp_path / 'a', [example(image=[b'a'], label=[1]), row])
    with pytest.raises(InputError, match=text):
        index.of_records([path])


def test_damage_is_named_with_its_record(shards):
    paths, _ = shards
    with open(paths[0], 'r+b') as f:
        f.seek(-6, os.SEEK_END)
        f.write(b'?')
    with pytest.raises(InputError, match='a is damaged or cut short in record 2: corrupted'):
        index.of_records(paths)


def test_files_without_records(tmp_path):
    with pytest.raises(InputError, match='holds no record'):
        index.of_records([write(tmp_path / 'a', [])])
    with pytest.raises(InputError, match='there is no file'):
        index.of_records([str(tmp_path / 'b')])


def test_files_of_a_picture_each_are_checked_when_read(tmp_path):
    paths = [str(tmp_path / name) for name in 'xy']
    for path, content in zip(paths, (b'one', b'other')):
        with open(path, 'wb') as f:
            f.write(content)
    found = index.of_pictures(paths, [1, 0])
    assert found.fresh() and found.read([1, 0]) == [b'other', b'one'] and found.label.tolist() == [1, 0]
    with open(paths[0], 'ab') as f:
        f.write(b'!')
    with pytest.raises(InputError, match='/x is not the 3 bytes'):
        found.read([0])


def test_joined_indexes_count_on(shards):
    paths, pictures = shards
    parts = [index.of_records([path]) for path in paths]
    found = index.joined(parts)
    assert found.read(range(5)) == pictures and found.files == tuple(paths) and found.fresh()
    assert found.where(3) == f'{paths[1]}: record 0'


def test_records_of_write_records_are_found(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, [300, 4, 5, 3]).astype(np.uint8)
    path = str(tmp_path / 'x.tfrecord')
    records.write_records(path, images, np.arange(300) % 9)
    found = index.of_records([path])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        decoded = session.run(tf.io.decode_png(found.read([299])[0]))
    np.testing.assert_array_equal(decoded, images[299])
    assert found.label.tolist() == (np.arange(300) % 9).tolist()
