"""Which pictures are for training and which for testing."""

import dataclasses

from libml.datasets import picture_subsets
from libml.datasets.descriptions import Description, write_description
from libml.datasets.from_pictures import Settings
from libml.pictures.sources import Part
from refusals import refused

import numpy as np
import pytest


def part(*labels):
    return Part([f'{i}.png' for i in range(len(labels))], list(labels), iter)


@pytest.mark.parametrize('name, settings, wrong', [
    ('1pets', {}, '--name=1pets'), ('my pets', {}, '--name=my pets'), ('', {}, '--name='),
    ('cifar10', {}, 'published'), ('svhn_noextra', {}, 'published'),
    ('pets', dict(size=7), '--size=7: give 8 to 256'), ('pets', dict(size=257), '--size=257'),
    ('pets', dict(colors=2), '--colors=2: give 1 or 3'), ('pets', dict(test_share=0.), '--test_share=0.0'),
    ('pets', dict(test_share=1.), '--test_share=1.0'), ('pets', dict(seed=-1), '--seed=-1'),
    ('pets', dict(family='my zoo'), '--family=my zoo: give a letter')])
def test_names_and_settings(name, settings, wrong):
    picture_subsets.check('Größe_2', Settings())
    with refused(wrong):
        picture_subsets.check(name, Settings(**settings))


def test_class_names():
    assert picture_subsets.class_names(dict(train=part('b', None, 'a', 'b'))) == ['a', 'b']
    assert picture_subsets.class_names(dict(train=part('10', '9', '09'), test=part('9', '09', '10'))) == [
        '09', '9', '10']
    with refused('one class, cat'):
        picture_subsets.class_names(dict(train=part('cat', 'cat', None)))
    with refused('no picture has a label'):
        picture_subsets.class_names(dict(train=part(None)))
    with refused('b only in the training pictures', 'c, d only in the test pictures'):
        picture_subsets.class_names(dict(train=part('a', 'b'), test=part('a', 'c', 'd')))


def test_class_names_of_another_dataset():
    known = Description('zoo', 4, 4, 1, 3, ('c', 'a', 'b'), {})
    found = picture_subsets.class_names(dict(train=part('a', None), test=part('b'), unlabeled=part(None)), known)
    assert found == ['c', 'a', 'b']
    with refused('--classes_of=zoo has no class d, of which there are pictures'):
        picture_subsets.class_names(dict(train=part('a'), test=part('e', 'd')), known)
    with refused('no picture has a label'):
        picture_subsets.class_names(dict(train=part(None)), known)


def test_check_family(tmp_path):
    for name, family, classes in (('far', 'park', 'xy'), ('mine', 'zoo', 'xy'), ('near', 'zoo', 'ab')):
        write_description(tmp_path, Description(name, 4, 4, 1, 2, tuple(classes), dict(train=1, test=1), family=family))
        (tmp_path / f'{name}-train.tfrecord').touch()
    mine = Description('mine', 4, 4, 1, 2, ('b', 'a'), {}, family='zoo')
    picture_subsets.check_family(mine, tmp_path)  # What it replaces does not count.
    picture_subsets.check_family(dataclasses.replace(mine, family='', class_names=('c', 'd')), tmp_path)
    with refused('--family=zoo: its datasets must have the same classes, but mine has a class 0', 'near has none'):
        picture_subsets.check_family(dataclasses.replace(mine, class_names=('a', 'b', '0')), tmp_path)
    with refused('--family=digitfive', 'mnist has a class 0, and mine has none'):
        picture_subsets.check_family(dataclasses.replace(mine, family='digitfive'), tmp_path)


def assigned(**sources):
    """dict subset -> list of positions, those in a second Part after 100."""
    subsets = picture_subsets.assign(sources, ['a', 'b'], Settings())
    assert tuple(subsets) == picture_subsets.SUBSETS
    return {subset: [100 * i + int(p) for i, (_, positions) in enumerate(pieces) for p in positions]
            for subset, pieces in subsets.items()}


def test_assign():
    train = part('a', None, 'b', 'a', 'b', None)
    found = assigned(train=train, test=part('b', 'a'), unlabeled=part(None, None, None))
    assert found == dict(test=[0, 1], train=[0, 2, 3, 4], unlabeled=[1, 5, 100, 101, 102])
    found = assigned(train=train)
    assert len(found['test']) == len(found['train']) == 2 and found['unlabeled'] == [1, 5]
    assert sorted(found['test'] + found['train']) == [0, 2, 3, 4]
    drawn = picture_subsets.assign(dict(train=train), ['a', 'none', 'b'], Settings())['test'][0][1]
    assert [train.labels[i] for i in drawn] == ['a', 'b']
    with refused('no class has two labelled pictures', '--test'):
        assigned(train=part('a', 'b', None))


def test_draw_test():
    """A share of each class, at least one picture, and at least one is left."""
    numbers = np.array([0] * 20 + [1] * 3 + [2] + [-1] * 9)
    drawn = picture_subsets.draw_test(numbers, 3, 0.2, seed=1)
    assert np.bincount(numbers[drawn], minlength=3).tolist() == [4, 1, 0] and sorted(set(drawn)) == drawn.tolist()
    np.testing.assert_array_equal(picture_subsets.draw_test(numbers, 3, 0.2, seed=1), drawn)
    assert picture_subsets.draw_test(numbers, 3, 0.2, seed=2).tolist() != drawn.tolist()
    assert np.bincount(numbers[picture_subsets.draw_test(numbers, 3, 0.99, seed=1)]).tolist() == [19, 2]
