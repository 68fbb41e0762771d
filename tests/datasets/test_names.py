"""The grammar of dataset names."""

from libml import data_pair
from libml.datasets import names
from refusals import refused

import pytest


@pytest.mark.parametrize('text, expected', [
    ('cifar10.3@250-5000', ('cifar10', 3, 250, 5000)), ('svhn_noextra.0@40-1', ('svhn_noextra', 0, 40, 1)),
    ('cifar100-5000', ('cifar100', None, None, 5000))])
def test_grammar(text, expected):
    name = names.parse(text)
    assert (name.name, name.seed, name.labels, name.valid) == expected and str(name) == text


@pytest.mark.parametrize('text', ['cifar10', 'cifar10.3', 'cifar10.3@250', 'cifar10@250-1', 'cifar10.-1@250-1', '',
                                  'cifar10.3@{250}-1', 'cifar10.3@0-1', '../x.1@2-3', 'cifar10.3@250-5000\n'])
def test_wrong_grammar(text):
    for look_up in (names.parse, data_pair.DATASETS.__getitem__, data_pair.PAIR_DATASETS.__getitem__):
        with refused('--dataset=' + text.replace('\n', '\\n') + ': '):
            look_up(text)


@pytest.mark.parametrize('text', ['my-flowers.1@40-10', '2024leaves.1@40-10', 'my-flowers-10'])
def test_the_rule_for_names_is_told(text):
    with refused(f'--dataset={text}: write ', 'a name is a letter followed by letters, digits and underscores'):
        names.parse(text)
