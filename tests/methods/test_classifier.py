"""A checkpoint of the original code as a classifier, without a run folder and without a dataset's images."""

from conftest import GOLDEN
from libml.methods import classifier
from libml.training import checkpoint
from refusals import refused

import numpy as np

NETWORK = dict(filters=8, repeat=2, scales=3)


def test_checkpoint_of_the_original_predicts_what_was_recorded(golden, tmp_path):
    arrays = golden('mixmatch_step')
    model = classifier.Classifier('', classifier.described('cifar10.3@250-5000', str(tmp_path)), **NETWORK)
    assert not list(tmp_path.iterdir()) and model.dataset.class_names[0] == 'airplane'
    with model.session(checkpoint.find(str(GOLDEN / 'mixmatch_ckpt'))) as session:
        found = session.run([model.ops.classify_op, model.ops.classify_raw], {model.ops.x: arrays['x']})
    for p, name in zip(found, ('classify_op', 'classify_raw')):
        np.testing.assert_allclose(p, arrays[name], rtol=1e-5, atol=1e-7)


def test_described():
    dataset = classifier.described('fashion_mnist-1')
    assert dataset.name == 'fashion_mnist' and len(dataset.test) == 0
    assert (dataset.height, dataset.width, dataset.colors) == (32, 32, 1)
    assert dataset.stored.height == 28
    assert dataset.adaptation(np.ones([1, 28, 28, 1], np.uint8)).sum() == 28 * 28
    with refused("unknown dataset 'pets'"):
        classifier.described('pets', 'nowhere')
    with refused('--dataset=cifar10.3@: write <name>'):
        classifier.described('cifar10.3@')
