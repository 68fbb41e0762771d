"""The grammar of --augment."""

import itertools

import toy
from libml.augment import cta_learner, randaugment_imagenet, usb
from libml.augment import tokens as augment_grammar
from libml.augment.autoaugment import AutoAugment
from libml.augment.randaugment import RandAugment, RandomLevelRandAugment
from libml.augment.weak import Weak
from libml.utils import InputError

import pytest
from easydict import EasyDict

TOKENS = ['d', 'x', 'm', 'aa', 'aac', 'ra', 'rac', 'rac2', 'rac9', 'r1_1_0', 'r4_15_75', 'r2_10_25',
          'usb', 'rai']


def dataset(base):
    """A DataSet of this name, whose weak augmentation mirrors and shifts by 2 pixels."""
    made = toy.dataset()
    made.base = base
    return made


WEAK = dict(x=Weak(False, 0), m=Weak(True, 0), d=Weak(True, 2))


@pytest.mark.parametrize('token, weak, strong', [
    ('x', 'x', None), ('m', 'm', None), ('d', 'd', None),
    ('aa', 'd', AutoAugment('svhn')), ('aac', 'd', AutoAugment('svhn', cutout=True)),
    ('ra', 'd', RandomLevelRandAugment(10, cutout=False, nops=2)),
    ('rac', 'd', RandomLevelRandAugment(10, cutout=True, nops=2)),
    ('rac4', 'd', RandomLevelRandAugment(4, cutout=True, nops=2)),
    ('r3_12_25', 'd', RandAugment(nops=3, level=12, cutout=25)), ('usb', 'd', usb.strong),
    ('rai', 'd', randaugment_imagenet.strong)])
def test_tokens(token, weak, strong):
    first, second = augment_grammar.parse(f'd.{token}', dataset('svhn'))
    assert (first.weak, first.strong, first.name) == (WEAK['d'], None, 'd')
    assert (second.weak, second.strong, second.name) == (WEAK[weak], strong, token)


def test_any_string_of_tokens():
    for n in 2, 3:
        for tokens in itertools.product(TOKENS, repeat=n):
            assert [view.name for view in augment_grammar.parse('.'.join(tokens), dataset('cifar10'))] == list(tokens)
    assert len(augment_grammar.parse('d.aac.d.rac3', dataset('cifar100'))) == 4


@pytest.mark.parametrize('name', ['cifar10', 'cifar10_1_v4', 'cifar10_1_v6', 'cifar100', 'svhn', 'svhn_noextra'])
def test_datasets_with_policies(name):
    assert augment_grammar.parse('d.aa', dataset(name))[1].strong == AutoAugment(name)


@pytest.mark.parametrize('token', ['q', '', 'D', 'rac1', 'rac0', 'rac10', 'ra2', 'r0_1_0', 'r5_1_0', 'r1_0_0',
                                   'r1_16_0', 'r1_1_10', 'r1_1', 'r1_1_0_', 'r01_1_0', 'rac2\n', ' d', 'aacc'])
def test_unknown_token(token):
    with pytest.raises(InputError) as error:
        augment_grammar.parse(f'd.d.{token}', dataset('cifar10'))
    text = str(error.value)
    assert text.startswith('field 3 of ') and repr(token) in text and '\n' not in text
    assert all(word in text for word in ('x m d aa aac ra rac', 'rac2 to rac9', 'r<n>_<m>_<c>'))


@pytest.mark.parametrize('name', ['stl10', 'fashion_mnist', 'digits'])
@pytest.mark.parametrize('token', ['aa', 'aac'])
def test_no_policy_for_dataset(name, token):
    with pytest.raises(InputError, match=f'field 1 of .* {token}, .* cifar10, .*{name} has none'):
        augment_grammar.parse(f'{token}.d', dataset(name))


@pytest.mark.parametrize('augment, counts', [('d', (2, 3, 4)), ('', (2,)), ('d.d.d', (2,)), ('d.d', (3,)),
                                             ('d.d.d.d.d', (2, 3, 4))])
def test_wrong_number_of_fields(augment, counts):
    with pytest.raises(InputError) as error:
        augment_grammar.parse(augment, dataset('cifar10'), counts)
    assert repr(augment) in str(error.value) and str(error.value).endswith(' or '.join(map(str, counts)))


def test_program_of_three_of_two_and_of_one_field():
    params = dict(augment='x.d.rac')
    program = augment_grammar.Program(EasyDict(params), dataset('cifar10'))
    assert [view.name for view in (program.labeled, program.weak, program.strong)] == ['x', 'd', 'rac']
    assert program.cta is None and program.components(toy.dataset()) == ['toy.x.d.rac']
    program = augment_grammar.Program(EasyDict(augment='x.rac'), dataset('cifar10'), fields=2)
    assert [view.name for view in (program.labeled, program.weak, program.strong)] == ['x', 'rac', 'rac']
    flags = {name: spec.default for name, spec in cta_learner.HPARAMS.items()}
    program = augment_grammar.Program(EasyDict(augment='m', **flags), dataset('cifar10'), fields=1)
    assert [view.name for view in (program.labeled, program.weak, program.strong)] == ['m'] * 3
    assert program.components(toy.dataset()) == ['toy.m', program.cta.name]
    assert augment_grammar.Program(EasyDict(augment='m', **flags), dataset('cifar10'), fields=1, cta=False).cta is None
