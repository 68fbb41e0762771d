"""Run folders are found, read and grouped."""

import json

from adamatch import AdaMatch
from fixmatch import FixMatch
from ict import ICT
from libml.hparams import Hparam
from libml.training import run_groups
from libml.utils import InputError
from made_up import run_folder
from noisy_student import NoisyStudent
from refusals import refused

import pytest


def titles(path):
    """(dataset, title, labels) -> number of runs, of the run folders below `path`."""
    return {key: len(runs) for key, runs in run_groups.group(run_groups.find([str(path)])[0]).items()}


def test_seeds_are_one_group(tmp_path):
    """Neither the seeds nor where the files lie and how often they were written tell runs apart."""
    for i in (1, 2, 3):
        run_folder(tmp_path / f's{i}', [50.], dataset=f'digits.{i % 2}@40-100', seed=i, report_kimg=i, train_dir=f'{i}')
    run_folder(tmp_path / 'more', [50.], dataset='digits.1@250-100')
    run_folder(tmp_path / 'all', [50.], dataset='digits-100')
    run_folder(tmp_path / 'labels', [50.], dataset='pets-20')
    for i in (1, 2):
        run_folder(tmp_path / f'all{i}', [50.], dataset=f'pets.{i}@all-20')
    assert titles(tmp_path) == {('digits', 'MixMatch', 40): 3, ('digits', 'MixMatch', 250): 1,
                                ('digits', 'MixMatch', 'all'): 1, ('pets', 'MixMatch', 'all'): 1,
                                ('pets', 'MixMatch', '@all'): 2}


def test_skews_are_settings(tmp_path):
    for i, skew in enumerate(('', '_labeled100', '_labeled100', '_labeled100_unlabeled-5')):
        run_folder(tmp_path / f'{i}', [50.], dataset=f'digits.{i}@40-100{skew}')
    assert titles(tmp_path) == {
        ('digits', f'MixMatch imbalance_labeled={a} imbalance_unlabeled={b}', 40): n
        for a, b, n in ((0., 0., 1), (100., 0., 2), (100., -5., 1))}


def test_settings_that_differ_are_in_the_title(tmp_path):
    """Of one method on one dataset: the length of training, the validation images and flags that others lack, too."""
    run_folder(tmp_path / '1', [50.])
    run_folder(tmp_path / '2', [50.], beta=0.75, train_kimg=5)
    run_folder(tmp_path / '3', [50.], name='AB_Mix', beta=0.75)
    run_folder(tmp_path / '4', [50.], dataset='mnist.1@40-1', beta=0.25)
    run_folder(tmp_path / '5', [50.], name='ICT', dataset='digits.1@40-50')
    run_folder(tmp_path / '6', [50.], name='ICT', T=1.0)
    assert sorted(titles(tmp_path)) == [
        ('digits', 'AB_Mix', 40), ('digits', 'ICT T=1.0 valid=100', 40), ('digits', 'ICT T=? valid=50', 40),
        ('digits', 'MixMatch beta=0.5 train_kimg=3', 40), ('digits', 'MixMatch beta=0.75 train_kimg=5', 40),
        ('mnist', 'MixMatch', 40)]


def test_runs_from_before_the_choice_of_ctaugment(tmp_path):
    """All of them had FixMatch's; runs without CTAugment have no version."""
    for i, args in enumerate((dict(), dict(cta_version='fixmatch'), dict(cta_version='remixmatch'))):
        run_folder(tmp_path / f'{i}', [50.], name='CTAReMixMatch', adepth=2, **args)
    run_folder(tmp_path / 'plain', [50.])
    assert titles(tmp_path) == {('digits', 'CTAReMixMatch cta_version=fixmatch', 40): 2,
                                ('digits', 'CTAReMixMatch cta_version=remixmatch', 40): 1,
                                ('digits', 'MixMatch', 40): 1}


def test_domains_and_runs_that_start_from_others(tmp_path):
    """The seed of a target's labelled images, and that in the path of a pretrained run, are seeds."""
    for i in (1, 2):
        run_folder(tmp_path / f'{i}', [50.], name='AdaMatch', dataset='mnist_to_usps', source='mnist',
                   target=f'usps(10,seed={i})', pretrained=f'/x/{i}/Baseline_lr1/')
    run_folder(tmp_path / '3', [50.], name='AdaMatch', dataset='mnist_to_usps', source='mnist', target='usps',
               pretrained='/x/1/Baseline_lr1')
    assert titles(tmp_path) == {('mnist_to_usps', 'AdaMatch target=usps', 'all'): 1,
                                ('mnist_to_usps', 'AdaMatch target=usps(10)', 'all'): 2}


def test_other_runs_in_titles(tmp_path):
    """The folder of another run stands in a title only where nothing else tells the runs apart."""
    for stage, pretrained in (('pretrain', ''), ('supervised', ''), ('finetune', '/x/SimCLR_long')):
        run_folder(tmp_path / stage, [50.], name='SimCLR', stage=stage, pretrained=pretrained)
    for i, pretrained in enumerate(('', '/x/Baseline_lr1', '/y/Baseline_lr2')):
        run_folder(tmp_path / f'{i}', [50.], name='AdaMatch', pretrained=pretrained)
        run_folder(tmp_path / f'init{i}', [50.], name='VAT', init='/x/a.npz' if i else '/y/b.npz')
    assert [title for _, title, _ in titles(tmp_path)] == [
        'AdaMatch pretrained=', 'AdaMatch pretrained=Baseline_lr1', 'AdaMatch pretrained=Baseline_lr2',
        'SimCLR stage=finetune', 'SimCLR stage=pretrain', 'SimCLR stage=supervised', 'VAT init=a.npz', 'VAT init=b.npz']


