"""Pictures in TensorBoard: what they show, and that training does not know of them."""

import glob

import toy
from fixmatch import FixMatch
from libml import data
from libml.training import events, report_pictures
from libml.training.run_folder import RunFolder
from mixmatch import MixMatch
from refusals import refused
from short_runs import arrays, metrics

import numpy as np
import pytest
import tensorflow as tf
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer

TINY = dict(toy.SMALL, batch=4, uratio=2, arch='convnet', scales=1, filters=2, train_kimg=1, augment='x.d.r1_1_0')


def sheet_of(views):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return session.run(report_pictures.sheet(tf.constant(views, tf.float32)))


def test_sheet_of_small_images():
    """Two images, two views, 16x8: each pixel is four by four, each view has a white line at its right and below."""
    pixels = np.random.RandomState(0).randint(0, 256, [2, 2, 16, 8, 3])
    found = sheet_of(pixels / 127.5 - 1)
    assert found.shape == (2 * 65, 2 * 33, 3) and found.dtype == np.uint8
    for image in range(2):
        for view in range(2):
            tile = found[65 * view:65 * (view + 1), 33 * image:33 * (image + 1)]
            np.testing.assert_array_equal(tile[:-1:4, :-1:4], pixels[image, view])
            np.testing.assert_array_equal(tile[3:-1:4, 3:-1:4], pixels[image, view])
            assert (tile[-1] == 255).all() and (tile[:, -1] == 255).all()


def test_sheet_of_large_and_of_many_views():
    large = np.zeros([3, 96, 96, 1])
    large[0, :2, :2, 0] = [[1, -1], [0, 0.5]]
    found = sheet_of(large)
    assert found.shape == (49, 3 * 49, 1) and found[0, 0, 0] == round(1.125 * 127.5)
    assert sheet_of(np.zeros([1, 9, 64, 64, 3])).shape == (4 * 65, 65, 3)


def test_matrix():
    found = report_pictures.matrix_image(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 5]]))
    assert found.shape == (72, 72, 3) and found.dtype == np.uint8
    cells = found[::24, ::24]
    np.testing.assert_array_equal(found, cells.repeat(24, 0).repeat(24, 1))
    assert cells[2, 2].tolist() == [8, 48, 107] and (cells[1] == 255).all() and cells[0, 2].tolist() == [255] * 3
    np.testing.assert_array_equal(cells[0, 0], np.round(255 + np.sqrt(0.75) * (np.array([8, 48, 107]) - 255)))
    np.testing.assert_array_equal(cells[0, 1], np.round(255 + 0.5 * (np.array([165, 15, 21]) - 255)))
    assert report_pictures.matrix_image(np.eye(1000)).shape == (1000, 1000, 3)


def test_images_are_from_everywhere_in_a_subset():
    pixels = np.arange(20, dtype=np.uint8)[:, None, None, None]
    subset = data.Subset(pixels, np.zeros(20), np.arange(10, 20))
    assert report_pictures.spread(subset, 4).ravel().tolist() == [10, 13, 16, 19]
    assert report_pictures.spread(subset.take(2), 4).ravel().tolist() == [10, 11]


def pictures(folder):
    """dict (step, tag) -> PNG, of all event files of a run folder."""
    return {(event.step, value.tag): value.image.encoded_image_string
            for path in sorted(glob.glob(f'{folder}/tf/events*'))
            for event in events.read(path)
            for value in event.summary.value if value.image.encoded_image_string}


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Folders of one run without pictures, with them, and with them and an interruption."""
    folders = {}
    model = FixMatch('', toy.dataset(size=8), **TINY)
    for name, count, stops in (('none', 0, [80]), ('straight', 3, [80]), ('resumed', 3, [40, 80])):
        model.folder = RunFolder(str(tmp_path_factory.mktemp(name)))
        for stop in stops:
            model.train(stop, 20, 40, report_images=count)
        folders[name] = model.folder.path
    return folders


def test_training_does_not_know_of_pictures(runs):
    left = {name: arrays(folder) for name, folder in runs.items()}
    for name in ('straight', 'resumed'):
        assert left[name].keys() == left['none'].keys() and len(left[name]) > 10
        for key, value in left[name].items():
            assert value.tobytes() == left['none'][key].tobytes(), key
        assert metrics(runs[name]) == metrics(runs['none'])
    assert not pictures(runs['none'])


def test_pictures_of_all_reports(runs):
    found = pictures(runs['straight'])
    assert set(found) == {(step, tag) for step in (20, 40, 60, 80)
                          for tag in ('views/labeled', 'views/unlabeled', 'confusion')}
    assert found == pictures(runs['resumed'])
    # Labelled images are as they are (x): the same at each report, as often as asked for.
    expected = toy.dataset(size=8).labeled.images[[0, 9, 19]]
    for step in (20, 80):
        sheet = tf.io.decode_png(found[step, 'views/labeled']).numpy()
        assert sheet.shape == (65, 195, 3)
        np.testing.assert_array_equal(sheet[:64:8, [*range(0, 64, 8), *range(65, 129, 8), *range(130, 194, 8)]],
                                      np.concatenate(expected, 1))
        assert tf.io.decode_png(found[step, 'views/unlabeled']).shape == (130, 195, 3)
        assert tf.io.decode_png(found[step, 'confusion']).shape == (120, 120, 3)
    assert found[20, 'views/unlabeled'] != found[80, 'views/unlabeled']  # Views are drawn anew.
    assert max(map(len, found.values())) < 16000


def test_tensorboard_finds_them(runs):
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(runs['straight']).Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, runs['straight'])
    run, = provider.list_blob_sequences(context.RequestContext(), experiment_id='', plugin_name='images').values()
    assert set(run) == {'views/labeled', 'views/unlabeled', 'confusion'}
    assert run['confusion'].description == ('Test images: a row for each true class, a column for each class that they '
                                            'are taken for. Blue: right; red: wrong.')


def test_negative_counts(tmp_path):
    model = MixMatch(str(tmp_path), toy.dataset(size=8), **dict(toy.SMALL, arch='convnet', scales=1))
    with refused('--report_images=-1: give a whole number of at least 0'):
        model.train(8, 8, report_images=-1)
