"""Runs with --size, of pictures of their own sizes, and of framed ones in memory, in every script."""

import concurrent.futures

import check_split
import create_corrupted
import evaluate_run
import export_model
import extract_features
import plot_views
import predict
import runner
import toy
from libml import data_pair, open_run
from libml.datasets import from_pictures
from libml.methods import classifier
from libml.pictures import sources
from libml.training import evaluate, saved_model
from made_up_pictures import pictures
from noisy_student import NoisyStudent
from pi_model import PiModel
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

NAMES = [f'{name}/{i}.{form}' for name in ('cat', 'dog') for i in range(8) for form in ('jpg', 'png', 'jpeg')]
FRAMES = {'own sizes': dict(dataset='pets.1@8-4', size=12),
          'in memory': dict(dataset='fixed.1@8-4', size=10, resize=18)}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """`pets`, pictures of their own sizes, one of which lies on its side, and `fixed`, the same at 16x16."""
    folder = tmp_path_factory.mktemp('pictures')
    for i, name in enumerate(NAMES):
        for part in ('train', 'test')[:1 + name.endswith(('1.jpg', '2.png', '3.jpeg'))]:
            pictures(folder / part, name, seed=i + len(part), size=(20 + i, 60 - i))
    lying = Image.Exif()
    lying[0x0112] = 6
    Image.open(folder / 'test' / 'cat' / '1.jpg').save(folder / 'test' / 'cat' / '1.jpg', exif=lying.tobytes())
    given = {part: sources.class_folders(str(folder / part)) for part in ('train', 'test')}
    for name, size in (('pets', 0), ('fixed', 16)):
        from_pictures.create(name, str(folder / 'data'), given, from_pictures.Settings(size))
    return folder


def own_paths(folder):
    """Paths of the test pictures below `test`, in their order."""
    return sources.class_folders(str(folder / 'test')).paths


@pytest.fixture(scope='module', params=FRAMES)
def run(request, folder):
    """A run of a few steps, its flags, and what its evaluation says of the test pictures."""
    flags = {name: spec.default for name, spec in PiModel.LOOP_FLAGS.items()}
    flags.update(FRAMES[request.param], data_dir=str(folder / 'data'))
    model = PiModel(str(folder / request.param), PiModel.load_dataset(flags),
                    **dict(toy.SMALL, arch='convnet', scales=1))
    model.train(8 * 4, 8 * 4, report_images=2)
    model, found = open_run.open_run(model.folder.path)
    with model.session(found) as session:
        return model, found, evaluate.predictions(model, session, model.ops.classify_op)['test'][0]


def test_predictions_are_those_of_the_evaluation_to_the_bit(run, folder):
    model, found, expected = run
    paths = [str(folder / 'test' / path) for path in own_paths(folder)]
    (folder / 'bad.jpg').write_bytes(b'nothing')
    rows = list(predict.predictions(model, found, [*paths, str(folder / 'bad.jpg')]))
    assert len(paths) == len(model.dataset.test) == 6 and rows[-1][1].startswith('it is no picture')
    np.testing.assert_array_equal([p for _, _, p in rows[:-1]], expected)


def loaded_here(folder, arrays):
    """As export_model.loaded, in this process."""
    def outputs():
        model, found = tf.saved_model.load(folder), {}
        for name, values in arrays.items():
            function = model.signatures[name]
            argument, = function.structured_input_signature[1]
            given = function(**{argument: tf.constant(values)})
            found.update({f'{name}/{key}': value.numpy() for key, value in given.items()})
        return found

    with concurrent.futures.ThreadPoolExecutor(1) as pool:  # A thread of its own has no graph.
        return pool.submit(outputs).result()


def test_a_saved_model_gives_the_probabilities_of_the_run(run, tmp_path, monkeypatch):
    model, found, expected = run
    contents, out = export_model.pictures([], model.dataset), str(tmp_path / 'model')
    monkeypatch.setattr(export_model, 'loaded', loaded_here)
    with model.session(found) as session:
        saved_model.write(model, session, out)
        assert export_model.check(model, session, out, contents) <= 1e-6
    p = loaded_here(out, dict(encoded=np.array(contents)))['encoded/probabilities']
    np.testing.assert_allclose(p, expected, rtol=0, atol=1e-6)


def test_mistakes_features_and_views(run, folder):
    model, found, expected = run
    size, test = model.dataset.frame.size, model.dataset.test
    figure = evaluate_run.mistakes_picture(test, expected, model.dataset.class_names, np.array([4, 1]))
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), test.images[1:2][0])
    assert len(evaluate_run.test_set(model, model.dataset.name.replace('.1@', '.2@'))) == 6
    assert [len(rows) for rows in extract_features.extract(model, found).values()] == [8, 36, 4, 6]
    assert extract_features.whereabouts(test)['path'].tolist() == own_paths(folder)
    assert plot_views.next_views(model, found).shape[2:] == (size, size, 3)


def test_what_is_stored_is_compared_and_counted(folder):
    """Of pictures of their own sizes, their files."""
    data_dir = str(folder / 'data')
    for name in ('pets', 'fixed'):
        dataset = data_pair.stored(f'{name}.1@8-4', data_dir)
        parts = [getattr(dataset, part) for part in check_split.SUBSETS]
        counts = check_split.overlaps([*parts, dataset.test])
        assert [row[i] for i, row in enumerate(counts)] == [8, 36, 4, 6, 6] and counts[3][4] == 6
        assert not any(counts[i][j] for i in range(4) for j in range(i))
    code, out, err = runner.run('scripts/inspect_dataset.py', '--dataset=pets.1@8-4', f'--data_dir={data_dir}')
    assert code == 0 and 'test: 6 images of sizes of their own' in out, err


def test_what_needs_arrays_says_so(folder):
    dataset = data_pair.PAIR_DATASETS['fixed.1@8-4'](data_dir=str(folder / 'data'), size=12)
    with refused('fixed.1@8-4: a NoisyStudent holds', 'leave out --size, and give --memory=ram'):
        NoisyStudent(str(folder), dataset, id='0')
    with refused('--dataset=pets: its pictures have sizes of their own', 'give --run=FOLDER'):
        classifier.described('pets', str(folder / 'data'))
    with refused('--dataset=pets: its pictures have sizes of their own', 'up to 32x32'):
        create_corrupted.test_images('pets', str(folder / 'data'))
