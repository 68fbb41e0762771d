"""TF_CONFIG: what is read in it, and what is refused."""

import json

from libml.workers import cluster
from refusals import refused

import pytest

TWO = ['a:1', 'b:2']


def config(monkeypatch, value):
    monkeypatch.setenv('TF_CONFIG', value if isinstance(value, str) else json.dumps(value))


def task(index, kind='worker'):
    return dict(type=kind, index=index)


def test_without_it_there_are_no_workers(monkeypatch):
    monkeypatch.delenv('TF_CONFIG', raising=False)
    assert cluster.from_environment() is None
    for value in ('', dict(cluster=dict(worker=['a:1']), task=task(0))):
        config(monkeypatch, value)
        assert cluster.from_environment() is None


def test_workers(monkeypatch):
    config(monkeypatch, dict(cluster=dict(worker=TWO), task=task(1), environment='cloud'))
    found = cluster.from_environment()
    assert found == (('a:1', 'b:2'), 1, cluster.SECONDS) and found.others() == 'a:1'
    config(monkeypatch, cluster.to_text(TWO, 1, 7.))
    assert cluster.from_environment() == (('a:1', 'b:2'), 1, 7.)


@pytest.mark.parametrize('kind, index, place', [('chief', 0, 0), ('worker', 0, 1), ('worker', 1, 2)])
def test_a_chief_comes_before_the_workers(monkeypatch, kind, index, place):
    """As Kubeflow's TFJob has it."""
    config(monkeypatch, dict(cluster=dict(chief=['c:3'], worker=TWO), task=task(index, kind)))
    assert cluster.from_environment()[:2] == (('c:3', 'a:1', 'b:2'), place)


@pytest.mark.parametrize('value', [
    'two workers', '[]', '{"cluster": {}}', dict(cluster=dict(worker=TWO), task=task(2)),
    dict(cluster=dict(worker=TWO), task=task(-1)), dict(cluster=dict(worker=TWO), task=task('0')),
    dict(cluster=dict(worker=TWO), task=task(True)), dict(cluster=dict(worker=TWO), task=task(0, 'chief')),
    dict(cluster=dict(worker=TWO), task=task(0, 'evaluator')), dict(cluster=dict(worker=TWO, ps=['c:1']), task=task(0)),
    dict(cluster=dict(worker=['a', 'b:2']), task=task(0)), dict(cluster=dict(worker=['a:1', 'a:1']), task=task(0)),
    dict(cluster=dict(worker='a:1'), task=task(0)), dict(cluster=dict(worker=TWO)),
    dict(cluster=dict(worker=['a:0', 'b:2']), task=task(0)), dict(cluster=dict(worker=['a:1', 'b:65536']),
                                                                  task=task(0)),
    *(dict(cluster=dict(worker=TWO), task=task(0), timeout_seconds=seconds)
      for seconds in (0, 'long', float('inf'), float('nan'), 10 ** 400))])
def test_what_is_not_of_its_form(monkeypatch, value):
    config(monkeypatch, value)
    with refused('TF_CONFIG=', '"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}'):
        cluster.from_environment()
