"""adamatch.py against the original's recorded steps."""

import re

import toy
from adamatch import AdaMatch
from adamatch_runs import dataset

import numpy as np
import pytest
import tensorflow as tf


def our_names(arrays):
    """Name of each recorded variable -> ours: objax counts all layers, TensorFlow those of each kind."""
    parts = dict(w='kernel', b='bias', gamma='gamma', beta='beta', running_mean='moving_mean',
                 running_var='moving_variance')
    layers, names = {}, {}
    for name in arrays:
        layer, part = name.rsplit('.', 1)
        kind = {'(Conv2D)': 'conv2d', '(BatchNorm2D)': 'batch_normalization', '(Linear)': 'dense'}[
            re.search(r'\((Conv2D|BatchNorm2D|Linear)\)$', layer)[0]]
        if layer not in layers:
            count = sum(found.startswith(kind) for found in layers.values())
            layers[layer] = kind + (f'_{count}' if count else '')
        names[name] = f'classify/{layers[layer]}/{parts[part]}'
    return names


def renamed(arrays, prefix, names):
    """Recorded arrays under our names; what is per channel loses its other axes."""
    return {names[name]: value if names[name].endswith('kernel') else value.ravel()
            for name, value in toy.named(arrays, prefix).items() if name in names}


@pytest.mark.parametrize('setting', ['uda', 'ssda'])
def test_golden_step(golden, tmp_path, setting):
    arrays = golden(f'adamatch_{setting}_step')
    model = AdaMatch(str(tmp_path), dataset(4 if setting == 'ssda' else 0, size=32, nclass=10), batch=4, uratio=2,
                     filters=8, repeat=2, augment='(x,x)', train_kimg=10)
    names = our_names(toy.named(arrays, 'var:'))
    ops = model.ops
    feed = {ops.xt: arrays['sx'], ops.label: arrays['sy'].argmax(1), ops.y: arrays['tu']}
    if setting == 'ssda':
        feed.update({ops.tt: arrays['tx'], ops.label_t: arrays['ty'].argmax(1)})
    # Recorded rows are weak, strong, weak, strong ...
    feed.update({lam: arrays[f'lam{i}'].reshape(4, 2, 10) for i, lam in enumerate(ops.lams)})
    with model.session() as session:
        model.streams.start(session, 0)
        toy.set_variables(model, session, {
            **renamed(arrays, 'var:', names), 'global_step': int(round(arrays['progress'] * 10240)),
            'p_data': arrays['p_labeled_before'], 'p_unlabeled': arrays['p_unlabeled_before']})
        variables = tf.compat.v1.trainable_variables()
        scalars, loss, gradients, _ = session.run(
            [{**ops.losses, **ops.monitors}, ops.loss, tf.gradients(ops.loss, variables), ops.train_op], feed)
        after = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    np.testing.assert_allclose(loss, arrays['loss'], rtol=1e-5)
    del scalars['monitors/lr']
    toy.check_scalars(scalars, toy.named(arrays, 'monitor:'))
    recorded = renamed(arrays, 'grad:', names)
    assert set(recorded) == {v.op.name for v in variables}
    largest = max(np.abs(g).max() for g in recorded.values())
    # In the second one an activation lies so near the kink of the leaky ReLU that inputs moved by 1e-7 move the
    # gradient by 4.5e-4 of its largest entry.
    tolerance = dict(uda=1e-4, ssda=5e-4)[setting] * largest
    for v, g in zip(variables, gradients):
        np.testing.assert_allclose(g, recorded[v.op.name], atol=tolerance, err_msg=v.op.name)
    np.testing.assert_allclose(after['p_data'], arrays['p_labeled_after'], rtol=1e-5, atol=toy.EPSILON)
    np.testing.assert_allclose(after['p_unlabeled'], arrays['p_unlabeled_after'], rtol=1e-5, atol=toy.EPSILON)
    for name, value in renamed(arrays, 'after:', names).items():
        np.testing.assert_allclose(after[name], value, rtol=1e-5, atol=1e-6, err_msg=name)
