"""Pairs of domains: sizes, channels, labels, the few labels of a target, sources of several domains."""

import json

from libml import data_domain
from libml.datasets import descriptions, records, splits
from libml.utils import InputError
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

# Counts of training images; there are 10 for testing.
COUNTS = {'mnist': 40, 'usps': 60, 'svhn': 50, 'made': 20}


def put(folder, name, subset, n, seed):
    """Records of random images whose labels repeat the classes in order."""
    info = descriptions.read_description(folder, name)
    images = np.random.RandomState(seed).randint(0, 256, [n, info.height, info.width, info.colors], np.uint8)
    records.write_records(descriptions.subset_path(folder, name, subset), images, np.arange(n) % info.nclass)
    return images


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """(folder, {(name, subset): images}) of mnist, usps, svhn (label digit - 1) and `made`, of other classes."""
    folder = str(tmp_path_factory.mktemp('data'))
    descriptions.write_description(folder, descriptions.Description('made', 29, 32, 3, 2, ('9', '7'), {'train': 20}))
    images = {(name, subset): put(folder, name, subset, n if subset == 'train' else 10, i)
              for i, (name, n) in enumerate(COUNTS.items()) for subset in ('train', 'test')}
    images['svhn', 'extra'] = put(folder, 'svhn', 'extra', 30, 9)
    return folder, images


def test_a_grey_pair_is_padded_and_enlarged(made):
    folder, images = made
    dataset = data_domain.load('mnist', 'usps', folder, whiten=True)
    assert (dataset.name, dataset.base, dataset.source, dataset.target) == ('mnist_to_usps', 'usps', 'mnist', 'usps')
    assert (dataset.height, dataset.width, dataset.colors, dataset.nclass) == (32, 32, 1, 10)
    assert dataset.class_names == tuple('0123456789') and dataset.sources == ('mnist',)
    assert not dataset.mirror and dataset.shift == 4
    subsets = dataset.labeled, dataset.unlabeled, dataset.test, dataset.valid, dataset.labeled_target
    assert [len(subset) for subset in subsets] == [40, 60, 10, 0, 0]
    assert all(subset.images.shape[1:] == (32, 32, 1) for subset in subsets)
    bordered = np.zeros([40, 32, 32, 1], np.uint8)
    bordered[:, 2:30, 2:30] = images['mnist', 'train']
    np.testing.assert_array_equal(dataset.labeled.images, bordered)
    for subset, part in (('train', dataset.unlabeled), ('test', dataset.test)):
        large = [Image.fromarray(x[..., 0]).resize((32, 32), Image.BICUBIC) for x in images['usps', subset]]
        np.testing.assert_array_equal(part.images[..., 0], np.stack(large))
    assert list(dataset.more_tests) == ['mnist_to_usps', 'mnist_to_mnist']
    assert dataset.more_tests['mnist_to_usps'] is dataset.test
    np.testing.assert_array_equal(dataset.more_tests['mnist_to_mnist'].images[:, 2:30, 2:30], images['mnist', 'test'])
    assert dataset.unlabeled.labels.tolist() == [i % 10 for i in range(60)]
    both = np.concatenate([bordered, dataset.unlabeled.images]) / 127.5 - 1  # Both domains count.
    np.testing.assert_allclose([dataset.mean[0], dataset.std[0]], [both.mean(), both.std()], rtol=1e-5)


def test_grey_becomes_colour_and_svhn_counts_by_digits(made):
    folder, images = made
    dataset = data_domain.load('usps', 'svhn_noextra', folder)
    assert dataset.colors == 3 and dataset.name == 'usps_to_svhn_noextra'
    np.testing.assert_array_equal(dataset.unlabeled.images, images['svhn', 'train'])
    large = np.asarray(Image.fromarray(images['usps', 'train'][3, ..., 0]).resize((32, 32), Image.BICUBIC))
    np.testing.assert_array_equal(dataset.labeled.images[3], np.stack([large] * 3, -1))
    assert dataset.labeled.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    # Stored is digit - 1, and 9 for the digit 0.
    for part in (dataset.unlabeled, dataset.test):
        assert part.labels[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    back = data_domain.load('svhn', 'usps', folder)
    assert len(back.labeled) == 80 and back.labeled.labels[48:52].tolist() == [9, 0, 1, 2]
    np.testing.assert_array_equal(back.labeled.images[50:], images['svhn', 'extra'])
    assert back.more_tests['svhn_to_svhn'].labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]


