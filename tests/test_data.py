"""Subsets, whitening, datasets with other pictures."""

import toy
from libml import data
from libml.datasets import descriptions
from refusals import refused

import numpy as np


def test_whitening_statistics_against_numpy():
    dataset = toy.dataset(whiten=True)
    images = np.concatenate([dataset.labeled.images, dataset.unlabeled.images]) * (2. / 255) - 1
    np.testing.assert_allclose(dataset.mean, images.mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(dataset.std, images.std((0, 1, 2)), rtol=1e-6)
    plain = toy.dataset()
    assert not plain.mean.any() and (plain.std == 1).all()


def test_what_does_not_say_how_pictures_become_its_images():
    dataset = toy.dataset()
    with refused('toy does not say how pictures become its images'):
        dataset.check_stored()
    dataset.stored = descriptions.DATASET_INFO['cifar10']
    dataset.check_stored()


def test_subset_views():
    dataset = toy.dataset()
    np.testing.assert_array_equal(dataset.valid.images, dataset.valid.pixels[80:90])
    np.testing.assert_array_equal(dataset.valid.take(3).labels, dataset.valid.labels[:3])
    assert len(dataset.unlabeled) == 60


def test_statistics_do_not_depend_on_the_chunks():
    dataset = toy.dataset()
    subsets = [dataset.labeled, dataset.unlabeled]
    for whole, parts in zip(data.mean_std(subsets), data.mean_std(subsets, chunk=7)):
        np.testing.assert_array_equal(whole, parts)


def test_other_pictures():
    """Every array of pictures is changed once, and all else stays."""
    dataset, seen = toy.dataset(whiten=True, origin=dict(data_dir='here'), class_names='abcde'), []
    dataset.labeled.files = ('some-train.tfrecord',)

    def halved(images):
        seen.append(images)
        return images[:, ::2, ::2]

    small = dataset.with_pixels(halved, shift=1)
    assert len(seen) == 1 and seen[0] is dataset.test.pixels
    assert (small.height, small.width, small.colors, small.shift) == (8, 8, 3, 1)
    for name in ('labeled', 'unlabeled', 'valid', 'test'):
        old, new = getattr(dataset, name), getattr(small, name)
        np.testing.assert_array_equal(new.images, old.images[:, ::2, ::2])
        np.testing.assert_array_equal(new.labels, old.labels)
        assert new.files == new.take(2).files == old.files
    assert small.origin == dataset.origin == dict(data_dir='here', whiten=True) and small.name == dataset.name
    assert small.class_names == dataset.class_names == tuple('abcde')
    assert small.whitened and not np.array_equal(small.mean, dataset.mean)
