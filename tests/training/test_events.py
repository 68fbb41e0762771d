"""What TensorBoard shows of runs: asked as a browser asks it."""

import importlib.util
import sys
import time

import disk_calls
import toy
from libml import train
from libml.hparams import Hparam
from libml.training import events

import pytest
import tensorflow as tf
import werkzeug.test
from easydict import EasyDict
from tensorboard.backend import application
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.core import core_plugin
from tensorboard.plugins.hparams import hparams_plugin
from tensorboard.plugins.scalar import scalars_plugin


class Board:
    """TensorBoard on a folder, as it would start now."""

    def __init__(self, folder):
        runs = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
        provider = data_provider.MultiplexerDataProvider(runs, str(folder))
        context = base_plugin.TBContext(data_provider=provider, logdir=str(folder))
        plugins = core_plugin.CorePlugin, scalars_plugin.ScalarsPlugin, hparams_plugin.HParamsPlugin
        self.client = werkzeug.test.Client(application.TensorBoardWSGI([p(context) for p in plugins],
                                                                       data_provider=provider))

    def get(self, path):
        return self.client.get(f'/data/{path}').get_json()

    def post(self, path, **request):
        return self.client.post(f'/data/plugin/hparams/{path}', json=request).get_json(force=True)

    def sessions(self):
        """dict: run -> (its hyper-parameters, tag -> last value, status)."""
        found = self.post('session_groups', startIndex=0, sliceSize=100,
                          allowedStatuses=['STATUS_UNKNOWN', 'STATUS_RUNNING', 'STATUS_SUCCESS', 'STATUS_FAILURE'])
        return {group['name']: (group['hparams'],
                                {metric['name']['tag']: metric['value'] for metric in group.get('metricValues', [])},
                                group['sessions'][0]['status'])
                for group in found['sessionGroups']}


