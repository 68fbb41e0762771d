"""Models: their seed and their schedules, and how scripts tell of bad commands."""

import json
import os
import re

import runner
import toy
from libml import train
from libml.hparams import Hparam
from libml.utils import InputError
from pi_model import PiModel
from refusals import refused
from short_runs import arrays, assert_same_bits, metrics, trained

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


def test_same_seed_same_bits_other_seed_other_bits(tmp_path):
    a, b = [trained(tmp_path / name, 32, arch='shake').folder.path for name in 'ab']
    assert_same_bits(a, b)
    assert metrics(a) == metrics(b)
    a, other = arrays(a), arrays(trained(tmp_path / 'c', 8, arch='shake', seed=2).folder.path)
    assert np.any(a['classify/conv2d/kernel'] != other['classify/conv2d/kernel'])


def test_a_schedule_that_needs_the_length_is_not_forgotten(tmp_path, capsys):
    """A later schedule that does not need train_kimg leaves the note of an earlier one that does. What such a run is
    trained to is not its length."""
    model = PiModel(tmp_path, toy.dataset(size=8), arch='convnet', batch=8, filters=4, scales=1, warmup_pos=0.)
    assert not model.depends_on_length
    with model.graph.as_default():
        model.progress()
        model.ramp()
    assert model.depends_on_length
    model.train(8, 1024)
    assert model.folder.read_args()['train_kimg'] == 65536
    assert 'train_kimg=65536, and training ends at kimg 0.0078125: until kimg 65536 the run' in capsys.readouterr().out


def test_a_session_says_which_picture_its_streams_could_not_make(tmp_path, monkeypatch):
    """Wherever streams are read: in training, in tuning, for the views of a plot."""
    class Damaged:
        def explain(self):
            raise InputError('7.png is damaged')

    model = PiModel(tmp_path, toy.dataset(size=8), **toy.SMALL, warmup_pos=0.)
    monkeypatch.setattr(model.streams, '_on_demand', [Damaged()])
    with refused('7.png is damaged'), model.session():
        raise tf.errors.InvalidArgumentError(None, None, 'in the iterator')


@pytest.mark.parametrize('args, text', [
    (['--dataset=cifar10-3@250'], '<name>.<seed>@<labels>-<valid>'),
    (['--dataset=cifar11.3@250-5000'], 'cifar10'),
    (['--dataset=cifar10.3@250-5000'], 'scripts/create_datasets.py'),
    (['--dataset=digits.1@1401-0'], '1400'),
    (['--dataset=digits.1@40-1400'], 'can be 1360 at most'),
    (['--dataset=digits-100'], 'unlabeled'),
    (['--dataset=digits.1@40-100', '--mixmode=yy.'], 'xxy.yxy'),
    (['--dataset=digits.1@40-100', '--p_unlabeled=1,2'], '10 comma-separated'),
    (['--dataset=digits.1@40-100', '--eval_ckpt=nowhere'], 'no checkpoint at nowhere'),
    (['--dataset=digits.1@40-100', 'stray'], 'stray'),
    (['--dataset=digits.1@40-100', '--filters=1000000'], '--filters=1000000 --repeat=4 --scales=1: classify/conv2d_'),
    (['--lr=nan'], '--lr=nan: give a number larger than 0'),
    (['--report_kimg=0'], '--report_kimg=0: give a whole number larger than 0'),
])
def test_bad_command_is_one_line_and_exit_1(tmp_path, data_dir, args, text):
    code, _, err = runner.run('mixmatch.py', *args, f'--data_dir={data_dir}', f'--train_dir={tmp_path}')
    assert code == 1 and err.startswith('error: ') and text in err and len(err.splitlines()) == 1, err
    assert not os.listdir(tmp_path)


class Named(train.Model):
    """Has a name, checks its texts and builds no graph."""

    HPARAMS = dict(train.Model.HPARAMS, share=Hparam(0.5, 'A number.', low=0, high=1),
                   kind=Hparam('a', 'A text.', False))

    def resolve_params(self):
        super().resolve_params()
        self.check_choice('kind', ('a', 'b'))

    def model(self):
        return toy.no_graph(self)


def test_names_of_runs(tmp_path):
    """Integers for floats are floats, as from flags; what is not named is not in the folder's name."""
    model = Named(str(tmp_path), toy.dataset(), share=1, kind='b', rerun='again', seed=3)
    assert model.experiment_name() == 'Named_batch64_lr0.0001_nclass5_share1.0'
    assert model.folder.path == str(tmp_path / 'toy' / 'again' / model.experiment_name())
    args = model.arguments()
    assert (args['method'], args['dataset'], args['kind'], args['seed']) == ('Named', 'toy', 'b', 3)
    assert args['model'] == f'{__name__}:Named' and args['whiten'] is False


@pytest.mark.parametrize('params, text', [
    *((dict(rerun=rerun), f'--rerun={re.escape(str(InputError(rerun)))}: give the name of one folder')
      for rerun in ('../x', '/x', 'a/b', 'a\\b', '.', '..', '.a', '-a', '--', 'a\nb', '\x1b[1m', '\udcff', '\0')),
    (dict(shares=1.), 'Named has no hyper-parameter shares: it has batch, kind, lr'),
    (dict(batch=0), '--batch=0: give a whole number of at least 1'),
    (dict(share=1.5), '--share=1.5: give a number of at least 0 and of at most 1'),
    (dict(share=float('nan')), '--share=nan'), (dict(lr=0), '--lr=0: give a number larger than 0'),
    (dict(lr=float('inf')), '--lr=inf'), (dict(kind='c'), '--kind=c: choose one of a, b')])
def test_wrong_hyper_parameters(tmp_path, params, text):
    with pytest.raises(InputError, match=text):
        Named(str(tmp_path), toy.dataset(), **params)


@pytest.mark.parametrize('args, text', [
    (dict(report_nimg=0), '--report_kimg=0: give a whole number larger than 0'),
    (dict(report_nimg=float('nan')), '--report_kimg=nan'), (dict(save_nimg=-512), '--save_kimg=-0.5'),
    (dict(keep_ckpt=0), '--keep_ckpt=0: give a whole number of at least 1')])
def test_wrong_lengths_of_training(tmp_path, args, text):
    with pytest.raises(InputError, match=text):
        Named(str(tmp_path), toy.dataset()).train(64, **{'report_nimg': 64, **args})
    assert not os.listdir(tmp_path)


GIVEN = '''
import json, sys
from libml import models, train

class Plain(models.MultiModel):
    """Shows what it is built with."""

    load_dataset = classmethod(lambda cls, args: None)

    def __init__(self, train_dir, dataset, **params):
        print(json.dumps(params))
        sys.exit(7)

train.run(Plain, lr=0.5)
'''


def test_a_model_is_built_with_what_is_given():
    """By the script or as a flag, also if that is the default: a network can have a default of its own."""
    code, out, err = runner.run('-c', GIVEN, '--arch=resnet50', '--bn_momentum=0.999', '--report_kimg=3')
    assert code == 7, err
    assert json.loads(out) == dict(lr=0.5, arch='resnet50', bn_momentum=0.999)


def test_numbers_of_kimg():
    for kind in (int, np.int64):  # args.json takes Python's numbers.
        assert [repr(train.in_kimg(kind(n))) for n in (0, 1024, 65536, 512)] == ['0', '1', '64', '0.5']
