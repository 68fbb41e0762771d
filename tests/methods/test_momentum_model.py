"""MomentumModel: two steps by hand of what is trained, decayed and logged; its hooks."""

import toy
from libml.hparams import Hparam
from libml.methods.momentum_model import MomentumModel
from libml.networks import nn

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

KERNEL, BIAS = np.float32([[1, -2], [3, 0.5]]), np.float32([0.25, -4])


class Product(MomentumModel):
    """Minimises twice the sum of kernel times bias."""

    HPARAMS = dict(MomentumModel.HPARAMS, lr=Hparam(0.5, 'Rate.', above=0), wd=Hparam(0.25, 'Decay.', low=0),
                   train_kimg=Hparam(1, 'Length.', above=0))

    def algorithm(self):
        kernel, bias = [tf.compat.v1.get_variable(f'classify/{name}', initializer=value, use_resource=True)
                        for name, value in (('kernel', KERNEL), ('bias', BIAS))]
        self.batch_norms['none'] = nn.BatchNorm(0.9, 1e-3, True)
        return self.momentum_step(EasyDict(), {'product': (2., tf.reduce_sum(kernel * bias))}, 'none',
                                  {'monitors/own': tf.constant(7.)})


class Plain(Product):
    """With hooks of its own."""

    def learning_rate(self):
        return tf.constant(0.125)

    def optimizer(self, lr):
        return tf.compat.v1.train.MomentumOptimizer(lr, self.MOMENTUM)


@pytest.mark.parametrize('model_class, nesterov', [(Product, True), (Plain, False)])
def test_two_steps(tmp_path, model_class, nesterov):
    model = model_class(str(tmp_path), toy.dataset(), batch=512)
    weights, momentum = [KERNEL.astype(np.float64), BIAS.astype(np.float64)], [0., 0.]
    with model.session() as session:
        for step in range(2):
            kernel, bias = weights
            lr = 0.5 * np.cos(7 / 16 * np.pi * step / 2) if nesterov else 0.125
            found, monitors, parts = session.run([model.ops.loss, model.ops.monitors, model.ops.losses])
            decay, product = np.square(kernel).sum() / 2, (kernel * bias).sum()
            np.testing.assert_allclose(found, 2 * product + 0.25 * decay, rtol=1e-6)
            assert monitors == {'monitors/lr': pytest.approx(lr), 'monitors/own': 7}
            assert parts == {'losses/product': pytest.approx(product), 'losses/wd': pytest.approx(decay)}
            session.run(model.ops.train_op)
            gradients = [2 * bias + 0.25 * kernel + np.zeros([2, 2]), 2 * kernel.sum(0)]
            momentum = [0.9 * m + g for m, g in zip(momentum, gradients)]
            steps = [g + 0.9 * m for m, g in zip(momentum, gradients)] if nesterov else momentum
            weights = [w - lr * moved for w, moved in zip(weights, steps)]
            for w, expected in zip(session.run(tf.compat.v1.trainable_variables()), weights, strict=True):
                np.testing.assert_allclose(w, expected, rtol=1e-5)
    assert model.depends_on_length is nesterov
