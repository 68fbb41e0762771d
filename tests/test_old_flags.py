"""Flags of the original code: their values under today's names, and those that have no effect."""

import json

import runner
import toy
from ablation.ab_fixmatch_momentum import AB_FixMatch_Momentum
from adamatch import AdaMatch

import pytest

PROGRAM = '''
import json, sys
from libml import train
from {module} import {model}

def load_dataset(cls, args):
    print(json.dumps(args))
    sys.exit(7)

{model}.load_dataset = classmethod(load_dataset)
sys.argv = ['script.py', *sys.argv[1:]]
train.run({model})
'''


def taken(model, *flags):
    """(exit code, all lines that are printed before, the arguments that the dataset is loaded with, stderr)."""
    code, out, err = runner.run('-c', PROGRAM.format(module=model.__module__, model=model.__name__), *flags)
    *lines, args = out.splitlines() or ['null']
    return code, lines, json.loads(args), err


def test_adamatch():
    code, lines, args, _ = taken(AdaMatch, '--train_mimg=8', '--logdir=there', '--keep_ckpts=0', '--para_parse=4',
                                 '--shuffle=8192', '--log_device_placement')
    assert code == 7 and (args['train_kimg'], args['train_dir']) == (8192, 'there') and args['keep_ckpt'] >= 1 << 20
    assert lines == ['No effect, accepted as in the original: --para_parse --shuffle --log_device_placement']


def test_a_flag_by_both_names():
    code, _, _, err = taken(AdaMatch, '--train_mimg=8', '--train_kimg=9')
    assert code == 1 and err == 'error: --train_mimg=8 is --train_kimg: give one of them'


def test_nesterov():
    code, lines, args, _ = taken(AB_FixMatch_Momentum, '--nonesterov')
    assert code == 7 and args['use_nesterov'] is False and not lines


@pytest.mark.parametrize('arch, filters, scales', [('wrn28-2', 32, 3), ('wrn28-4', 64, 3), ('wrn34-2', 32, 4),
                                                   ('wrn40-2', 32, 5)])
def test_networks_of_adamatch(tmp_path, monkeypatch, arch, filters, scales):
    monkeypatch.setattr(AdaMatch, 'algorithm', toy.no_graph)
    p = AdaMatch(str(tmp_path), toy.dataset(), arch=arch, filters=7).params
    assert (p.arch, p.filters, p.scales, p.repeat) == ('resnet', filters, scales, 4)
