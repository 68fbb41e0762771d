"""fixmatch.py against the original's recorded step, and CTAugment in the training loop."""

import glob

import pair_steps
import short_runs
import toy
from fixmatch import FixMatch
from libml import data_pair
from libml.augment import ctaugment
from libml.augment.cta_rates import LAG, Rates
from libml.training import events
from libml.training.run_folder import NOT_SHAPING
from libml.utils import InputError
from pair_runs import SMALL, check_golden_step
from short_runs import arrays_after

import numpy as np
import pytest
import tensorflow as tf

TINY = dict(SMALL, arch='convnet', scales=1, filters=2, train_kimg=1)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """A FixMatch with CTAugment, whose images are distorted by one operation: graphs of more take longer to start."""
    return FixMatch(str(tmp_path_factory.mktemp('runs')), toy.dataset(size=8), adepth=1, **TINY)


@pytest.mark.usefixtures('no_updates')
def test_golden_step(golden, tmp_path):
    check_golden_step(golden('fixmatch_step'), FixMatch, tmp_path)


def test_golden_losses_of_the_common_inputs(tmp_path):
    """Those that the check values of the methods after FixMatch start from."""
    p = [[.964663, .017668, .017668], [.106507, .786986, .106507], [.106507, .106507, .786986],
         [.451863, .274069, .274069]]
    with pair_steps.Steps(FixMatch, tmp_path) as steps:
        xe = steps.model.labeled_losses(tf.constant(pair_steps.X), tf.constant(pair_steps.LABEL))['xe'][1]
        probabilities, xe = steps.session.run([tf.nn.softmax(pair_steps.W), xe])
        found = steps(pair_steps.W, pair_steps.S)
    np.testing.assert_allclose(probabilities, p, **pair_steps.PRINTED)
    np.testing.assert_allclose(xe, 1.395495, **pair_steps.PRINTED)
    np.testing.assert_array_equal(found.mask, [1, 0, 0, 0])
    np.testing.assert_allclose(found.mean, .101901, **pair_steps.PRINTED)
    np.testing.assert_allclose(pair_steps.cross_entropy([0, 1, 2, 0], pair_steps.S),
                               [.407606, .680270, 2.407606, 1.001943], **pair_steps.PRINTED)
    np.testing.assert_allclose(pair_steps.softmax(pair_steps.W2).max(1), [.986703, .909443, .964663, .407556],
                               **pair_steps.PRINTED)


def test_unlabelled_loss_sends_gradient_to_confident_strong_images_only(tmp_path, monkeypatch):
    monkeypatch.setattr(FixMatch, 'algorithm', toy.no_graph)
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


def test_names_and_defaults(monkeypatch):
    monkeypatch.setattr(FixMatch, 'algorithm', toy.no_graph)
    assert {name: FixMatch.HPARAMS[name][0] for name in (
        'confidence', 'wd', 'wu', 'uratio', 'lr', 'train_kimg', 'augment', 'adepth', 'adecay', 'ath',
        'cta_version')} == dict(
        confidence=0.95, wd=0.0005, wu=1., uratio=7, lr=0.03, train_kimg=65536, augment='d.d.d', adepth=2, adecay=0.99,
        ath=0.8, cta_version='fixmatch')
    dataset = toy.dataset(size=32, nclass=10)
    dataset.name = 'toy.3@40-1'
    tail = 'archconvnet_batch4_confidence0.95_filters4_lr0.03_nclass10_repeat4_scales3_uratio2_wd0.0005_wu1.0'
    small = dict(arch='convnet', batch=4, filters=4, uratio=2)
    assert FixMatch('runs', dataset, **small).folder.path == (
        f'runs/toy.d.d.d.3@40-1/CTAugment_depth2_th0.80_decay0.990/FixMatch_{tail}')
    other = FixMatch('runs', dataset, cta_version='remixmatch', **small)
    assert other.folder.path == f'runs/toy.d.d.d.3@40-1/CTAugment_depth2_th0.80_decay0.990_remixmatch/FixMatch_{tail}'
    with_ra = FixMatch('runs', dataset, augment='d.d.rac', **small)
    assert with_ra.folder.path == f'runs/toy.d.d.rac.3@40-1/FixMatch_{tail}'
    assert FixMatch.DATASETS is data_pair.PAIR_DATASETS


@pytest.mark.parametrize('params, text', [(dict(augment='d.d'), '3'), (dict(augment='d.d.q'), "'q'"),
                                          (dict(augment='d.d.aa'), 'aa')])
def test_bad_hyper_parameters(tmp_path, params, text):
    with pytest.raises(InputError, match=text.replace('.', r'\.')) as error:
        FixMatch(str(tmp_path), toy.dataset(), **params)
    assert '\n' not in str(error.value)


def test_rates_are_read_with_a_constant_lag():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        rates = Rates(ctaugment.LAYOUT.initial_rates())
        t = tf.compat.v1.placeholder(tf.int64, [])
        value = tf.cast(t, tf.float32) * tf.ones(ctaugment.LAYOUT.mask.shape)
        read, newest, write = rates.for_batch(t), rates.newest(t), rates.write(t, value)
        session.run(tf.compat.v1.global_variables_initializer())
        for step in range(3 * LAG):
            before = session.run([read, newest], {t: step})
            for found, of_step in zip(before, (step - LAG, step - 1)):
                start = ctaugment.LAYOUT.initial_rates()
                expected = start if of_step < 0 else np.full(start.shape, of_step)
                np.testing.assert_array_equal(found, expected)
            session.run(write, {t: step})
        with pytest.raises(tf.errors.InvalidArgumentError, match='further ahead'):
            session.run(read, {t: 3 * LAG + LAG})


