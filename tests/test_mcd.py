"""mcd.py: its phases by hand, and its settings."""

import toy
from domain_runs import build, started
from libml.utils import InputError
from mcd import MCD

import numpy as np
import pytest
import tensorflow as tf


def test_phases_follow_each_other(tmp_path):
    """Each phase is recomputed by hand on what the one before left: its loss, its variables, momentum, statistics."""
    model = build(MCD, tmp_path, wu=2, wd=0.1)
    with model.session() as session:
        feed = started(model, session)
        reference = model.supervised('reference x', model.ops), model.discrepancy('reference y', model.ops)
        xe, dis = reference
        variables, lr = tf.compat.v1.trainable_variables(), 0.03
        heads = [v for v in variables if v.op.name in (
            'classify/dense/kernel', 'classify/dense/bias', 'classify_2/dense/kernel', 'classify_2/dense/bias')]
        network = [v for v in variables if v not in heads]
        assert len(heads) == 4
        x_stats, y_stats = [model.batch_norms[f'reference {name}'].batch_stats for name in 'xy']
        losses = [tf.gradients(xe + 0.1 * model.l2(), variables), tf.gradients(xe - dis, heads),
                  tf.gradients(dis, network)]
        start = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
        values, slots = dict(start), [{} for _ in losses]
        expected = {}

        def phase(i, chosen, stats):
            toy.set_variables(model, session, {v.op.name: values[v.op.name] for v in variables})
            gradients, *scalars, moved = session.run([losses[i], xe, dis, [s for _, s in stats]], feed)
            for v, g in zip(chosen, gradients):
                slots[i][v.op.name] = 0.9 * slots[i].get(v.op.name, 0) + g
                values[v.op.name] = values[v.op.name] - lr * slots[i][v.op.name]
            for (v, _), stat in zip(stats, moved):
                values[v.op.name] = 0.9 * values[v.op.name] + 0.1 * stat
            return scalars

        expected['losses/xe'], _ = phase(0, variables, x_stats)
        expected['losses/xe2'], expected['losses/dis2'] = phase(1, heads, [])
        expected['losses/dis3'] = np.mean([phase(2, network, y_stats)[1] for _ in range(2)])
        toy.set_variables(model, session, {name: start[name] for name in values if 'Exponential' not in name})
        found, _ = session.run([model.ops.losses, model.ops.train_op], feed)
        after = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    for tag, value in expected.items():
        np.testing.assert_allclose(found[tag], value, rtol=1e-4, err_msg=tag)
    names = [v.op.name for v in variables] + [v.op.name for v, _ in x_stats]
    for name in names:
        np.testing.assert_allclose(after[name], values[name], rtol=1e-3, atol=1e-5, err_msg=name)
        shadow = f'{name}/ExponentialMovingAverage'
        np.testing.assert_allclose(after[shadow], 0.999 * start[shadow] + 0.001 * values[name], rtol=1e-4, atol=1e-6)
        moved = np.abs(after[name] - start[name]).max()
        assert moved > 1e-4 or 'conv' in name and 'bias' in name, name
    slots = {v.op.name.rpartition('/')[2] for v in model.variables if 'Momentum' in v.op.name}
    assert slots == {'Momentum1', 'Momentum2', 'Momentum3'}


def test_settings(tmp_path):
    model = build(MCD, tmp_path, wu=0, augment='CTA(s,s)', labeled_target=0)
    assert 'show_rates' not in MCD.HPARAMS and 'losses/dis3' not in model.ops.losses
    assert model.learner is None and '/CTA(s,s)/' in model.folder.path
    assert model.ops.xt.shape == [4, 1, 8, 8, 3] and model.folder.path.endswith('_wu0')
    for params, text in ((dict(arch='convnet'), '--arch=convnet'), (dict(arch='conv4'), '--arch=conv4')):
        with pytest.raises(InputError, match=text):
            build(MCD, tmp_path, **params)
