"""scripts/extract_features.py on a small pretraining of simclr.py."""

import extract_features
from libml import data_pair
from libml.training import checkpoint, evaluate
from simclr_runs import build

import numpy as np
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
    with model.session(checkpoint.find(model.folder.path)) as session:
        for name in ('labeled', 'test'):
            subset = getattr(dataset, name)
            np.testing.assert_array_equal(found[f'{name}_labels'], subset.labels)
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
