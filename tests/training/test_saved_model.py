"""SavedModels: what is frozen of a graph, and that their signatures read pictures as the dataset did."""

import io
import pathlib

import toy
from adamatch import AdaMatch
from libml import data_domain
from libml.pictures.fitting import fitted
from libml.pictures.reading import read
from libml.training import evaluate, saved_model
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """An AdaMatch of two domains: its averages have statistics, its pictures are enlarged and get colours."""
    folder = tmp_path_factory.mktemp('runs')
    dataset = data_domain.load('digits_m', 'digits', str(folder / 'data'))
    return AdaMatch(str(folder), dataset, **dict(toy.SMALL, batch=4, uratio=1, scales=1, augment='(s,s)', train_kimg=1))


def other_averages(model, session):
    """Gives the averages other values than the weights."""
    averages = [v for v in model.variables if v.op.name.endswith('/ExponentialMovingAverage')]
    random = np.random.RandomState(0)
    toy.set_variables(model, session, {v.op.name: random.uniform(0.1, 1, v.shape.as_list()) for v in averages})


def jpeg(image, size):
    data = io.BytesIO()
    Image.fromarray(image[..., 0]).resize(size).save(data, 'JPEG')
    return data.getvalue()


def test_only_the_network_is_frozen(model):
    with model.session() as session:
        other_averages(model, session)
        graph_def = saved_model.frozen(session, model.ops.x, model.ops.classify_op)
        images = np.random.RandomState(1).uniform(-1, 1, (3, 16, 16, 3)).astype(np.float32)
        expected = session.run(model.ops.classify_op, {model.ops.x: images})
        raw = session.run(model.ops.classify_raw, {model.ops.x: images})
    kinds = {node.op for node in graph_def.node}
    assert not [kind for kind in kinds if 'Variable' in kind or 'Iterator' in kind or 'VarHandle' in kind]
    assert [node.name for node in graph_def.node if node.op == 'Placeholder'] == ['x']
    assert not [name for node in graph_def.node for name in node.attr if name.startswith('_')]  # Of gradients, too.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        p, = tf.import_graph_def(graph_def, return_elements=[model.ops.classify_op.name], name='')
        found = session.run(p, {'x:0': images})
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.abs(found - raw).max() > 1e-3


def test_signatures(model, tmp_path):
    stored = np.random.RandomState(0).randint(0, 256, (6, 8, 8, 1)).astype(np.uint8)
    sizes = (8, 8), (40, 30), (9, 50), (1, 1), (300, 200), (17, 17)
    files = [jpeg(image, size) for image, size in zip(stored, sizes)]
    images = model.dataset.adaptation(np.stack([fitted(read(file), 8, 8, 1, 'crop') for file in files]))
    with model.session() as session:
        other_averages(model, session)
        saved_model.write(model, session, str(tmp_path / 'out'))
        expected = evaluate.predict(session, model.ops.classify_op, model.ops.x, images)
        with refused('cannot write', 'not a directory'):
            (tmp_path / 'file').touch()
            saved_model.write(model, session, str(tmp_path / 'file' / 'out'))
    loaded = tf.saved_model.load(str(tmp_path / 'out'))
    assert set(loaded.signatures) == set(saved_model.SIGNATURES) and not loaded.variables
    given = dict(serving_default=dict(images=images.astype(np.float32)), uint8=dict(images=images),
                 encoded=dict(encoded=files))
    for name, arguments in given.items():
        found = loaded.signatures[name](**{key: tf.constant(value) for key, value in arguments.items()})
        assert {key: value.dtype for key, value in found.items()} == {
            'probabilities': tf.float32, 'class': tf.int64, 'name': tf.string}
        np.testing.assert_allclose(found['probabilities'], expected, rtol=0, atol=1e-6)
        assert found['class'].numpy().tolist() == expected.argmax(1).tolist()
        assert [text.decode() for text in found['name'].numpy()] == [str(k) for k in expected.argmax(1)]
    assert pathlib.Path(tmp_path / 'out' / saved_model.FILE).exists()
    interpreter = tf.lite.Interpreter(model_content=saved_model.to_tflite(str(tmp_path / 'out')))
    found = interpreter.get_signature_runner('serving_default')(images=images.astype(np.float32))
    np.testing.assert_allclose(found['probabilities'], expected, rtol=0, atol=1e-5)


def test_without_a_converter(monkeypatch):
    monkeypatch.setattr(tf, 'lite', None)
    with pytest.raises(ImportError, match='no converter'):
        saved_model.to_tflite('nowhere')
