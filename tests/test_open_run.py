"""A run folder opened as the model that was trained in it."""

import json
import os

import toy
from libml import open_run, train
from libml.data import Subset
from libml.data_pair import DATASETS
from libml.training import checkpoint, run_groups
from libml.utils import InputError
from mixmatch import MixMatch
from refusals import refused

import numpy as np
import pytest

PARAMS = dict(toy.SMALL, arch='convnet', lr=0.5, rerun='again')


class ToyMatch(MixMatch):
    """A MixMatch whose flags name toy data: --data_dir stands for its seed."""

    @classmethod
    def load_dataset(cls, args):
        return toy.dataset(size=8, whiten=args['whiten'], seed=len(args['data_dir']),
                           origin=dict(data_dir=args['data_dir']))


class Unfinished(ToyMatch):
    """A class that others derive from."""

    def algorithm(self):
        raise NotImplementedError


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A model after two steps, its args.json, and its predictions with averaged weights for the test set."""
    args = dict(data_dir='four', whiten=True, train_dir=str(tmp_path_factory.mktemp('runs')))
    model = ToyMatch(args['train_dir'], ToyMatch.load_dataset(args), **PARAMS)
    model.train(16, 16)
    return model, model.folder.read_args(), predictions(model, checkpoint.find(model.folder.path))


def predictions(model, path):
    images = model.dataset.test.images.astype(np.float32) / 127.5 - 1
    with model.session(path) as session:
        return session.run([model.ops.classify_op, model.step], {model.ops.x: images})


def test_what_is_recorded(trained):
    model, args, _ = trained
    assert args['model'] == f'{__name__}:ToyMatch'
    assert args['filters'] == 4 and args['data_dir'] == 'four'
    # Going on is not refused for the place of the class, nor for a folder that does not know it.
    for old in (dict(args, model='elsewhere:ToyMatch'), {k: v for k, v in args.items() if k != 'model'}):
        with open(model.folder.args_file, 'w') as f:
            json.dump(old, f)
        given = {name: value for name, value in args.items() if name != 'versions'}
        model.folder.open(given, [], checkpoint.find(model.folder.path), model.HPARAMS)
        assert model.folder.read_args()['model'] == args['model']


def test_an_opened_run_predicts_as_the_trained_one(trained, tmp_path):
    model, args, expected = trained
    assert expected[1] == 16
    moved = str(tmp_path / 'moved')
    os.rename(model.folder.path, moved)
    for path in (moved, os.path.join(moved, 'tf', 'model.ckpt-00000016')):
        opened, found = open_run.open_run(path)
        assert type(opened) is ToyMatch and opened is not model
        assert opened.params == model.params and opened.folder.path == moved
        assert found.endswith('model.ckpt-00000016')
        for a, b in zip(predictions(opened, found), expected):
            np.testing.assert_array_equal(a, b)
    other, _ = open_run.open_run(moved, data_dir='seven77')
    assert not np.array_equal(other.dataset.test.images, model.dataset.test.images)
    os.rename(moved, model.folder.path)
    assert isinstance(other.dataset.test, Subset)


def test_where_the_data_came_from_is_recorded_without_flags(trained):
    """As in a program of one's own: how the dataset was loaded is part of the run, and another way is refused."""
    model, args, _ = trained
    assert args['whiten'] is True and open_run.open_run(model.folder.path)[0].dataset.whitened
    plain = ToyMatch(model.train_dir, ToyMatch.load_dataset(dict(data_dir='four', whiten=False)), **PARAMS)
    with pytest.raises(InputError, match='was trained with whiten=True, not whiten=False'):
        plain.train(32, 16)


def test_a_run_of_a_program_is_finished_and_finds_its_data_from_elsewhere(tmp_path, monkeypatch):
    """It records what it was trained to, and no relative path."""
    for name in ('here', 'there'):
        (tmp_path / name).mkdir()
    monkeypatch.delenv('ML_DATA', raising=False)
    monkeypatch.chdir(tmp_path / 'here')
    model = MixMatch('runs', DATASETS['digits.1@40-100'](), **dict(PARAMS, scales=1))
    model.train(16, 8)
    path = os.path.abspath(model.folder.path)
    assert model.folder.read_args()['train_kimg'] == 16 / 1024
    monkeypatch.chdir(tmp_path / 'there')
    assert run_groups.unfinished(run_groups.read(path)) == ''
    opened, _ = open_run.open_run(path)
    assert opened.params == model.params and len(opened.dataset.labeled) == 40
    assert not os.listdir(tmp_path / 'there')