def test_rates_follow_the_probes_and_survive_a_resume_to_the_bit(model, tmp_path, capsys):
    straight = arrays_after(model, tmp_path / 'a', [120], 40, 40)
    resumed = arrays_after(model, tmp_path / 'b', [40, 120], 40, 40, report_images=2)  # Pictures change nothing.
    assert np.any(straight['ctaugment/rates'] != 1) and straight['ctaugment/written'].max() == 29
    for name, value in straight.items():
        assert value.tobytes() == resumed[name].tobytes(), name
    check_console(model, capsys.readouterr().out.splitlines())
    values = [value for path in glob.glob(str(tmp_path / 'a' / 'tf' / 'events*'))
              for event in events.read(path) for value in event.summary.value]
    pictures = [v.image for v in values if v.tag == 'ctaugment/probabilities']
    texts = [tf.make_ndarray(v.tensor)[0].decode() for v in values if v.tag == 'ctaugment/weights']
    assert len(pictures) == len(texts) == 3 and 'rescale' in texts[-1]
    assert tf.io.decode_png(pictures[-1].encoded_image_string).shape == (480, 640, 4)


def check_console(model, lines):
    """Every report has one line of the mask, none of the rates; with --show_rates also these."""
    reports = [i for i, line in enumerate(lines) if line.startswith('kimg')]
    assert len(reports) == 6 and not any('rescale' in line for line in lines)
    masks = [f'mask {row["monitors/mask"]:.2f}' for row in model.folder.metrics()]
    assert [lines[i + 1] for i in reports] == masks * 2


def test_rates_are_printed_if_they_are_asked_for(model, monkeypatch):
    for shown in (False, True):
        monkeypatch.setitem(model.params, 'show_rates', shown)
        with model.session() as session:
            text, values = model.report(session)
        assert ('rescale' in text) is bool(text) is shown and len(values) == 2
    assert not FixMatch.HPARAMS['show_rates'].default and 'show_rates' in NOT_SHAPING


def test_a_checkpoint_of_the_original_is_evaluated_and_trained_on(model, tmp_path, capsys):
    """It has no rates: they are 1 at the step that training goes on from, and resume from there to the bit."""
    whole = arrays_after(model, tmp_path / 'whole', [40], 40, 40)
    expected = model.eval_checkpoint(model.folder.path)
    for name in 'ab':
        path = short_runs.save_without(tmp_path / name / 'tf', whole, 40, 'ctaugment', 'fingerprint')
        capsys.readouterr()
        assert model.eval_checkpoint(path) == expected and 'lacks' not in capsys.readouterr().out
    with model.session(path, training=True) as session:
        rates, written = session.run([model.learner.rates.ring, model.learner.rates.written])
    assert (rates == ctaugment.LAYOUT.initial_rates()).all() and sorted(written) == list(range(10 - LAG, 10))
    straight = arrays_after(model, tmp_path / 'a', [80], 40, 40)
    assert (f'{tmp_path}/a/tf/model.ckpt-00000040 lacks ctaugment/rates, ctaugment/written: training goes on with'
            in capsys.readouterr().out)
    resumed = arrays_after(model, tmp_path / 'b', [60, 80], 40, 40)
    assert sorted(straight['ctaugment/written']) == list(range(20 - LAG, 20)) and straight['fingerprint']
    assert np.any(straight['ctaugment/rates'] != ctaugment.LAYOUT.initial_rates()) and straight['global_step'] == 80
    for name, value in straight.items():
        assert value.tobytes() == resumed[name].tobytes(), name


def test_another_length_is_refused(tmp_path):
    """The learning rate follows train_kimg: a run cannot be prolonged."""

    def train(nimg, **params):
        FixMatch(str(tmp_path), toy.dataset(size=8), augment='d.d.r1_1_0', **{**TINY, **params}).train(nimg, 40, 40)

    train(40)
    with pytest.raises(InputError, match='train_kimg=1, not train_kimg=2'):
        train(80, train_kimg=2)


def test_one_step_updates_the_rates_by_the_probes(model):
    with model.session() as session:
        model.streams.start(session, 0)
        ops = model.ops
        p, label, probes, _ = session.run([ops.classify_op, ops.label, ops.probes, ops.train_op])
        ring, written = session.run([model.learner.rates.ring, model.learner.rates.written])
    expected = ctaugment.LAYOUT.initial_rates()
    for image_ops, image_params, proximity in zip(probes['probe_ops'], probes['probe_strengths'],
                                                 p[np.arange(4), label]):
        for op, values in zip(image_ops, image_params):
            for k, bins in enumerate(ctaugment.OPERATIONS[ctaugment.LAYOUT.names[op]].bins):
                row, cell = ctaugment.LAYOUT.row_of[op, k], int(values[k] * bins * 0.999)
                expected[row, cell] = np.float32(0.99) * expected[row, cell] + np.float32(0.01) * proximity
    np.testing.assert_allclose(ring[0], expected, rtol=1e-5)
    assert written[0] == 0 and (ring[1:] == ctaugment.LAYOUT.initial_rates()).all()
