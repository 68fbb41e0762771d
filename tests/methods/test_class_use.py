"""ClassUse: the average of what is trained on, and what TensorBoard shows of it."""

import sys

from libml.methods.class_use import ClassUse

import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize('thresholds', [np.float32([.9, .5, .1]), np.float32(.7)])
def test_thresholds_of_the_step_and_average_of_use(thresholds, monkeypatch):
    labels, weights = np.array([[0, 0, 1, 2], [2, 2, 2, 2]]), np.float32([[1, 0, .5, 1], [1, 1, 1, 0]])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tracker = ClassUse(3)
        given = [tf.compat.v1.placeholder(dtype, [4]) for dtype in (tf.int64, tf.float32)]
        following = tracker.observe(*given, tf.constant(thresholds))
        assert tf.gradients(following, given[1]) == [None]
        session.run(tf.compat.v1.global_variables_initializer())
        assert (session.run(tracker.variable) == 0).all()
        for batch in zip(labels, weights):
            session.run(tracker.updates(), dict(zip(given, batch)))
        found = session.run(tracker.variable)
        # The shares of the two batches are 1/4, 1/8, 1/4 and 0, 0, 3/4.
        use = np.array([.0025 * .99, .00125 * .99, .0025 * .99 + .0075])
        np.testing.assert_allclose(found, [np.broadcast_to(thresholds, 3), use], rtol=1e-5)
        values = tracker.summaries(session)
        monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
        assert [value.tag for value in tracker.summaries(session)] == [value.tag for value in values[:6]]
    scalars = {value.tag: value.simple_value for value in values[:6]}
    np.testing.assert_array_equal([[scalars[f'{kind}/class{i}'] for i in range(3)] for kind in ('threshold', 'usage')],
                                  found)
    assert values[6].tag == 'classes' and len(values) == 7
    assert tf.io.decode_png(values[6].image.encoded_image_string).shape == (480, 640, 4)
