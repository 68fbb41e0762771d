"""fixmatch.py and uda.py against the original's recorded steps, and CTAugment in the training loop."""

import ast
import glob

import toy
from fixmatch import FixMatch
from libml import checkpoint, ctaugment, data_pair
from libml.cta_rates import LAG, Rates
from libml.utils import InputError
from uda import UDA

import numpy as np
import pytest
import tensorflow as tf

SMALL = dict(toy.SMALL, batch=4, uratio=2, filters=4)


def golden_model(model_class, arrays, folder):
    """The graph that a golden step was recorded from; flags that the original ignored are left out."""
    kwargs = ast.literal_eval(str(arrays['kwargs']))
    known = {name: value for name, value in kwargs.items() if name in model_class.HPARAMS}
    return model_class(str(folder), toy.dataset(size=32, nclass=10), train_kimg=int(arrays['train_kimg']), **known)


@pytest.mark.parametrize('model_class, name', [(FixMatch, 'fixmatch_step'), (UDA, 'uda_no_step'),
                                               (UDA, 'uda_linear_step')])
def test_golden_step(golden, tmp_path, model_class, name):
    arrays = golden(name)
    model = golden_model(model_class, arrays, tmp_path)
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
    recorded = toy.named(arrays, 'summary:')
    assert set(recorded) == {tag.replace('/', '|') for tag in scalars}
    for tag, value in scalars.items():
        np.testing.assert_allclose(value, recorded[tag.replace('/', '|')], rtol=1e-5, err_msg=tag)
    for found, key in ((raw, 'classify_raw'), (averaged, 'classify_op')):
        if key in arrays:
            np.testing.assert_allclose(found, arrays[key], rtol=1e-5, atol=1e-7)
    recorded = toy.named(arrays, 'grad:')
    largest = max(np.abs(g).max() for g in recorded.values())
    for v, g in zip(variables, gradients):
        np.testing.assert_allclose(g, recorded[v.op.name.replace('/', '|')], atol=1e-4 * largest, err_msg=v.op.name)