def test_other_domains_mirror_and_get_odd_borders(made, tmp_path):
    folder, images = str(tmp_path), made[1]['made', 'train']
    for name, classes in (('made', ('9', '7')), ('other', ('9', '7'))):
        descriptions.write_description(folder, descriptions.Description(name, 29, 32, 3, 2, classes, {'train': 20}))
        for subset in ('train', 'test'):
            records.write_records(descriptions.subset_path(folder, name, subset), images, np.arange(20) % 2)
    dataset = data_domain.load('made', 'other', folder)
    assert dataset.mirror and dataset.test.labels[:2].tolist() == [0, 1]  # The same order of classes stays.
    np.testing.assert_array_equal(dataset.test.images[:, 1:30], images)
    assert not dataset.test.images[:, :1].any() and not dataset.test.images[:, 30:].any()


def test_files_and_counts_of_both_domains(made, tmp_path):
    folder, images = str(tmp_path), made[1]['made', 'train']

    def describe(name, n):
        info = descriptions.Description(name, 29, 32, 3, 2, ('9', '7'), {'train': n, 'test': 20})
        descriptions.write_description(folder, info)

    for name in ('one', 'two'):
        describe(name, 20)
        for subset in ('train', 'test'):
            records.write_records(descriptions.subset_path(folder, name, subset), images, np.arange(20) % 2)
    dataset = data_domain.load('one', 'two(2,seed=1)', folder)
    of_two = (f'{folder}/two-train.tfrecord',)
    assert dataset.labeled.files == (f'{folder}/one-train.tfrecord',) and dataset.unlabeled.files == of_two
    assert dataset.labeled_target.files == of_two and dataset.test.files == (f'{folder}/two-test.tfrecord',)
    for name in ('one', 'two'):
        describe(name, 19)
        with refused(f'{name}-train.tfrecord holds 20 records, but its description counts 19'):
            data_domain.load('one', 'two', folder)
        describe(name, 20)


@pytest.mark.parametrize('sizes, side', [(((8, 8), (16, 16)), 16), (((28, 28), (16, 16)), 32), (((8, 8), (17, 9)), 32),
                                         (((32, 32), (8, 8)), 32), (((96, 96), (28, 28)), 96)])
def test_the_side_is_the_longest_rounded_up(sizes, side):
    infos = [descriptions.Description('x', *size, 1, 1, ('a',), {}) for size in sizes]
    assert data_domain.common_shape(infos) == (side, 1)


@pytest.mark.parametrize('size', [27, 28])
def test_up_to_four_lacking_pixels_are_a_border(size):
    image = np.random.RandomState(0).randint(0, 256, [1, size, 32, 3], np.uint8)
    expected = np.pad(image, [(0, 0), (2, 2), (0, 0), (0, 0)])
    if size == 27:
        expected = np.asarray(Image.fromarray(image[0]).resize((32, 32), Image.BICUBIC))[None]
    np.testing.assert_array_equal(data_domain.fit(image, 32, 3), expected)


