"""What a start finds in its run's folder: pieces that a kill left, checkpoints and reports that are gone."""

import os
import shutil

import toy
from libml.training import checkpoint, leftovers
from libml.training.run_folder import RunFolder
from mixmatch import MixMatch
from refusals import refused
from short_runs import metrics

import pytest


@pytest.fixture(scope='module')
def model():
    return MixMatch('', toy.dataset(size=8), arch='convnet', **toy.SMALL)


@pytest.fixture(scope='module')
def finished(model, tmp_path_factory):
    """A run folder with reports and checkpoints of 32, 64 and 96 images."""
    model.folder = RunFolder(str(tmp_path_factory.mktemp('runs') / 'finished'))
    model.train(96, 32, 32)
    return model.folder.path


@pytest.fixture
def folder(model, finished, tmp_path, capsys):
    """Its copy, which is the model's."""
    shutil.copytree(finished, tmp_path / 'run')
    model.folder = RunFolder(str(tmp_path / 'run'))
    capsys.readouterr()
    return model.folder


def told(capsys):
    """The lines that a start prints of what it found."""
    found = [line for line in capsys.readouterr().out.splitlines()
             if any(word in line for word in ('Resumes', 'missing', 'no .index'))]
    return [line.removeprefix('Resumes from ').removesuffix(', are dropped and made again') for line in found]


def without(folder, ending):
    for entry in os.listdir(folder.tf):
        if entry.endswith(ending):
            os.unlink(os.path.join(folder.tf, entry))


@pytest.mark.parametrize('lost, text', [
    ('.index', 'metrics.jsonl has reports up to kimg 0.09375 and tf/ has data of kimg 0.09375'),
    ('', 'metrics.jsonl has reports up to kimg 0.09375: restore these files, or delete the folder to begin anew, or '
     'give --rerun=NAME')])
def test_a_run_without_its_checkpoints_does_not_begin_anew(model, folder, lost, text):
    without(folder, lost)
    before = metrics(folder.path), sorted(os.listdir(folder.tf))
    with refused(f'{folder.path} has no checkpoint, tf/model.ckpt-*.index, but {text}'):
        model.train(128, 32, 32)
    assert (metrics(folder.path), sorted(os.listdir(folder.tf))) == before
    shutil.rmtree(folder.tf)
    with refused('has no checkpoint'):
        model.train(128, 32, 32)
    shutil.rmtree(folder.path)
    model.train(32, 32, 32)


def test_data_without_an_index_nor_reports(model, folder):
    """Of a run of the original code, say; a kill in the first save may leave those of step 0, and nothing is lost."""
    without(folder, '.index')
    os.unlink(folder.metrics_file)
    with refused('but tf/ has data of kimg 0.09375: restore'):
        model.train(128, 32, 32)
    for step in (32, 64, 96):
        without(folder, f'{step}.data-00000-of-00001')
    model.train(32, 32, 32)
    assert len(folder.metrics()) == 1


def test_a_lost_index_is_told(model, finished, folder, capsys):
    for step in (64, 96):
        os.unlink(f'{folder.tf}/model.ckpt-000000{step}.index')
    model.train(96, 32, 32)
    older = 'model.ckpt-00000032, of kimg 0.03125'
    assert told(capsys) == [*(f'{folder.tf}/model.ckpt-000000{step} is damaged (it has no .index file): {older}, takes '
                              'its place' for step in (64, 96)), f'{older}: later reports, up to kimg 0.09375']
    assert metrics(folder.path) == metrics(finished)
    model.train(96, 32, 32)
    assert told(capsys) == ['model.ckpt-00000096, of kimg 0.09375']


def test_reports_after_the_checkpoint_are_told(model, folder, capsys):
    """A whole checkpoint is gone, or a kill came before it; one that is damaged is told of elsewhere."""
    without(folder, '96.index')
    without(folder, '96.data-00000-of-00001')
    with open(f'{folder.tf}/model.ckpt-00000064.index', 'r+b') as f:
        f.truncate(10)
    model.train(48, 16, 16)
    assert told(capsys) == ['model.ckpt-00000032, of kimg 0.03125: later reports, up to kimg 0.09375']
    model.train(48, 16, 16)
    assert told(capsys) == ['model.ckpt-00000048, of kimg 0.046875']
    without(folder, '48.index')
    without(folder, '48.data-00000-of-00001')
    os.unlink(folder.metrics_file)
    model.train(32, 32, 32)
    assert told(capsys) == ['model.ckpt-00000032, of kimg 0.03125',
                            f'{folder.metrics_file} is missing: a new one has no reports up to kimg 0.03125']


def cut(path, size):
    with open(path, 'r+b') as f:
        f.truncate(size)


def test_a_report_that_is_lost_is_made_again(model, finished, folder, capsys):
    """Of a finished run also: its last line says no older accuracy."""
    said = 'metrics.jsonl lacks the reports from kimg 0.0625 to 0.09375: they are made again'
    for train_nimg in (96, 128):
        cut(folder.metrics_file, os.path.getsize(folder.metrics_file) - 30)
        model.train(train_nimg, 32, 32)
        out = capsys.readouterr().out
        assert said in out and 'Resumes from model.ckpt-00000064, of kimg 0.0625' in out
        assert metrics(folder.path)[:3] == metrics(finished)


def test_reports_that_cannot_be_made_again(model, folder, capsys):
    for step in (0, 32, 64):
        without(folder, f'{step:02d}.index')
        without(folder, f'{step:02d}.data-00000-of-00001')
    cut(folder.metrics_file, os.path.getsize(folder.metrics_file) - 30)
    model.train(96, 32, 32)
    out = capsys.readouterr().out
    assert 'lacks the reports from kimg 0.0625 to 0.09375: no checkpoint is left to make them again from' in out
    assert 'Finished at kimg 0.09375' in out and 'test accuracy' not in out


def test_a_checkpoint_between_two_reports_lacks_none(model, folder, capsys):
    """As of a run that was stopped, or of one that saves more often than it reports."""
    model.train(128, 64, 16)
    without(folder, '128.index')
    without(folder, '128.data-00000-of-00001')
    capsys.readouterr()
    model.train(128, 64, 16)
    out = capsys.readouterr().out
    assert 'Resumes from model.ckpt-00000112' in out and 'lacks' not in out


def test_pieces_of_a_kill_are_removed(model, folder):
    pieces = [f'{folder.tf}/.saving.123', f'{folder.tf}/checkpoint.123.part', f'{folder.args_file}.123.part',
              f'{folder.metrics_file}.123.part']
    os.mkdir(pieces[0])
    for path in (f'{pieces[0]}/model.ckpt-00000128.index', *pieces[1:], f'{folder.path}/mine.123.part'):
        with open(path, 'w') as f:
            f.write('half')
    with folder.locked(), refused('in use'):
        model.train(128, 32, 32)
    assert all(map(os.path.exists, pieces))
    model.train(128, 32, 32)
    assert not any(map(os.path.exists, pieces)) and os.path.exists(f'{folder.path}/mine.123.part')
    assert leftovers.newest(folder, lambda last, step: False) == checkpoint.all_in(folder.tf)[-1]
