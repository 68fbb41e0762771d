"""Small models of the scripts on adam_models.BaselineModel, and checks of their losses and batch-norm statistics."""

from types import SimpleNamespace

import toy

import numpy as np
import tensorflow as tf

CONVNET = dict(toy.SMALL, arch='convnet', scales=1)
RESNET = dict(toy.SMALL, scales=1)
# At step 256 of 0.5 * 4 kimg the ramp is 1/8.
EIGHTH = dict(warmup_pos=0.5, train_kimg=4)


class Recorded:
    """Remembers the outputs of every pass."""

    def classifier(self, x, training, getter=None, name=None):
        out = super().classifier(x, training, getter, name)
        self.__dict__.setdefault('passes', {})[name] = out
        return out


def recorded(model_class, folder, **params):
    """A small resnet of model_class that is Recorded."""
    return type('R', (Recorded, model_class), {})(str(folder), toy.dataset(), **{**RESNET, **params})


def images(random, shape):
    """Eight pictures of noise, each around its own colour."""
    return random.uniform(-0.4, 0.4, [8] + shape) + random.uniform(-0.6, 0.6, [8] + [1] * (len(shape) - 1) + [3])


def mixed(lam, *arrays):
    """Rows mixed with the reversed batch, the first with weight at least a half."""
    lam = np.where(lam < 0.5, 1 - lam, lam).astype(np.float64)
    return [np.stack([w * a + (1 - w) * b for w, a, b in zip(lam, array, array[::-1])]) for array in arrays]


def xe(targets, p):
    """Mean cross entropy of rows."""
    return -(targets * np.log(p)).sum(1).mean()


def check_losses(model_class, folder, formula, weight, **params):
    """Compares the losses of a model on fixed pictures and weights, at step 256, with formulas in float64.

    convnet has no batch norm, so that rows can be classified alone.

    Args:
        formula: function that returns name -> value of the labelled and of the unlabelled loss, in this order. Its
            argument has the pictures `x` and `y`, the one-hot `targets`, the functions `live` and `averaged` (pictures
            -> probabilities under the two sets of weights) and `lam` (name -> draws from Beta).
        weight: of the unlabelled loss at this step.
    Returns:
        dict tag -> value of all losses.
    """
    model = model_class(str(folder), toy.dataset(), **CONVNET, **params)
    random, ops = np.random.RandomState(1), model.ops
    x, y = [images(random, op.shape.as_list()[1:]) for op in (ops.x, ops.y)]
    label = random.randint(0, 5, 8)
    with model.session() as session:
        model.streams.start(session, 0)
        variables = tf.compat.v1.trainable_variables()
        toy.set_variables(model, session, {
            'global_step': 256, **{v.op.name: random.normal(0, 0.4, v.shape).astype(np.float32)
                                   for v in variables + [model.ema.average(v) for v in variables]}})
        found, loss = session.run([dict(ops.losses), ops.loss], {ops.x: x, ops.y: y, ops.label: label})
        live, averaged = [lambda pictures, op=op: session.run(op, {ops.x: pictures}).astype(np.float64)
                          for op in (ops.classify_raw, ops.classify_op)]
        expected = formula(SimpleNamespace(
            x=x, y=y, targets=np.eye(5)[label], live=live, averaged=averaged,
            lam=lambda name: session.run(model.draws.within(name).beta('lam', [8], params['beta']))))
    for name, value in expected.items():
        np.testing.assert_allclose(found[f'losses/{name}'], value, rtol=1e-4, err_msg=name)
    labelled, unlabelled = expected.values()
    np.testing.assert_allclose(loss, labelled + weight * unlabelled, rtol=1e-4)
    return found


def check_statistics(model, session, mixed_with=None):
    """Checks that tune_op and train_op move the first batch norm's mean from 0 to 0.1 times its input's mean."""
    stem, bias = tf.compat.v1.trainable_variables('classify/conv2d/')
    moving, = [v for v in model.variables if v.op.name == 'classify/batch_normalization/moving_mean']
    x, label, weights, lam = session.run([model.ops.x, model.ops.label, (stem, bias), model.draws.within(
        mixed_with or '').beta('lam', [8], 0.5)])
    feed = {model.ops.x: x, model.ops.label: label}
    trained_on = mixed(lam, x)[0] if mixed_with else x
    for op, source in ((model.ops.tune_op, x), (model.ops.train_op, trained_on)):
        toy.set_variables(model, session, {moving.op.name: np.zeros(moving.shape, np.float32)})
        session.run(op, feed)
        expected = session.run(tf.reduce_mean(tf.nn.conv2d(tf.constant(source, tf.float32), weights[0], 1, 'SAME'),
                                              [0, 1, 2])) + weights[1]
        np.testing.assert_allclose(session.run(moving), 0.1 * expected, rtol=1e-4, atol=1e-7)