def test_few_labels_of_the_target(made):
    folder = made[0]
    text = 'svhn(3,seed=7)'
    dataset = data_domain.load('mnist', text, folder)
    assert dataset.name == f'mnist_to_{text}' and dataset.base == dataset.target == 'svhn'
    assert list(dataset.more_tests) == ['mnist_to_svhn', 'mnist_to_mnist'] and len(dataset.unlabeled) == 80
    positions = dataset.labeled_target.positions
    assert len(set(positions)) == 30 and np.bincount(dataset.labeled_target.labels).tolist() == [3] * 10
    assert dataset.labeled_target.pixels is dataset.unlabeled.pixels
    # Class after class in the order of the stored labels, by one generator.
    random, expected = np.random.RandomState(7), []
    for k in range(10):
        own = [i for i in range(80) if (i if i < 50 else i - 50) % 10 == k]
        expected.extend(random.choice(own, 3, replace=False))
    assert positions.tolist() == sorted(expected)
    with open(f'{folder}/DA/{text}.json') as f:
        assert json.load(f) == {'label': positions.tolist()}
    assert splits.domain_split(folder, 'svhn', 7, 3).tolist() == positions.tolist()
    assert splits.domain_split(folder, 'svhn', 8, 3).tolist() != positions.tolist()
    # All of the smallest class, each once: nothing is drawn twice.
    assert splits.domain_split(folder, 'usps', 0, 6).tolist() == list(range(60))


def test_a_source_of_several_domains(made):
    folder, images = made
    dataset = data_domain.load('no_usps', 'usps(1,seed=1)', folder)
    assert dataset.source == 'no_usps' and dataset.sources == ('mnist', 'svhn_noextra')
    assert dataset.name == 'no_usps_to_usps(1,seed=1)' and len(dataset.labeled_target) == 10
    assert {name: len(part) for name, part in dataset.more_tests.items()} == {
        'no_usps_to_usps': 10, 'no_usps_to_mnist': 10, 'no_usps_to_svhn_noextra': 10}
    assert dataset.labeled.images.shape == (90, 32, 32, 3)
    np.testing.assert_array_equal(dataset.labeled.images[:40, 2:30, 2:30], images['mnist', 'train'].repeat(3, 3))
    np.testing.assert_array_equal(dataset.labeled.images[40:], images['svhn', 'train'])
    assert dataset.labeled.files == (f'{folder}/mnist-train.tfrecord', f'{folder}/svhn-train.tfrecord')
    assert dataset.labeled.labels[38:52].tolist() == [8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert data_domain.load('no_svhn', 'svhn', folder).sources == ('mnist', 'usps')


def test_embedded_domains_need_no_download(tmp_path):
    pytest.importorskip('sklearn')
    dataset = data_domain.load('no_digits_m', 'digits_m', str(tmp_path))
    assert dataset.sources == ('digits',) and dataset.test.images.shape == (397, 16, 16, 3)
    assert [len(dataset.labeled), len(dataset.unlabeled)] == [1400, 1400] and dataset.shift == 2
    np.testing.assert_array_equal(dataset.labeled.labels, dataset.unlabeled.labels)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f'{name}{end}' for name in ('digits', 'digits_m') for end in ('-test.tfrecord', '-train.tfrecord', '.json')]


@pytest.mark.parametrize('source, target, texts', [
    ('usps', 'usps', ['--source=usps', 'target usps', 'two different']),
    ('svhn', 'svhn_noextra(1,seed=1)', ['--source=svhn', 'svhn_noextra', 'two different']),
    ('no_mnist', 'usps', ['--source=no_mnist', 'target usps', '--source=no_usps']),
    ('usps', 'nothing', ['--target=nothing', 'unknown dataset', 'mnist_m']),
    ('nothing', 'usps', ['--source=nothing', 'unknown dataset']),
    ('cifar10', 'usps', ['--source=cifar10', 'create_datasets.py', 'cifar10']),
    ('mnist', 'usps(7,seed=1)', ['--target=usps(7,seed=1)', '7 labels of each class', '6 images']),
    ('mnist', 'usps(1,seed=4294967296)', ['--target=usps', '0..4294967295']),
    ('mnist', 'made', ['--source=mnist and --target=made', 'mnist has a class 0, and made has none of this name']),
    ('usps(1,seed=1)', 'mnist', ['--source=usps(1,seed=1)', 'no_<name>']),
    ('', 'mnist', ['--source=:', '<name>']), ('mnist', '', ['--target=:', '<name>']),
    ('my-mnist', 'usps', ['--source=my-mnist', 'a name is a letter followed by']),
    ('mnist', '2024usps', ['--target=2024usps', 'a name is a letter followed by']),
    *(('mnist', text, [f'--target={text}', 'usps(10,seed=1)']) for text in (
        'usps(10)', 'usps(10,seed=x)', 'usps(0,seed=1)', 'usps(10, seed=1)', 'usps(-1,seed=1)', '../usps', 'no-usps',
        'usps(10,seed=1')),
    ('no_cifar10', 'usps', ['--source=no_cifar10', 'one of digits, digits_m, mnist, mnist_m'])])