def write(folder, step, reports, hparams, ends=True):
    """What a process that starts at `step` writes: its hyper-parameters, and (step, accuracy) pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    time.sleep(0.001)  # The names of event files are times.
    file = events.EventFile(str(folder), step)
    file.start_hparams(step, hparams)
    for step, accuracy in reports:
        file.add(step, {'accuracy': accuracy, 'accuracy/raw': accuracy / 2})
    if ends:
        file.end_hparams(step)
    file.close()


def test_dashboard_of_two_runs(tmp_path):
    for beta in (0.5, 0.75):
        write(tmp_path / f'Mix_beta{beta}' / 'tf', 0, [(64, 10.), (128, 100 * beta)],
              dict(beta=beta, dataset='digits.1@40-1', seed=3, use=True), ends=beta == 0.5)
    board = Board(tmp_path)
    names = ['Mix_beta0.5/tf', 'Mix_beta0.75/tf']
    assert board.get('runs') == names
    assert {run: set(tags) for run, tags in board.get('plugin/scalars/tags').items()} == {
        name: {'accuracy', 'accuracy/raw'} for name in names}
    experiment = board.post('experiment')
    assert {info['name']: (info['type'], info['differs']) for info in experiment['hparamInfos']} == {
        'beta': ('DATA_TYPE_FLOAT64', True), 'dataset': ('DATA_TYPE_STRING', False),
        'seed': ('DATA_TYPE_FLOAT64', False), 'use': ('DATA_TYPE_BOOL', False)}
    assert [(info['name'], info['domainInterval']) for info in experiment['hparamInfos'] if info['differs']] == [
        ('beta', dict(minValue=0.5, maxValue=0.75))]
    assert [info['name']['tag'] for info in experiment['metricInfos']] == ['accuracy', 'accuracy/raw']
    same = dict(dataset='digits.1@40-1', seed=3., use=True)
    assert board.sessions() == {
        names[0]: (dict(same, beta=0.5), {'accuracy': 50., 'accuracy/raw': 25.}, 'STATUS_SUCCESS'),
        names[1]: (dict(same, beta=0.75), {'accuracy': 75., 'accuracy/raw': 37.5}, 'STATUS_UNKNOWN')}


def test_resumed_runs(tmp_path):
    """A run that was killed after 192 goes on at 128; a finished one is started again. Nothing is lost or twice."""
    folder = tmp_path / 'run' / 'tf'
    write(folder, 0, [(64, 1.), (128, 2.), (192, 3.)], dict(beta=0.5), ends=False)
    write(folder, 128, [(192, 4.)], dict(beta=0.5))
    write(folder, 192, [], dict(beta=0.5))
    board = Board(tmp_path)
    scalars = board.get('plugin/scalars/scalars?tag=accuracy&run=run/tf')
    assert [row[1:] for row in scalars] == [[64, 1.], [128, 2.], [192, 4.]]
    assert board.sessions() == {'run/tf': (dict(beta=0.5), {'accuracy': 4., 'accuracy/raw': 2.}, 'STATUS_SUCCESS')}


class Counter(train.Model):
    """Counts images and calls everything class 0."""

    HPARAMS = dict(train.Model.HPARAMS, word=Hparam('a', 'Some text.'), lr=Hparam(0.1, 'A number.'),
                   use=Hparam(False, 'A truth.'))

    def model(self):
        x = tf.compat.v1.placeholder(tf.float32, [None, 16, 16, 3])
        weight = tf.compat.v1.get_variable('weight', [])
        p = tf.one_hot(tf.zeros(tf.shape(x)[:1], tf.int32), self.params.nclass)
        return EasyDict(x=x, loss=weight.read_value(), classify_raw=p, classify_op=p, losses={}, monitors={},
                        train_op=self.step.assign_add(self.params.batch, read_value=False))


def test_training_writes_its_hyper_parameters(tmp_path):
    for train_kimg in (1, 2):
        model = Counter(str(tmp_path), toy.dataset(), word='b', seed=7, train_kimg=train_kimg)
        model.train(train_kimg << 10, 1 << 10)
    (name, (hparams, metrics, status)), = Board(tmp_path).sessions().items()
    assert name == 'Counter toy seed=7 train_kimg=1 word=b'
    assert hparams == dict(method='Counter', dataset='toy', word='b', lr=0.1, use=False, batch=64., seed=7., rerun='',
                           train_kimg=1.)  # TensorBoard keeps what it reads first.
    assert metrics['accuracy'] == 20 and metrics['accuracy/raw'] == 20 and status == 'STATUS_SUCCESS'


def test_events_before_a_checkpoint_survive_a_power_cut(tmp_path, monkeypatch):
    model = Counter(str(tmp_path), toy.dataset())
    calls = disk_calls.recorded(monkeypatch)
    model.train(32, 32, 32)
    kinds = [call.partition('.')[0] for call in calls
             if call.startswith('fsync events') or call.startswith('replace') and call.endswith('.index')]
    assert kinds == ['fsync events', 'replace model'] * 2


def test_without_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorboard.plugins.hparams', None)
    with pytest.raises(ImportError):
        from tensorboard.plugins.hparams import summary  # noqa: F401
    spec = importlib.util.spec_from_file_location('events_alone', events.__file__)
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    file = alone.EventFile(str(tmp_path), 0)
    file.start_hparams(0, dict(beta=0.5))
    file.add(64, {'accuracy': 1.})
    file.end_hparams(64)
    file.close()
    found = list(events.read(file.path))
    assert [value.tag for event in found for value in event.summary.value] == ['accuracy']


def test_short_names(tmp_path):
    """What a grid varies, sorted; nothing that follows from the dataset."""
    def short_name(dataset=None, **params):
        return events.short_name(Counter(str(tmp_path), dataset or toy.dataset(), **params))

    assert short_name() == 'Counter toy'
    assert short_name(word='a', lr=0.1) == 'Counter toy'
    assert short_name(rerun='again', lr=3) == 'Counter toy lr=3.0 rerun=again'
    origin = dict(data_dir='there', p_unlabeled='1,2,3,4,5', source='a', target='b', enlarge=False)
    assert short_name(toy.dataset(whiten=True, origin=origin), use=True) == (
        'Counter toy p_unlabeled=1,2,3,4,5 use=True whiten=True')


def test_rows_of_one_title_are_one(tmp_path):
    for i, accuracy in enumerate((10., 30.)):
        (tmp_path / f'{i}').mkdir()
        file = events.EventFile(str(tmp_path / f'{i}'), 0)
        file.start_hparams(0, dict(beta=0.5), 'Mix toy')
        file.add(64, {'accuracy': accuracy})
        file.close()
    assert Board(tmp_path).sessions() == {'Mix toy': (dict(beta=0.5), {'accuracy': 20.}, 'STATUS_UNKNOWN')}


def test_events_of_a_worker_that_writes_nothing():
    none = events.NoEvents()
    none.add(1, dict(loss=1.))
    none.start_hparams(0, dict(lr=1.))
    none.end_hparams(2)
    none.sync()
    none.close()
    assert not hasattr(none, 'path')