@pytest.mark.parametrize('name, expected', [
    ('nosuch_module:X', 'cannot import model nosuch_module:X'), ('mixmatch:NoSuch', 'NoSuch'),
    ('mixmatch', 'cannot import model mixmatch'), (':MixMatch', 'cannot import'), (7, 'cannot import model 7'),
    ('os:system', 'os:system is no model'), ('libml.train:Model', 'libml.train:Model is no model'),
    ('no_python:X', 'cannot import model no_python:X: 7 is too much'),
    ('libml.data:DataSet', 'is no model'), ('..up:X', 'cannot import')])
def test_classes_that_are_none(tmp_path, monkeypatch, name, expected):
    (tmp_path / 'no_python.py').write_text('raise RuntimeError("7 is too much")')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=expected) as error:
        open_run.load_class(name, '/run/args.json')
    assert '/run/args.json' in str(error.value) and '\n' not in str(error.value)


def test_folders_that_are_no_runs(trained, tmp_path):
    with pytest.raises(InputError, match='no checkpoint'):
        open_run.open_run(str(tmp_path))
    model, args, _ = trained
    os.makedirs(tmp_path / 'run' / 'args')
    os.symlink(model.folder.tf, tmp_path / 'run' / 'tf')
    with refused(f'there is no {tmp_path}/run/args/args.json: repeat the command that trained this run'):
        open_run.open_run(str(tmp_path / 'run'))
    old = {name: value for name, value in args.items() if name != 'model'}
    (tmp_path / 'run' / 'args' / 'args.json').write_text(json.dumps(old))
    with refused(f'{tmp_path}/run/args/args.json does not name a model: repeat the command'):
        open_run.open_run(str(tmp_path / 'run'))
    args = {name: value for name, value in args.items() if name != 'data_dir'}
    (tmp_path / 'run' / 'args' / 'args.json').write_text(json.dumps(args))
    with pytest.raises(InputError, match='does not say where the data lay: give --data_dir=FOLDER'):
        open_run.open_run(str(tmp_path / 'run'))
    assert open_run.open_run(str(tmp_path / 'run'), data_dir='four')[0].dataset.name == 'toy'
    assert issubclass(ToyMatch, train.Model)


@pytest.mark.parametrize('name, value, text', [
    ('model', f'{__name__}:Unfinished', f'{__name__}:Unfinished is no model that can be built'),
    ('whiten', 'yes', '--whiten=yes: give true or false'), ('p_unlabeled', 5, '--p_unlabeled=5: give a text'),
    ('imbalance_labeled', 'x', '--imbalance_labeled=x: give a number'), ('crop_area', None, '--crop_area=None: give a'),
    ('size', 'large', '--size=large: give a whole number'), ('data_dir', 'a\0', 'data_dir is '),
    ('init', 5, 'init is 5'), ('repeat', True, '--repeat=True: give a whole number')])
def test_arguments_of_another_program(trained, tmp_path, name, value, text):
    model, args, _ = trained
    os.makedirs(tmp_path / 'run' / 'args')
    os.symlink(model.folder.tf, tmp_path / 'run' / 'tf')
    (tmp_path / 'run' / 'args' / 'args.json').write_text(json.dumps({**args, name: value}))
    with refused(f'{tmp_path}/run/args/args.json', text):
        open_run.open_run(str(tmp_path / 'run'))


def test_a_skewed_dataset_is_found_again(tmp_path):
    """The ratios are in the dataset's name, and so in the run's folder and args.json."""
    flags = dict(dataset='digits.1@100-100', data_dir=str(tmp_path / 'data'), whiten=False, p_unlabeled='')
    dataset = MixMatch.load_dataset(dict(flags, imbalance_labeled=5., imbalance_unlabeled=-10.))
    model = MixMatch(str(tmp_path / 'runs'), dataset, **dict(PARAMS, arch='convnet', scales=1))
    model.train(8, 8)
    assert model.folder.path.startswith(f'{tmp_path}/runs/digits.1@100-100_labeled5_unlabeled-10/again/')
    found, _ = open_run.open_run(model.folder.path)
    for name in ('labeled', 'unlabeled', 'valid'):
        assert getattr(found.dataset, name).positions.tolist() == getattr(dataset, name).positions.tolist()
    assert np.bincount(found.dataset.labeled.labels).tolist() == [10, 8, 6, 5, 4, 4, 3, 2, 2, 2]
