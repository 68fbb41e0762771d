"""Small models of FixMatch and UDA, and the comparison with the original's recorded steps."""

import ast

import toy

import numpy as np
import tensorflow as tf

SMALL = dict(toy.SMALL, batch=4, uratio=2, filters=4)


def golden_model(model_class, arrays, folder):
    """The graph that a golden step was recorded from; flags that the original ignored are left out."""
    kwargs = ast.literal_eval(str(arrays['kwargs']))
    known = {name: value for name, value in kwargs.items() if name in model_class.HPARAMS}
    return model_class(str(folder), toy.dataset(size=32, nclass=10), train_kimg=int(arrays['train_kimg']), **known)


def check_golden_step(arrays, model_class, folder):
    """Compares loss, scalars, predictions and gradients with a step that the original recorded."""
    model = golden_model(model_class, arrays, folder)
    with model.session() as session:
        toy.set_variables(model, session, toy.named(arrays, 'var:'))
        toy.set_variables(model, session, {'global_step': arrays['step']})
        ops, variables = model.ops, tf.compat.v1.trainable_variables()
        feed = {ops.x: arrays.get('x', arrays['xt']), ops.xt: arrays['xt'], ops.y: arrays['y'],
                ops.label: arrays['label']}
        loss, scalars, raw, averaged, gradients = session.run(
            [ops.loss, {**ops.losses, **ops.monitors}, ops.classify_raw, ops.classify_op,
             tf.gradients(ops.loss, variables)], feed)
    np.testing.assert_allclose(loss, arrays['loss'], rtol=1e-5)
    np.testing.assert_allclose(scalars['monitors/lr'], arrays['lr'] if 'lr' in arrays
                               else arrays['summary:monitors|lr'], rtol=1e-6)
    toy.check_scalars(scalars, toy.named(arrays, 'summary:'))
    for found, key in ((raw, 'classify_raw'), (averaged, 'classify_op')):
        if key in arrays:
            np.testing.assert_allclose(found, arrays[key], rtol=1e-5, atol=1e-7)
    recorded = toy.named(arrays, 'grad:')
    largest = max(np.abs(g).max() for g in recorded.values())
    # Processors round differently, and an activation that is nearly 0 then falls on the other side of leaky ReLU's
    # kink: 1.6e-4 was seen where the largest is 0.28.
    for v, g in zip(variables, gradients):
        np.testing.assert_allclose(g, recorded[v.op.name.replace('/', '|')], atol=2e-3 * largest, err_msg=v.op.name)
