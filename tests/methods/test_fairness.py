"""FreeMatch's second loss against values by hand and its gradient against numpy's differences."""

from libml.methods.fairness import fairness_loss
from pair_steps import PRINTED, S, softmax

import numpy as np
import tensorflow as tf

P, H = np.float32([.5, .3, .2]), np.float32([.55, .3, .15])
ALL_CLASSES = np.float32([[2, 0, 1], [0, 1, .5], [0, .2, 1], [.2, .1, 0]])


def run(mask, logits):
    """The loss and its gradient by the strong logits; P, h and the mask have none but through the product."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        z = tf.constant(logits)
        loss = fairness_loss(tf.constant(P), tf.constant(H), tf.constant(mask, tf.float32), z)
        return session.run([loss, tf.gradients(loss, z)[0]])


def test_golden_all_classes_present():
    """a = (.280374, .308411, .411215), pbar = b = (.351336, .281258, .367406): descent raises class 0, where b > a."""
    loss, gradient = run([1, 1, 1, 0], ALL_CLASSES)
    a = P / H / (P / H).sum()
    b = softmax(ALL_CLASSES[:3]).mean(0)
    np.testing.assert_allclose([a, b], [[.280374, .308411, .411215], [.351336, .281258, .367406]], **PRINTED)
    np.testing.assert_allclose([loss, (a * np.log(b)).sum()], [-1.096233] * 2, **PRINTED)
    np.testing.assert_allclose(gradient, [[-.023391, .005793, .017598], [-.015519, .008213, .007306],
                                          [-.016909, .003952, .012957], [0, 0, 0]], **PRINTED)


def test_golden_a_class_that_is_nowhere_adds_a_constant():
    """Of A (.279091, .314815, .406094), pbar (.365431, .420584, .213985) and hbar (1/3, 2/3, 0)."""
    p, h = np.array([.490738, .299631, .209631]), np.array([.545, .295, .16])
    a, pbar = p / h / (p / h).sum(), softmax(S[:3]).mean(0)
    np.testing.assert_allclose([a, pbar], [[.279091, .314815, .406094], [.365431, .420584, .213985]], **PRINTED)
    b = pbar * [3, 1.5, 0] / (pbar * [3, 1.5, 0]).sum()
    np.testing.assert_allclose(b, [.634734, .365266, 0], **PRINTED)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        loss = session.run(fairness_loss(tf.constant(p, tf.float32), tf.constant(h, tf.float32),
                                         tf.constant([1., 1, 1, 0]), tf.constant(S)))
    np.testing.assert_allclose([loss, (a * np.log(b + 1e-12)).sum()], [-11.664713] * 2, **PRINTED)


def test_descent_drives_the_distributions_apart_as_published():
    """A large step takes B from (0.63, 0.37, 0) to class 0 alone."""
    logits = S - 1000 * run([1, 1, 1, 0], S)[1]
    np.testing.assert_allclose(softmax(logits[:3]).mean(0)[0], 1, atol=1e-3)


def test_nothing_masked_is_zero():
    loss, gradient = run([0, 0, 0, 0], S)
    assert loss == 0 and (gradient == 0).all()
