"""Streams of batches: a function of seed, name and position; epochs; how arrays enter the graph."""

import os

import toy
from libml import data
from libml.augment.randaugment import RandAugment
from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.datasets import index
from libml.datasets.on_demand import OnDemand
from libml.images.framing import Frame
from libml.streams import Streams
from libml.utils import InputError
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf

AHEAD = 20  # batches that a stream may have begun before they are asked for


def two_views(images, draws):
    """float32 [b, 2, h, w, c]: shifted by a pixel at most, each view by itself."""
    weak = View(Weak(True, 1))
    return Views(None, (weak.at('view0'), weak.at('view1'))).of_unlabeled(images, draws)


def batches(seed, first, count, n=10, batch=4, name='labeled'):
    """`count` batches of a stream over n images that are told apart by their label, starting with batch `first`."""
    pixels = np.random.RandomState(0).randint(0, 256, [20, 8, 8, 1]).astype(np.uint8)
    subset = data.Subset(pixels, np.arange(20, dtype=np.int32), np.arange(5, 5 + n))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        streams = Streams(seed)
        out = streams.add(name, subset, batch, two_views)
        assert out.image.shape == (batch, 2, 8, 8, 1) and out.label.shape == out.index.shape == (batch,)
        streams.start(session, first)
        return [session.run(dict(out)) for _ in range(count)]


def test_stream_is_a_function_of_seed_name_and_position():
    whole = batches(1, 0, 12)
    for first in (1, 5, 11):
        for a, b in zip(whole[first:], batches(1, first, 12 - first)):
            np.testing.assert_array_equal(a['label'], b['label'])
            np.testing.assert_array_equal(a['image'], b['image'])
    labels = np.concatenate([b['label'] for b in whole])
    for other in (batches(2, 0, 12), batches(1, 0, 12, name='unlabeled')):
        assert np.any(np.concatenate([b['label'] for b in other]) != labels)


def test_index_is_the_place_in_the_subset():
    """Places are from 0, whatever the positions in the arrays are, and the same in each epoch and after a resume."""
    whole = batches(1, 0, 10, n=7)
    for batch in whole + batches(1, 4, 3, n=7):
        assert batch['index'].dtype == np.int32
        np.testing.assert_array_equal(batch['label'], batch['index'] + 5)
    index = np.concatenate([batch['index'] for batch in whole])[:35].reshape(5, 7)
    np.testing.assert_array_equal(np.sort(index), np.tile(np.arange(7), (5, 1)))


def test_equal_indices_are_equal_images():
    subset = data.Subset(np.arange(320, dtype=np.uint16).astype(np.uint8).reshape(20, 4, 4, 1), np.zeros(20, np.int32),
                         np.array([3, 19, 7, 0]))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        streams = Streams(0)
        out = streams.add('unlabeled', subset, 3, Views(None, View(Weak(False, 0))).of_unlabeled)
        streams.start(session, 0)
        for _ in range(6):
            image, index = session.run([out.image, out.index])
            np.testing.assert_allclose(image, subset.images[index] / 127.5 - 1, atol=1e-6)


def test_every_epoch_is_a_fresh_permutation():
    labels = np.concatenate([b['label'] for b in batches(1, 0, 15)]).reshape(6, 10)
    np.testing.assert_array_equal(np.sort(labels), np.tile(np.arange(5, 15), (6, 1)))
    assert len({tuple(epoch) for epoch in labels}) == 6


def test_batch_larger_than_the_subset():
    (first, second) = batches(1, 0, 2, n=3, batch=7)
    labels = np.concatenate([first['label'], second['label']])
    np.testing.assert_array_equal(np.sort(labels[:12].reshape(4, 3)), np.tile([5, 6, 7], (4, 1)))


def test_permutations_are_uniform():
    orders = np.concatenate([b['label'] for b in batches(1, 0, 1800, n=3, batch=3)]).reshape(-1, 3)
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6 and np.abs(counts - 300).max() < 70


def test_arrays_are_fed_and_never_constants(tmp_path):
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        dataset = toy.dataset(nunlabeled=3000)
        streams = Streams(0)
        for name in ('labeled', 'unlabeled'):
            streams.add(name, getattr(dataset, name), 8, two_views)
        streams.start(session, 0)
        assert graph.as_graph_def().ByteSize() < 100000 < dataset.labeled.pixels.nbytes


def test_a_batch_that_no_memory_holds_is_refused():
    subset = data.Subset(np.zeros([1, 8, 8, 1], np.uint8), np.zeros(1, np.int32), np.zeros(1, np.int64))
    with tf.Graph().as_default(), refused('the stream labeled of shape [1000000000000, 8, 8, 1] would take'):
        Streams(1).add('labeled', subset, 10 ** 12, two_views)


