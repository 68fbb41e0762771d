"""The grammar of dataset names."""

from libml import data_pair
from libml.datasets import names
from refusals import refused

import pytest


@pytest.mark.parametrize('text, expected', [
    ('cifar10.3@250-5000', ('cifar10', 3, 250, 5000)), ('svhn_noextra.0@40-1', ('svhn_noextra', 0, 40, 1)),
    ('cifar100-5000', ('cifar100', None, None, 5000)), ('stl10.1@all-500', ('stl10', 1, 'all', 500))])
def test_grammar(text, expected):
    name = names.parse(text)
    assert (name.name, name.seed, name.labels, name.valid) == expected and str(name) == text


@pytest.mark.parametrize('text', ['cifar10', 'cifar10.3', 'cifar10.3@250', 'cifar10@250-1', 'cifar10.-1@250-1', '',
                                  'cifar10.3@{250}-1', 'cifar10.3@0-1', '../x.1@2-3', 'cifar10@all-1',
                                  'cifar10.1@ALL-1', 'cifar10.3@250-5000\n', f'cifar10.1@40-{"9" * 19}',
                                  f'cifar10.{"1" * 19}@40-1', f'cifar10.1@{"1" * 19}-1'])
def test_wrong_grammar(text):
    for look_up in (names.parse, data_pair.DATASETS.__getitem__, data_pair.PAIR_DATASETS.__getitem__):
        with refused('--dataset=' + text.replace('\n', '\\n') + ': '):
            look_up(text)


@pytest.mark.parametrize('text', ['my-flowers.1@40-10', '2024leaves.1@40-10', 'my-flowers-10'])
def test_the_rule_for_names_is_told(text):
    with refused(f'--dataset={text}: write ', 'a name is a letter followed by letters, digits and underscores'):
        names.parse(text)


@pytest.mark.parametrize('text, ratios', [
    ('cifar10.3@250-5000_labeled100_unlabeled-100', (100, -100)), ('cifar10-5000_labeled1.5', (1.5, 0)),
    ('cifar10.3@250-5000_unlabeled20', (0, 20))])
def test_imbalance_is_in_the_name(text, ratios):
    name = names.parse(text)
    assert (name.imbalance_labeled, name.imbalance_unlabeled) == ratios and str(name) == text
    given = names.parse(text.partition('_')[0]).skewed(imbalance_labeled=ratios[0], imbalance_unlabeled=ratios[1])
    assert given == name == name.skewed(imbalance_labeled=ratios[0], imbalance_unlabeled=0.)


@pytest.mark.parametrize('ratio', [0.5, -0.99, 1e7, float('inf'), float('nan')])
def test_ratios_that_cannot_be(ratio):
    for flag in ('imbalance_labeled', 'imbalance_unlabeled'):
        with refused(f'--{flag}={ratio}: give the ratio'):
            names.parse('cifar10-5000').skewed(**{flag: ratio})


def test_flag_against_name():
    with refused('--imbalance_labeled=50.0: --dataset=cifar10-5000_labeled100 says another'):
        names.parse('cifar10-5000_labeled100').skewed(imbalance_labeled=50.)
    for text in ('cifar10-5000_labeled0.5', 'cifar10-5000_unlabeled2_labeled2', 'cifar10-5000_labeled',
                 'cifar10_labeled2', f'cifar10-5000_labeled{"1" * 400}'):
        with refused(f'--dataset={text[:40]}'):
            names.parse(text)
