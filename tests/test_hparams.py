"""Hyper-parameters: their fields, their bounds, and that the tables of all scripts hold what they should."""

import functools
import importlib
import inspect
import math

import runner
from libml import hparams, train
from libml.hparams import Hparam
from libml.utils import InputError
from refusals import refused

import numpy as np
import pytest
from absl import flags

SCRIPTS = sorted(str(path.relative_to(runner.ROOT).with_suffix('')).replace('/', '.')
                 for folder in ('.', 'ablation') for path in (runner.ROOT / folder).glob('*.py')
                 if path.name not in ('setup.py', '__init__.py'))


def models(script):
    """The models that a script defines."""
    module = importlib.import_module(script)
    found = [value for _, value in inspect.getmembers(module, inspect.isclass)
             if issubclass(value, train.Model) and value.__module__ == script]
    assert found
    return found


def nonsense(spec):
    """Values that a number of these bounds cannot have, at least one beyond each bound."""
    beyond = [(spec.low, -1e-6), (spec.above, 0), (spec.high, 1e-6), (spec.below, 0)]
    if type(spec.default) is int:
        beyond = [(bound, math.copysign(1, by) if by else 0) for bound, by in beyond]
    return [math.nan, math.inf, -math.inf, 'text', *(bound + by for bound, by in beyond if bound is not None)]


def test_fields():
    spec = Hparam(0.5, 'Some number.', low=0)
    assert (spec.default, spec.help, spec.named, spec.low, spec.high) == (0.5, 'Some number.', True, 0, None)
    other = spec._replace(default=1.5)
    assert other == Hparam(1.5, 'Some number.', low=0) and spec.default == 0.5
    assert not Hparam('', 'Not named.', False).named
    with pytest.raises(AttributeError):
        spec.default = 2.


def test_flags_of_a_type(monkeypatch):
    """Flags of the script, whose --help shows them; what is given is converted."""
    known = flags.FlagValues()
    for default, kind in ((True, 'boolean'), (3, 'integer'), (0.5, 'float'), ('a', 'string')):
        monkeypatch.setitem(hparams.FLAG_KINDS, type(default), functools.partial(
            hparams.FLAG_KINDS[type(default)], flag_values=known))
        Hparam(default, 'What it does.').define('script.py', kind, default)
        assert known[kind].value == default and type(known[kind].value) is type(default)
    Hparam(2., '').define('script.py', 'old', None, 'Another text.')
    assert known['old'].value is None and known['old'].help == 'Another text.'
    known(['script.py', '--old=3', '--noboolean'])
    assert known.old == 3. and known.boolean is False and known['float'].help == 'What it does.'
    assert {flag.name for flag in known.flags_by_module_dict()['script.py']} == {
        'boolean', 'integer', 'float', 'string', 'old'}


@pytest.mark.parametrize('spec, value, result', [
    (Hparam(0.5, ''), 75, 75.), (Hparam(1, ''), 2., 2), (Hparam(1, ''), np.int64(3), 3),
    (Hparam(0.5, '', low=0, high=1), np.float32(1), 1.), (Hparam(True, ''), np.False_, False),
    (Hparam('', ''), 'x', 'x')])
def test_values_have_the_type_of_the_default(spec, value, result):
    checked = spec.checked('a', value)
    assert checked == result and type(checked) is type(spec.default)


def test_lengths_in_kimg_need_not_be_whole():
    assert repr([Hparam(64, '').checked('train_kimg', value) for value in (0.5, 2.)]) == '[0.5, 2]'


@pytest.mark.parametrize('spec, value, text', [
    (Hparam(1, '', low=1), 0, 'give a whole number of at least 1'), (Hparam(1, ''), 1.5, 'give a whole number'),
    (Hparam(0.5, '', above=0), 0., 'give a number larger than 0'), (Hparam(0.5, ''), math.nan, 'give a number'),
    (Hparam(0.5, '', low=0, below=1), 1., 'give a number of at least 0 and smaller than 1'),
    (Hparam(0.5, '', above=0, high=1), 1.5, 'give a number larger than 0 and of at most 1'),
    (Hparam(0.5, ''), 'high', 'give a number'), (Hparam(1, ''), True, 'give a whole number'),
    (Hparam(True, ''), 'yes', 'give true or false'), (Hparam('', ''), 3, 'give a text'),
    (Hparam(0.5, '', low=0), 1e39, 'give a number of at least 0 that can be computed with: 0 and 1.2e-38 to 3.4e+38'),
    (Hparam(0.5, '', above=0), 1e-39, 'give a number larger than 0 that can be computed with'),
    (Hparam(1, '', low=1), 10 ** 15 + 1, 'give a whole number of at least 1 that can be computed with: up to 10000'),
    (Hparam(1, '', low=1), 10 ** 30, 'give a whole number of at least 1 that can be')])
def test_wrong_values(spec, value, text):
    with refused(f'--name={value}: {text}'):
        spec.checked('name', value)


@pytest.mark.parametrize('script', SCRIPTS)
def test_every_number_of_every_script_has_bounds_that_are_checked(script, tmp_path):
    """In Model.__init__, before the dataset is looked at; a default is inside of its bounds."""
    for model in models(script):
        for name, spec in {**model.LOOP_FLAGS, **model.HPARAMS}.items():
            assert name.isidentifier() and type(spec.default) in (bool, int, float, str) and type(spec.named) is bool
            assert spec.help, name
            assert spec.checked(name, spec.default) == spec.default
            if type(spec.default) not in (int, float):
                continue
            assert spec.low is not None or spec.above is not None, f'{model.__name__}: {name} has no bounds'
            bound = str(spec.low if spec.above is None else spec.above)
            for value in nonsense(spec):
                with refused(f'--{name}={value}: give a', 'number', bound):
                    if name in model.HPARAMS:
                        model(str(tmp_path), None, **{name: value})
                    else:
                        spec.checked(name, value)


def test_ablations_of_one_hyper_parameter_keep_its_bounds():
    with pytest.raises(InputError, match='--nu=1: give a whole number of at least 2'):
        models('ablation.cta_mixmatch')[0]('', None, nu=1)