def test_wrong_pairs(made, source, target, texts):
    with refused(*texts):
        data_domain.load(source, target, made[0])


def test_a_family_without_records_names_its_candidates(tmp_path):
    with refused('--source=no_usps', 'mnist, mnist_m, svhn_noextra, syndigit is in', 'create_datasets.py'):
        data_domain.load('no_usps', 'usps', str(tmp_path))


def test_a_family_of_own_datasets(tmp_path):
    images = np.random.RandomState(0).randint(0, 256, [8, 16, 16, 3], np.uint8)

    def describe(name, classes, family='zoo'):
        info = descriptions.Description(name, 16, 16, 3, 2, classes, {'train': 8, 'test': 8}, family=family)
        descriptions.write_description(tmp_path, info)
        for subset in ('train', 'test'):
            records.write_records(descriptions.subset_path(tmp_path, name, subset), images, np.arange(8) % 2)

    describe('zoo_a', ('cat', 'dog'))
    with refused('--source=no_zoo_a: zoo_a is alone in its family zoo'):
        data_domain.load('no_zoo_a', 'zoo_a', tmp_path)
    describe('zoo_c', ('dog', 'cat'))
    describe('zoo_b', ('cat', 'dog'))
    describe('other', ('cat', 'dog'), family='')
    dataset = data_domain.load('no_zoo_a', 'zoo_a', tmp_path)
    assert dataset.sources == ('zoo_b', 'zoo_c') and dataset.class_names == ('cat', 'dog')
    assert dataset.labeled.labels.tolist() == [0, 1] * 4 + [1, 0] * 4
    describe('zoo_c', ('dog', 'cow'))
    with refused('--source=no_zoo_a and --source=no_zoo_a must have the same classes', 'zoo_b has a class cat, and zo'):
        data_domain.load('no_zoo_a', 'zoo_a', tmp_path)


