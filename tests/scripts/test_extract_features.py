"""scripts/extract_features.py on a small pretraining of simclr.py."""

import extract_features
import toy
from fully_supervised import FullySupervised
from libml import data, data_pair
from libml.datasets import descriptions, index, records
from libml.datasets.on_demand import OnDemand
from libml.images.framing import Frame
from libml.training import checkpoint, evaluate
from simclr_runs import build

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.plugins.projector import ProjectorConfig


def test_extract_features(tmp_path, capsys):
    data_dir, out, folder = str(tmp_path / 'data'), str(tmp_path / 'features.npz'), tmp_path / 'projector'
    dataset = data_pair.DATASETS['digits.1@40-100'](data_dir)
    model = build(tmp_path / 'run', 'pretrain', dataset, ema=0.5)
    model.train(40, 40)
    accuracy = extract_features.write(model.folder.path, out, str(folder))
    assert f'test accuracy {accuracy:.2f}%' in capsys.readouterr().out and 15 < accuracy < 100
    with np.load(out, allow_pickle=False) as arrays:
        found = dict(arrays)
    assert {name.removesuffix('_features'): value.shape for name, value in found.items() if 'features' in name} == dict(
        labeled=(40, 4), unlabeled=(1260, 4), valid=(100, 4), test=(397, 4))
    assert found['unlabeled_position'].tolist() == dataset.unlabeled.positions.tolist()
    assert not [name for name in found if name.endswith('path')]
    with model.session(checkpoint.find(model.folder.path)) as session:
        for name in ('labeled', 'test'):
            subset = getattr(dataset, name)
            np.testing.assert_array_equal(found[f'{name}_labels'], subset.labels)
            np.testing.assert_array_equal(found[f'{name}_position'], subset.positions)
            features = evaluate.predict(session, model.features, model.ops.x, subset.images)
            np.testing.assert_allclose(found[f'{name}_features'], features, rtol=1e-5)
    config = text_format.Parse((folder / 'projector_config.pbtxt').read_text(), ProjectorConfig()).embeddings[0]
    tensors, labels = [np.loadtxt(folder / path) for path in (config.tensor_path, config.metadata_path)]
    np.testing.assert_allclose(tensors, found['test_features'], rtol=1e-5)
    np.testing.assert_array_equal(labels, found['test_labels'])
    sprite = tf.io.decode_png((folder / config.sprite.image_path).read_bytes()).numpy()
    side, across = config.sprite.single_image_dim[0], 20
    for i in (0, 21, 396):
        y, x = i // across * side, i % across * side
        np.testing.assert_array_equal(sprite[y:y + side, x:x + side], dataset.test.images[i])


@pytest.mark.parametrize('height, width, colors', [(8, 12, 1), (12, 8, 1), (7, 4, 3)])
def test_sprites_of_pictures_that_are_not_square(tmp_path, height, width, colors):
    """TensorBoard wants square ones in rows of equal number: each picture lies in the middle of its square."""
    images = np.random.RandomState(0).randint(1, 256, [5, height, width, colors], np.uint8)
    extract_features.write_projector(tmp_path, np.zeros([5, 2], np.float32), np.arange(5), images)
    config = text_format.Parse((tmp_path / 'projector_config.pbtxt').read_text(), ProjectorConfig()).embeddings[0]
    side = max(height, width)
    assert list(config.sprite.single_image_dim) == [side, side]
    sprite = tf.io.decode_png((tmp_path / 'sprite.png').read_bytes()).numpy()
    assert sprite.shape == (3 * side, 3 * side, colors)
    for i, image in enumerate(images):
        y, x = i // 3 * side + (side - height) // 2, i % 3 * side + (side - width) // 2
        np.testing.assert_array_equal(sprite[y:y + height, x:x + width], image)
    assert np.count_nonzero(sprite) == images.size


def test_one_class_and_pictures_of_known_paths(tmp_path, capsys):
    random, paths = np.random.RandomState(0), {}
    for subset, n in (('train', 12), ('unlabeled', 5), ('test', 6)):
        paths[subset] = [f'{subset}/{i} é.png' for i in range(n)]
        images = random.randint(0, 256, [n, 8, 12, 3], np.uint8)
        records.write_records(str(tmp_path / f'wide-{subset}.tfrecord'), images, np.arange(n) % 2, paths[subset])
    counts = {subset: len(names) for subset, names in paths.items()}
    descriptions.write_description(tmp_path, descriptions.Description('wide', 8, 12, 3, 2, ('a', 'b'), counts))
    dataset = data_pair.DATASETS['wide.1@1-2'](str(tmp_path))
    model = FullySupervised(str(tmp_path / 'run'), dataset, **dict(toy.SMALL, arch='convnet', scales=1))
    model.train(8, 8)
    out = tmp_path / 'features.npz'
    assert extract_features.write(model.folder.path, str(out), str(tmp_path / 'projector')) is None
    text = capsys.readouterr().out
    assert 'No linear evaluation: it needs labels of two classes, and the only one is of class ' in text
    with np.load(out, allow_pickle=False) as arrays:
        found = dict(arrays)
    training = paths['train'] + paths['unlabeled']
    for name in ('labeled', 'unlabeled', 'valid', 'test'):
        subset, expected = getattr(dataset, name), paths['test'] if name == 'test' else training
        assert found[f'{name}_position'].tolist() == subset.positions.tolist()
        assert found[f'{name}_path'].tolist() == [expected[position] for position in subset.positions]
        assert len(found[f'{name}_features']) == len(subset)
    assert (tmp_path / 'projector' / 'sprite.png').exists()


def test_paths_of_pictures_that_are_files(tmp_path):
    paths = [str(tmp_path / f'{i}.png') for i in range(3)]
    for path in paths:
        open(path, 'wb').close()
    pixels = OnDemand(index.of_pictures(paths, [0, 1, 0]), (0, 0, 3), frame=Frame(8))
    found = extract_features.whereabouts(data.Subset(pixels, np.int32([0, 1, 0]), np.array([2, 0])))
    assert found['position'].tolist() == [2, 0] and found['path'].tolist() == [paths[2], paths[0]]
