"""Hyper-parameters: their fields, and that tables of models hold what they should."""

from libml import train
from libml.hparams import Hparam

import pytest


def test_fields():
    spec = Hparam(0.5, 'Some number.')
    assert (spec.default, spec.help, spec.named) == spec == (0.5, 'Some number.', True)
    assert Hparam._fields == ('default', 'help', 'named')
    other = spec._replace(default=1.5)
    assert other == Hparam(1.5, 'Some number.') and spec.default == 0.5
    assert not Hparam('', 'Not named.', False).named
    with pytest.raises(AttributeError):
        spec.default = 2.


@pytest.mark.parametrize('name, spec', [*train.LOOP_FLAGS.items(), *train.Model.HPARAMS.items()])
def test_what_flags_can_be_made_of(name, spec):
    assert name.isidentifier() and type(spec.default) in (bool, int, float, str) and type(spec.named) is bool
    assert spec.help[0].isupper() and spec.help.endswith('.')
