"""Small made-up datasets and models for the tests."""

from libml import data

import numpy as np
import tensorflow as tf
from easydict import EasyDict

# A network that is small in every respect.
SMALL = dict(batch=8, filters=4, repeat=1, scales=1, bn_momentum=0.9)
EPSILON = np.finfo(np.float32).eps


def dataset(nlabeled=20, nunlabeled=60, size=16, colors=3, nclass=5, seed=0, labels_known=False,
            **kwargs):
    """A DataSet of noise whose mean tells the class: uint8 [n, size, size, colors]; 10 for validation, 30 for test.

    Unless it is said that all labels are known, models do not report on pseudo-labels.
    """
    random = np.random.RandomState(seed)
    counts = np.array([nlabeled, nunlabeled, 10, 30])
    labels = np.arange(counts.sum(), dtype=np.int32) % nclass
    pixels = random.randint(0, 100, [counts.sum(), size, size, colors])
    pixels = (pixels + 155 * labels[:, None, None, None] // (nclass - 1)).astype(np.uint8)
    parts = np.split(np.arange(counts.sum()), counts.cumsum()[:-1])
    subsets = [data.Subset(pixels, labels, part) for part in parts]
    return data.DataSet('toy', *subsets, nclass=nclass, mirror=True, shift=size // 8,
                        labels_known=labels_known, **kwargs)


def no_graph(model):
    """In place of a model's algorithm, where its name is all that matters: one variable."""
    del model
    tf.compat.v1.get_variable('v', [1], use_resource=True)
    return EasyDict()


def set_variables(model, session, values):
    """Assigns arrays to variables, both by name; `|` in a name stands for `/`."""
    variables = {v.op.name: v for v in model.variables}
    given = {variables[name.replace('|', '/')]: value for name, value in values.items()}
    # Few runs: the first run of some ops costs a tenth of a second in a large graph. An average starts from the very
    # tensor of its variable, so both cannot be fed at once.
    for averages in (False, True):
        chosen = [v for v in given if v.op.name.endswith('/ExponentialMovingAverage') == averages]
        session.run([v.initializer for v in chosen], {v.initial_value: given[v] for v in chosen})


def named(arrays, prefix):
    """The entries of a golden file whose names start with `prefix`, without it."""
    return {name[len(prefix):]: value for name, value in arrays.items() if name.startswith(prefix)}


def check_scalars(scalars, recorded):
    """Compares tag -> scalar with those recorded of the same tags, with `|` for `/`.

    A small one, such as the mean square of the difference of two logits, is made of numbers of order 1: float32 gives
    it to its epsilon, not to a share of itself.
    """
    assert {tag.replace('/', '|') for tag in scalars} == set(recorded)
    for tag, value in scalars.items():
        np.testing.assert_allclose(value, recorded[tag.replace('/', '|')], rtol=1e-5, atol=EPSILON, err_msg=tag)