def test_unlabelled_loss_sends_gradient_to_confident_strong_images_only(tmp_path):
    model = FixMatch(str(tmp_path), toy.dataset(), confidence=0.3, wd=0., **SMALL)
    logits = np.random.RandomState(0).normal(0, 2, [2, 9, 5]).astype(np.float32)
    logits[0, :3] = 0.01 * logits[0, :3]
    with model.session() as session:
        weak, strong = tf.constant(logits[0]), tf.constant(logits[1])
        loss, mask = model.unlabeled_loss(weak, strong)
        assert tf.gradients(loss, weak) == [None]
        gradient, mask, loss = session.run([tf.gradients(tf.reduce_mean(loss), strong)[0], mask, loss])
    p, s = [np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in logits.astype(np.float64)]
    expected = p.max(1) >= 0.3
    assert 0 < expected.sum() < 9
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(loss, -np.log(s[np.arange(9), p.argmax(1)]) * expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, (s - np.eye(5)[p.argmax(1)]) * expected[:, None] / 9, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('tsa, share', [('no', 1.), ('linear', 0.25), ('exp', np.exp(5 * (0.25 - 1))),
                                        ('log', 1 - np.exp(-5 * 0.25))])
def test_training_signal_annealing(tmp_path, tsa, share):
    model = UDA(str(tmp_path), toy.dataset(), tsa=tsa, tsa_pos=3, train_kimg=64, **SMALL)
    with model.session() as session:
        toy.set_variables(model, session, {'global_step': 64 * 8 // 4})
        threshold = session.run(model.threshold())
    np.testing.assert_allclose(threshold, share * (1 - 1 / 5) + 1 / 5, rtol=1e-6)


def test_names_and_defaults():
    assert {name: FixMatch.HPARAMS[name][0] for name in (
        'confidence', 'wd', 'wu', 'uratio', 'lr', 'train_kimg', 'augment', 'adepth', 'adecay', 'ath')} == dict(
        confidence=0.95, wd=0.0005, wu=1., uratio=7, lr=0.03, train_kimg=65536, augment='d.d.d', adepth=2, adecay=0.99,
        ath=0.8)
    dataset = toy.dataset(size=32, nclass=10)
    dataset.name = 'toy.3@40-1'
    tail = 'archconvnet_batch4_confidence0.95_filters4_lr0.03_nclass10_repeat4_scales3_uratio2_wd0.0005_wu1.0'
    small = dict(arch='convnet', batch=4, filters=4, uratio=2)
    assert FixMatch('runs', dataset, **small).folder.path == (
        f'runs/toy.d.d.d.3@40-1/CTAugment_depth2_th0.80_decay0.990/FixMatch_{tail}')
    with_ra = FixMatch('runs', dataset, augment='d.d.rac', **small)
    assert with_ra.folder.path == f'runs/toy.d.d.rac.3@40-1/FixMatch_{tail}'
    assert FixMatch.DATASETS is data_pair.PAIR_DATASETS


@pytest.mark.parametrize('params, text', [(dict(augment='d.d'), '3'), (dict(augment='d.d.q'), "'q'"),
                                          (dict(augment='d.d.aa'), 'aa'), (dict(uratio=0), '--uratio=0'),
                                          (dict(adecay=1.), '--adecay=1.0')])
def test_bad_hyper_parameters(tmp_path, params, text):
    with pytest.raises(InputError, match=text.replace('.', r'\.')) as error:
        FixMatch(str(tmp_path), toy.dataset(), **params)
    assert '\n' not in str(error.value)


def test_rates_are_read_with_a_constant_lag():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        rates = Rates()
        t = tf.compat.v1.placeholder(tf.int64, [])
        value = tf.cast(t, tf.float32) * tf.ones(ctaugment.MASK.shape)
        read, newest, write = rates.for_batch(t), rates.newest(t), rates.write(t, value)
        session.run(tf.compat.v1.global_variables_initializer())
        for step in range(3 * LAG):
            before = session.run([read, newest], {t: step})
            for found, of_step in zip(before, (step - LAG, step - 1)):
                expected = ctaugment.initial_rates() if of_step < 0 else np.full(ctaugment.MASK.shape, of_step)
                np.testing.assert_array_equal(found, expected)
            session.run(write, {t: step})
        with pytest.raises(tf.errors.InvalidArgumentError, match='further ahead'):
            session.run(read, {t: 3 * LAG + LAG})


def trained(folder, nimg, **params):
    """A FixMatch on toy data, trained to nimg images; its run folder and the arrays of its newest checkpoint."""
    model = FixMatch(str(folder), toy.dataset(), **{**SMALL, 'train_kimg': 1, **params})
    model.train(nimg, 40, 40)
    reader = tf.train.load_checkpoint(checkpoint.all_in(model.folder.tf)[-1])
    return model, {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_rates_follow_the_probes_and_survive_a_resume_to_the_bit(tmp_path):
    model, straight = trained(tmp_path / 'a', 120)
    assert np.any(straight['ctaugment/rates'] != 1) and straight['ctaugment/written'].max() == 29
    for nimg in (40, 80):
        trained(tmp_path / 'b', nimg)
    _, resumed = trained(tmp_path / 'b', 120)
    for name, value in straight.items():
        assert value.tobytes() == resumed[name].tobytes(), name
    values = [value for path in glob.glob(f'{model.folder.tf}/events*')
              for event in tf.compat.v1.train.summary_iterator(path) for value in event.summary.value]
    pictures = [v.image for v in values if v.tag == 'ctaugment/probabilities']
    texts = [tf.make_ndarray(v.tensor)[0].decode() for v in values if v.tag == 'ctaugment/weights']
    assert len(pictures) == len(texts) == 3 and 'rescale' in texts[-1]
    assert tf.io.decode_png(pictures[-1].encoded_image_string).shape == (480, 640, 4)


def test_another_length_is_refused(tmp_path):
    """The learning rate follows train_kimg: a run cannot be prolonged."""
    trained(tmp_path, 40)
    with pytest.raises(InputError, match='train_kimg=1, not train_kimg=2'):
        trained(tmp_path, 80, train_kimg=2)


def test_one_step_updates_the_rates_by_the_probes(tmp_path):
    model = FixMatch(str(tmp_path), toy.dataset(), **SMALL)
    with model.session() as session:
        model.streams.start(session, 0)
        ops = model.ops
        p, label, probes, _ = session.run([ops.classify_op, ops.label, ops.probes, ops.train_op])
        ring, written = session.run([model.learner.rates.ring, model.learner.rates.written])
    expected = ctaugment.initial_rates()
    for image_ops, image_params, proximity in zip(probes['probe_ops'], probes['probe_strengths'],
                                                 p[np.arange(4), label]):
        for op, values in zip(image_ops, image_params):
            for k, bins in enumerate(ctaugment.OPERATIONS[ctaugment.NAMES[op]].bins):
                row, cell = ctaugment.ROW_OF[op, k], int(values[k] * bins * 0.999)
                expected[row, cell] = np.float32(0.99) * expected[row, cell] + np.float32(0.01) * proximity
    np.testing.assert_allclose(ring[0], expected, rtol=1e-5)
    assert written[0] == 0 and (ring[1:] == ctaugment.initial_rates()).all()
