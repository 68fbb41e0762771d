"""DomainModel: its settings, one forward pass for all parts, and the losses that its scripts share."""

import toy
from adamatch_runs import cross_entropy, dataset
from libml import data_domain, data_pair
from libml.methods.domain_model import DomainModel, PseudoLabelModel, labeled_loss
from libml.utils import InputError
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from easydict import EasyDict

SMALL = dict(toy.SMALL, batch=4, uratio=2, augment='(s,s)', train_kimg=64)


class Echo(PseudoLabelModel):
    """Has no graph; its classifier returns the first pixel of each image, of as many colours as classes."""

    algorithm = toy.no_graph

    def classifier(self, x, training, getter=None, name=None):
        self.seen = training, name
        return EasyDict(logits=x[:, 0, 0])


def build(folder, labeled_target=0, **params):
    return Echo(str(folder), dataset(labeled_target, size=8), **{**SMALL, **params})


def test_settings_from_flags(tmp_path, monkeypatch):
    loaded = []
    monkeypatch.setattr(data_domain, 'load', lambda *args: loaded.append(args))
    monkeypatch.setattr(data_pair, 'load', lambda *args: loaded.append(args))

    def load(**given):
        flags = dict(dataset='', source='', target='', data_dir='there', whiten=False, imbalance_labeled=0.,
                     imbalance_unlabeled=0.)
        DomainModel.load_dataset({**flags, **given})
        return loaded.pop()

    assert load(source='mnist', target='usps(10,seed=1)') == ('mnist', 'usps(10,seed=1)', 'there', False)
    # As a run folder's arguments have it.
    assert load(source='mnist', target='usps', dataset='mnist_to_usps')[:2] == ('mnist', 'usps')
    assert str(load(dataset='digits.1@40-100')[0]) == 'digits.1@40-100'
    with refused('--source=mnist --target=usps: two domains cannot be skewed'):
        load(source='mnist', target='usps', imbalance_unlabeled=2.)
    assert str(load(dataset='digits.1@40-100', imbalance_labeled=2.)[0]) == 'digits.1@40-100_labeled2'
    for given in (dict(), dict(source='mnist'), dict(target='usps'), dict(dataset='digits.1@40-100', target='usps'),
                  dict(dataset='digits.1@40-100', source='mnist', target='usps')):
        with pytest.raises(InputError, match='--source=.* --target=') as error:
            load(**given)
        assert '\n' not in str(error.value)


def test_labelled_images_of_the_target_are_one_more_stream(tmp_path):
    assert list(build(tmp_path, 7).labeled_subsets()) == ['labeled', 'labeled_target']
    model = build(tmp_path)
    assert list(model.labeled_subsets()) == ['labeled'] and len(model.labeled_target) == 0 and not model.params.sources
    data = toy.dataset(size=8)  # Of semi-supervised learning.
    assert list(Echo(str(tmp_path), data, **SMALL).labeled_subsets()) == ['labeled']
    data.sources = ['mnist', 'usps']
    assert Echo(str(tmp_path), data, **SMALL).params.sources == 'mnist,usps'


def test_logits_of_several_parts_come_from_one_pass(tmp_path):
    model = build(tmp_path)
    parts = [np.random.RandomState(n).normal(size=[n, 2, 3, 3, 5]).astype('f') for n in (4, 1, 8)]
    with model.session() as session:
        found = session.run(model.logits('joint', [tf.constant(part) for part in parts]))
    for z, part in zip(found, parts, strict=True):
        np.testing.assert_array_equal(z, part[:, :, 0, 0])
    assert model.seen == (True, 'joint')


def test_labelled_loss_is_the_mean_over_both_views():
    z, label = np.random.RandomState(0).normal(0, 2, [4, 2, 5]), np.array([3, 0, 4, 0])
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = session.run(labeled_loss(tf.constant(z, tf.float32), tf.constant(label)))
    np.testing.assert_allclose(found, np.mean([cross_entropy(z[:, i], label) for i in range(2)]), rtol=1e-5)


def test_pseudo_label_loss_counts_rows_below_the_threshold_as_zero(tmp_path):
    model = build(tmp_path)
    targets = np.array([[.5, .3, .2], [.1, .8, .1], [.25, .25, .5], [.4, .35, .25]], np.float32)
    z = np.random.RandomState(0).normal(0, 2, [4, 3])
    with model.session() as session:
        strong = tf.constant(z, tf.float32)
        loss, share = model.pseudo_label_loss(tf.constant(targets), tf.constant(0.5), strong)
        *found, gradient = session.run([loss, share, tf.gradients(loss, strong)[0]])
    # The probability of the threshold itself is enough.
    np.testing.assert_allclose(found, [cross_entropy(z[:3], [0, 1, 2]).sum() / 4, 0.75], rtol=1e-5)
    assert (np.abs(gradient).max(1) > 0).tolist() == [True, True, True, False]


def test_learning_rate(tmp_path):
    model = build(tmp_path, lr=0.5, lr_decay=0.2)
    with model.session() as session:
        found = []
        for step in (0, 16 * 1024, 64 * 1024):
            toy.set_variables(model, session, {'global_step': step})
            found.append(session.run(model.learning_rate()))
    np.testing.assert_allclose(found, 0.5 * np.cos(np.arccos(0.2) * np.array([0, 0.25, 1])), rtol=1e-6)


def test_wrong_augmentation(tmp_path):
    with refused('--augment=sm'):
        build(tmp_path, augment='sm')