def test_two_labelled_domains(made):
    folder, images = made
    dataset = data_domain.load_labeled('mnist', 'svhn_noextra', 'usps,mnist', folder)
    assert (dataset.name, dataset.base, dataset.sources) == ('mnist_to_svhn_noextra', 'svhn_noextra',
                                                             ('mnist', 'svhn_noextra'))
    subsets = dataset.labeled, dataset.labeled_target, dataset.unlabeled, dataset.valid
    assert [len(subset) for subset in subsets] == [40, 50, 0, 0]
    np.testing.assert_array_equal(dataset.labeled_target.images, images['svhn', 'train'])
    assert dataset.labeled_target.labels[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert list(dataset.more_tests) == ['mnist_to_svhn_noextra', 'svhn_noextra_to_mnist', 'svhn_noextra_to_usps']
    assert dataset.more_tests['mnist_to_svhn_noextra'] is dataset.test
    np.testing.assert_array_equal(dataset.test.images, images['svhn', 'test'])
    np.testing.assert_array_equal(dataset.more_tests['svhn_noextra_to_mnist'].images[:, 2:30, 2:30],
                                  images['mnist', 'test'].repeat(3, 3))
    assert dataset.stored.name == 'svhn_noextra' and dataset.origin == dict(
        data_dir=folder, source='mnist', target='svhn_noextra', test_extra='usps,mnist', whiten=False)


def test_labelled_families_and_one_labelled_domain(made):
    folder, images = made
    dataset = data_domain.load_labeled('no_usps', test_extra='usps', data_dir=folder, whiten=True)
    assert dataset.name == 'no_usps_to_no_usps' and dataset.sources == ('mnist', 'svhn_noextra')
    assert len(dataset.labeled) == len(dataset.labeled_target) == 90 and not len(dataset.unlabeled)
    assert {name: len(part) for name, part in dataset.more_tests.items()} == {
        'no_usps_to_no_usps': 20, 'no_usps_to_usps': 10}
    pair = data_domain.load_labeled('mnist', 'usps', data_dir=folder, whiten=True)
    both = np.concatenate([pair.labeled.images, pair.labeled_target.images]) / 127.5 - 1
    np.testing.assert_allclose([pair.mean[0], pair.std[0]], [both.mean(), both.std()], rtol=1e-5)


@pytest.mark.parametrize('args, texts', [
    (['usps', 'mnist(1,seed=1)'], ['--target=mnist(1,seed=1): write <name>']),
    (['usps', '', 'mnist, svhn'], ['--test_extra=mnist, svhn: write <name>']),
    (['no_cifar10'], ['--source=no_cifar10: write no_ and one of']), (['nothing'], ['--source=nothing', 'unknown']),
    (['usps', 'mnist', 'nothing'], ['--test_extra=nothing', 'unknown dataset']),
    (['usps', 'mnist', 'made'], ['--source=usps and --test_extra=made must have the same classes', 'a class 0'])])
def test_wrong_labelled_domains(made, args, texts):
    with refused(*texts):
        data_domain.load_labeled(*args, data_dir=made[0])


def test_framed_domains_are_read_from_files_of_any_size(tmp_path):
    """A grey domain of 9x9 and a coloured one of pictures of any size, whose classes are in another order."""
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, [20, 9, 9, 1]).astype(np.uint8)
    large = generator.integers(0, 256, [20, 14, 11, 3]).astype(np.uint8)
    for name, images, classes, size in (('one', small, ('a', 'b'), 9), ('two', large, ('b', 'a'), 0)):
        for subset, part in (('train', images[:12]), ('test', images[12:])):
            records.write_records(descriptions.subset_path(tmp_path, name, subset), part, np.arange(len(part)) % 2)
        descriptions.write_description(tmp_path, descriptions.Description(
            name, size, size, images.shape[-1], 2, classes, dict(train=12, test=8), family='pair'))
    with pytest.raises(InputError, match='--size=0: the pictures of two have sizes of their own'):
        data_domain.load('one', 'two', str(tmp_path))
    with pytest.raises(InputError, match='--memory=ram: two domains are read from files with --size'):
        data_domain.load('one', 'two', str(tmp_path), memory='ram', size=8)
    dataset = data_domain.load('no_two', 'two(1,seed=3)', str(tmp_path), size=8, resize=10)
    assert dataset.folder == 'no_two_to_two(1,seed=3)_size8_resize10' and dataset.class_names == ('a', 'b')
    assert (dataset.height, dataset.width, dataset.colors, dataset.shift) == (8, 8, 3, 0)
    assert dataset.labeled.labels[:4].tolist() == [0, 1, 0, 1] and dataset.unlabeled.labels[:4].tolist() == [1, 0, 1, 0]
    assert np.bincount(dataset.labeled_target.labels).tolist() == [1, 1]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        wanted = session.run([tf.round(tf.image.resize(images[12:], [8, 8])) for images in (small, large)])
    np.testing.assert_array_equal(dataset.more_tests['no_two_to_one'].images[:], wanted[0].repeat(3, 3))
    np.testing.assert_array_equal(dataset.test.images[:], wanted[1])