def on_demand_batches(pixels, first, count, batch=4):
    """`count` batches of a stream over half of an OnDemand of 20, starting with batch `first`."""
    subset = data.Subset(pixels, np.arange(20, dtype=np.int32), np.arange(5, 15))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        streams = Streams(1)
        out = streams.add('labeled', subset, batch, two_views)
        streams.start(session, first)
        with streams.reading():
            return [session.run(dict(out)) for _ in range(count)]


@pytest.fixture
def files(tmp_path):
    """The pictures of `batches`, a file each, as an Index."""
    pixels = np.random.RandomState(0).randint(0, 256, [20, 8, 8, 1]).astype(np.uint8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        pictures = session.run([tf.io.encode_png(image) for image in pixels])
    paths = [tmp_path / f'{i}.png' for i in range(20)]
    for path, picture in zip(paths, pictures):
        path.write_bytes(picture)
    return index.of_pictures([str(path) for path in paths], [0] * 20), pixels


def test_images_read_when_needed_are_those_in_memory(files):
    pixels = OnDemand(files[0], (8, 8, 1))
    for read, held in zip(on_demand_batches(pixels, 3, 8), batches(1, 3, 8)):
        for key, value in held.items():
            np.testing.assert_array_equal(read[key], value)
    assert pixels.read >= 32


def test_parts_are_a_function_of_seed_name_and_position(files):
    frame = Frame(5, mirror=True)
    of_files, of_array = (OnDemand(contents, (8, 8, 1), frame=frame) for contents in files)
    whole = on_demand_batches(of_files, 0, 6)
    assert len({part.tobytes() for batch in whole for part in batch['image'][:, 0]}) > 20  # of 10 pictures
    for other in (on_demand_batches(of_files, 4, 2), on_demand_batches(of_array, 4, 2)):
        for one, two in zip(whole[4:], other):
            for key, value in one.items():
                np.testing.assert_array_equal(two[key], value)


def test_batches_come_in_their_order_whatever_is_made_first(files):
    """By the graph: that they came so in one run could be luck."""
    subset = data.Subset(OnDemand(files[0], (8, 8, 1)), np.arange(20, dtype=np.int32), np.arange(5, 15))
    with tf.Graph().as_default() as graph:
        Streams(1).add('labeled', subset, 4, two_views)
        parallel = [op for op in graph.get_operations() if op.type.startswith('ParallelMapDataset')]
    assert len(parallel) == 3 and all(op.get_attr('deterministic') == b'true' for op in parallel)


def test_a_picture_that_vanishes_or_is_damaged_ends_the_stream_with_its_name(files, tmp_path):
    pixels = OnDemand(files[0], (8, 8, 1))
    (tmp_path / '7.png').write_bytes(b'no picture'.ljust(files[0].size[7]))
    with pytest.raises(InputError, match='7.png is no PNG or JPEG of 8x8x1, or damaged'):
        on_demand_batches(pixels, 0, 5)
    (tmp_path / '7.png').unlink()
    with pytest.raises(InputError, match='cannot read .*7.png: No such file or directory'):
        on_demand_batches(pixels, 0, 5)


def test_what_is_wrong_with_no_picture_is_not_lost(files):
    with tf.Graph().as_default(), pytest.raises(tf.errors.AbortedError, match='another'):
        streams = Streams(1)
        subset = data.Subset(OnDemand(files[0], (8, 8, 1)), np.arange(20, dtype=np.int32), np.arange(5, 15))
        streams.add('labeled', subset, 4, two_views)
        with streams.reading():
            raise tf.errors.AbortedError(None, None, 'another')


@pytest.mark.parametrize('framed', [False, True])
def test_a_worker_makes_and_reads_only_its_own_rows(files, framed):
    """To the bit those of the whole batch, also of strong views that are made several times."""
    strong = RandAugment(2, 9, 0)
    views = Views(None, (View(Weak(True, 1)), View(Weak(True, 1), strong, name='strong')), count=3)
    frame = Frame(8) if framed else None

    def found(own, count=40):
        pixels = OnDemand(files[0], (8, 8, 1), frame=frame)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            streams = Streams(1)
            subset = data.Subset(pixels, np.arange(20, dtype=np.int32), np.arange(4, 14))
            out = streams.add('labeled', subset, 6, views.of_unlabeled, own)
            streams.start(session, 2)
            return [session.run(dict(out)) for _ in range(count)], pixels.read

    whole, read = found(None)
    own = np.array([4, 1])
    parts, read_by_one = found(own)
    for one, part in zip(whole, parts):
        assert part.keys() == one.keys()
        np.testing.assert_array_equal(part['image'][own], one['image'][own])
        assert np.isnan(np.delete(part['image'], own, 0)).all() and part['image'].shape == one['image'].shape
        for key in ('label', 'index'):
            np.testing.assert_array_equal(part[key], one[key])
    assert read >= 40 * 6 and 40 * 2 <= read_by_one <= (40 + AHEAD) * 2 + os.cpu_count()
