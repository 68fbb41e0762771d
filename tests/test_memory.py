"""What does not fit into memory: refused in one line that names the flags, and nothing is written."""

import math
import os

import toy
from libml import memory
from libml.utils import InputError
from mixmatch import MixMatch
from refusals import refused

import pytest
import tensorflow as tf


def test_memory_of_this_machine(monkeypatch):
    assert 1e8 < memory.of_machine() < 1e15
    memory.check('something', memory.of_machine())
    monkeypatch.delattr(os, 'sysconf')
    assert memory.of_machine() == math.inf


@pytest.mark.parametrize('params, text', [
    (dict(filters=10 ** 6, scales=2), '--filters=1000000 --repeat=4 --scales=2: classify/conv2d_1/kernel of shape'),
    (dict(filters=10 ** 15), 'classify/conv2d/kernel of shape [3, 3, 3, 1' + '0' * 15),
    (dict(batch=10 ** 8), '100000000 --filters=4 --repeat=4 --scales=1: the stream labeled of shape [1'),
    (dict(batch=10 ** 15), f'[1{"0" * 15}, 8, 8, 3]')])
def test_sizes_for_which_no_graph_can_be_built(tmp_path, params, text):
    with refused('not enough memory for --batch=', text, 'GB, and this machine has'):
        MixMatch(str(tmp_path), toy.dataset(size=8), **{'arch': 'convnet', 'filters': 4, **params})


@pytest.mark.parametrize('there, text', [(10 ** 4, 'the variables would take'), (10 ** 5, 'of shape [')])
def test_sizes_of_a_graph(tmp_path, monkeypatch, there, text):
    """All variables together are too many, or a single tensor is too large."""
    model = MixMatch(str(tmp_path), toy.dataset(size=8), arch='convnet', batch=64, filters=4)
    monkeypatch.setattr(memory, 'of_machine', lambda: there)
    with refused('not enough memory for --batch=64 --filters=4 --repeat=4 --scales=1: ', text):
        model.train(64, 64)
    assert not os.listdir(tmp_path)


class Exhausting(MixMatch):
    """Needs more memory than there is while it trains."""

    def evaluate(self, session):
        raise tf.errors.ResourceExhaustedError(None, None, 'OOM when allocating tensor\n\nmore lines')


def test_what_tensorflow_cannot_get(tmp_path):
    model = Exhausting(str(tmp_path / 'new'), toy.dataset(size=8), arch='convnet', batch=8, filters=4)
    with pytest.raises(InputError) as error:
        model.train(16, 8)
    assert str(error.value) == ('not enough memory for --batch=8 --filters=4 --repeat=4 --scales=1: OOM when '
                                'allocating tensor')
    assert not os.listdir(tmp_path)
