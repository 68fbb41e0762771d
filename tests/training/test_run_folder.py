"""Run folders: whose they are, their metrics, and where their model's class can be imported from."""

import os
import types

from libml import open_run
from libml.training import run_folder
from libml.training.run_folder import RunFolder
from libml.utils import InputError
from mixmatch import MixMatch
from refusals import refused
from short_runs import trained

import pytest


def test_run_folder_of_other_arguments_is_refused(tmp_path):
    trained(tmp_path, 32)
    for change, text in ((dict(seed=7), 'seed=1, not seed=7'), (dict(T=1.), 'T=0.5, not T=1.0')):
        with pytest.raises(InputError, match=text) as error:
            trained(tmp_path, 64, **change)
        assert '--rerun' in str(error.value) and '\n' not in str(error.value)
    beside = trained(tmp_path, 32, seed=7, rerun='seven')
    assert os.path.basename(os.path.dirname(beside.folder.path)) == 'seven'
    trained(tmp_path, 64, train_kimg=3)  # The length does not shape MixMatch: a run may be prolonged.


def test_another_lr_in_the_same_folder_is_refused(tmp_path):
    """lr is in the folder's name; a folder that was renamed by hand is still recognised."""
    model = trained(tmp_path, 32)
    os.rename(model.folder.path, model.folder.path.replace('lr0.002', 'lr0.003'))
    with pytest.raises(InputError, match='lr=0.002, not lr=0.003'):
        trained(tmp_path, 64, lr=0.003)


def test_run_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write'):
        trained(tmp_path / 'file', 32)


def test_name_of_a_script_that_is_run(monkeypatch):
    cls = type('Method', (), dict(__module__='__main__', __qualname__='Method'))

    def main(**attributes):
        module = types.SimpleNamespace(__spec__=None, **attributes)
        monkeypatch.setitem(run_folder.sys.modules, '__main__', module)
        return run_folder.class_path(cls)

    root = run_folder.ROOT
    assert main(__file__=str(root / 'fixmatch.py')) == 'fixmatch:Method'
    assert main(__file__=os.path.relpath(root / 'ablation' / 'ab_fixmatch_adam.py')) == (
        'ablation.ab_fixmatch_adam:Method')
    assert main(__file__='/elsewhere/mine.py') == 'mine:Method'
    assert main() == '__main__:Method'
    monkeypatch.setitem(run_folder.sys.modules, '__main__',
                        types.SimpleNamespace(__spec__=types.SimpleNamespace(name='ablation.ab_x')))
    assert run_folder.class_path(cls) == 'ablation.ab_x:Method'
    assert run_folder.class_path(MixMatch) == 'mixmatch:MixMatch'
    assert open_run.load_class('mixmatch:MixMatch', '') is MixMatch


def test_metrics_of_a_run_that_was_killed(tmp_path):
    """What was reported after the checkpoint is forgotten, and so is a line that was cut off."""
    folder = RunFolder(str(tmp_path))
    assert folder.metrics() == [] and RunFolder.of(str(tmp_path / 'tf' / 'model.ckpt-00000008')).path == folder.path
    rows = [dict(step=8 * i, kimg=i / 128, accuracy=10. * i) for i in (1, 2, 3)]
    for row in rows:
        folder.add_metrics(row)
    assert folder.metrics() == rows and folder.ends_whole()
    with open(folder.metrics_file, 'a') as f:
        f.write('{"step": 32')
    assert folder.metrics() == rows and not folder.ends_whole()
    folder.forget_after(16)
    assert folder.metrics() == rows[:2] and folder.ends_whole()


@pytest.mark.parametrize('text', ['{"step": 1}\n', '[]\n', '7\n', '{"step":\n'])
def test_damaged_metrics(tmp_path, text):
    (tmp_path / 'metrics.jsonl').write_text(text)
    with refused('cannot read', 'metrics.jsonl'):
        RunFolder(str(tmp_path)).metrics()


def test_arguments_of_older_folders(tmp_path):
    """Only what both know is compared; what does not shape training may differ."""
    folder = RunFolder(str(tmp_path))
    assert folder.read_args() == {}
    folder.open(dict(lr=1., data_dir='x', train_kimg=1), [], False)
    folder.open(dict(lr=1., data_dir='y', train_kimg=2, new=3), [], True)
    args = folder.read_args()
    assert args.pop('versions').keys() == {'python', 'tensorflow', 'numpy'}
    assert args == dict(lr=1., data_dir='y', train_kimg=2, new=3) and os.path.isdir(folder.tf)
    with refused('was trained with train_kimg=2, not train_kimg=3', '--rerun=NAME'):
        folder.open(dict(train_kimg=3), ['train_kimg'], True)
    for text in ('[1]', '{"lr":'):
        (tmp_path / 'args' / 'args.json').write_text(text)
        with refused('cannot read', 'args.json'):
            folder.read_args()
