"""The grammar of --augment."""

import itertools

from libml import augment_grammar
from libml.autoaugment import AutoAugment
from libml.randaugment import RandAugment, RandomLevelRandAugment
from libml.utils import InputError

import pytest

TOKENS = ['d', 'x', 'm', 'aa', 'aac', 'ra', 'rac', 'rac2', 'rac9', 'r1_1_0', 'r4_15_75', 'r2_10_25']


@pytest.mark.parametrize('token, weak, strong', [
    ('x', 'none', None), ('m', 'mirror', None), ('d', 'default', None),
    ('aa', 'default', AutoAugment('svhn')), ('aac', 'default', AutoAugment('svhn', cutout=True)),
    ('ra', 'default', RandomLevelRandAugment(10, cutout=False, nops=2)),
    ('rac', 'default', RandomLevelRandAugment(10, cutout=True, nops=2)),
    ('rac4', 'default', RandomLevelRandAugment(4, cutout=True, nops=2)),
    ('r3_12_25', 'default', RandAugment(nops=3, level=12, cutout=25))])
def test_tokens(token, weak, strong):
    assert augment_grammar.parse(f'd.{token}', 'svhn') == (
        augment_grammar.Field('d', 'default', None), augment_grammar.Field(token, weak, strong))


def test_any_string_of_tokens():
    for n in 2, 3:
        for tokens in itertools.product(TOKENS, repeat=n):
            assert [field.text for field in augment_grammar.parse('.'.join(tokens), 'cifar10')] == list(tokens)
    assert len(augment_grammar.parse('d.aac.d.rac3', 'cifar100')) == 4


@pytest.mark.parametrize('dataset', ['cifar10', 'cifar100', 'svhn', 'svhn_noextra'])
def test_datasets_with_policies(dataset):
    assert augment_grammar.parse('d.aa', dataset)[1].strong == AutoAugment(dataset)


@pytest.mark.parametrize('token', ['q', '', 'D', 'rac1', 'rac0', 'rac10', 'ra2', 'r0_1_0', 'r5_1_0', 'r1_0_0',
                                   'r1_16_0', 'r1_1_10', 'r1_1', 'r1_1_0_', 'r01_1_0', 'rac2\n', ' d', 'aacc'])
def test_unknown_token(token):
    with pytest.raises(InputError) as error:
        augment_grammar.parse(f'd.d.{token}', 'cifar10')
    text = str(error.value)
    assert text.startswith('field 3 of ') and repr(token) in text and '\n' not in text
    assert all(word in text for word in ('x m d aa aac ra rac', 'rac2 to rac9', 'r<n>_<m>_<c>'))


@pytest.mark.parametrize('dataset', ['stl10', 'fashion_mnist', 'digits'])
@pytest.mark.parametrize('token', ['aa', 'aac'])
def test_no_policy_for_dataset(dataset, token):
    with pytest.raises(InputError, match=f'field 1 of .* {token}, .* cifar10, .*{dataset} has none'):
        augment_grammar.parse(f'{token}.d', dataset)


@pytest.mark.parametrize('augment, counts', [('d', (2, 3, 4)), ('', (2,)), ('d.d.d', (2,)), ('d.d', (3,)),
                                             ('d.d.d.d.d', (2, 3, 4))])
def test_wrong_number_of_fields(augment, counts):
    with pytest.raises(InputError) as error:
        augment_grammar.parse(augment, 'cifar10', counts)
    assert repr(augment) in str(error.value) and str(error.value).endswith(' or '.join(map(str, counts)))


def test_views():
    fields = augment_grammar.parse('x.d.rac', 'cifar10')
    assert [field.text for field in augment_grammar.views(fields)] == ['d', 'rac']
    assert [field.text for field in augment_grammar.views(fields, 3)] == ['d', 'rac', 'rac', 'rac']
    with pytest.raises(InputError, match='--K=0'):
        augment_grammar.views(fields, 0)