def test_folders_count_once(tmp_path):
    path = run_folder(tmp_path / 'a', [50.])
    runs, damaged = run_groups.find([str(tmp_path), str(path), f'{path}/../../a'])
    assert [run.path for run in runs] == [str(path)] and not damaged


def test_half_written_folders_are_named(tmp_path):
    good, cut, empty, torn, other, lost = (run_folder(tmp_path / name, [50., 60.]) for name in 'abcdef')
    text = (cut / 'metrics.jsonl').read_text()
    (cut / 'metrics.jsonl').write_text(text[:-5])
    (empty / 'metrics.jsonl').write_text('{"step":')
    (torn / 'metrics.jsonl').write_text('{"step":\n' + text)
    (other / 'args' / 'args.json').write_text('{"dataset": "dig')
    (lost / 'args' / 'args.json').unlink()
    (tmp_path / 'g' / 'args').mkdir(parents=True)
    runs, damaged = run_groups.find([str(tmp_path)])
    assert [(run.path, len(run.rows)) for run in runs] == [(str(good), 2), (str(cut), 1)]
    assert list(damaged) == [str(path) for path in (cut, empty, torn, other, lost, tmp_path / 'g')]
    wrong = list(damaged.values())
    assert 'cut off' in wrong[0] and 'no report' in wrong[1] and 'no args' in wrong[4] and 'no args' in wrong[5]
    assert 'metrics.jsonl' in wrong[2] and 'args.json' in wrong[3]


def test_what_is_told_of_damaged_folders(capsys):
    """The last line names the reason, not what follows from it."""
    run_groups.tell(['a', 'b'], ['a run'], {'a/1': 'x'})
    with refused('no run in a b can be used: a/1: x (and 1 more)'):
        run_groups.tell(['a', 'b'], [], {'a/1': 'x', 'b/2': 'y'})
    with refused('no run in a can be used: a: x'):
        run_groups.tell(['a'], [], {'a': 'x'})
    assert capsys.readouterr().err.splitlines()[:3] == ['warning: a/1: x', 'warning: a/1: x', 'warning: b/2: y']


def test_nothing_to_find(tmp_path):
    with pytest.raises(InputError, match='has no run folder'):
        run_groups.find([str(tmp_path)])
    with pytest.raises(InputError, match='is no folder'):
        run_groups.find([str(tmp_path / 'none')])


@pytest.mark.parametrize('recorded, expected', [
    (dict(method='Mine', model='noisy_student:NoisyStudent'), 'Mine'), (dict(model='noisy_student:NoisyStudent'),
                                                                        'NoisyStudent'), (dict(), '1')])
def test_method_of_a_folder_that_does_not_name_it(tmp_path, recorded, expected):
    """A NoisyStudent's folder is named after its --id."""
    folder = tmp_path / 'NoisyStudent_lr0.03' / '1'
    (folder / 'args').mkdir(parents=True)
    (folder / 'args' / 'args.json').write_text(json.dumps(dict(dataset='a_to_b', lr=0.03, id='1', **recorded)))
    (folder / 'metrics.jsonl').write_text('{"step": 1, "kimg": 1}\n')
    assert run_groups.read(str(folder)).method == expected
    assert NoisyStudent.HPARAMS['id'] == Hparam('', NoisyStudent.HPARAMS['id'].help, False)


def test_what_was_not_given_is_as_what_was_not_recorded(tmp_path):
    """Earlier versions recorded empty flags of a dataset, later ones only what it was loaded with, and they do not have
    all hyper-parameters."""
    run_folder(tmp_path / '1', [50.], name='AdaMatch', source='', target='')
    run_folder(tmp_path / '2', [50.], name='AdaMatch', p_unlabeled='', enlarge=False)
    run_folder(tmp_path / '3', [50.], name='AdaMatch', enlarge=True)
    run_folder(tmp_path / '4', [50.], name='ICT')
    run_folder(tmp_path / '5', [50.], name='ICT', bn_epsilon=0., init='', recipe='mixmatch', accumulate=1)
    run_folder(tmp_path / '6', [50.], name='ICT', recipe='fixmatch')
    assert titles(tmp_path) == {('digits', 'AdaMatch enlarge=?', 40): 2, ('digits', 'AdaMatch enlarge=True', 40): 1,
                                ('digits', 'ICT recipe=mixmatch', 40): 2, ('digits', 'ICT recipe=fixmatch', 40): 1}


def test_values_of_earlier_versions_are_the_defaults_of_today():
    defaults = {name: hparam.default for model in (ICT, AdaMatch, FixMatch)
                for name, hparam in model.HPARAMS.items()}
    assert {name: defaults[name] for name in run_groups.LATER} == run_groups.LATER
