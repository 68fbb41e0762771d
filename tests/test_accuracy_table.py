"""Run folders are found and grouped, and their error rates are in tables."""

import json

import accuracy_table
import runner
from libml import grouping
from libml.utils import InputError
from made_up import run_folder

import numpy as np
import pytest


def titles(path):
    """(dataset, title, labels) -> number of runs, of the run folders below `path`."""
    return {key: len(runs) for key, runs in grouping.group(grouping.find([str(path)])[0]).items()}


def test_seeds_are_one_group(tmp_path):
    """Neither the seeds nor where the files lie and how often they were written tell runs apart."""
    for i in (1, 2, 3):
        run_folder(tmp_path / f's{i}', [50.], dataset=f'digits.{i % 2}@40-100', seed=i, report_kimg=i, train_dir=f'{i}')
    run_folder(tmp_path / 'more', [50.], dataset='digits.1@250-100')
    run_folder(tmp_path / 'all', [50.], dataset='digits-100')
    assert titles(tmp_path) == {('digits', 'MixMatch', 40): 3, ('digits', 'MixMatch', 250): 1,
                                ('digits', 'MixMatch', 'all'): 1}


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
    assert [title for _, title, _ in titles(tmp_path)] == [
        'AdaMatch pretrained=', 'AdaMatch pretrained=Baseline_lr1', 'AdaMatch pretrained=Baseline_lr2',
        'SimCLR stage=finetune', 'SimCLR stage=pretrain', 'SimCLR stage=supervised']


def test_folders_count_once(tmp_path):
    path = run_folder(tmp_path / 'a', [50.])
    runs, damaged = grouping.find([str(tmp_path), str(path), f'{path}/../../a'])
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
    runs, damaged = grouping.find([str(tmp_path)])
    assert [(run.path, len(run.rows)) for run in runs] == [(str(good), 2), (str(cut), 1)]
    assert list(damaged) == [str(path) for path in (cut, empty, torn, other, lost, tmp_path / 'g')]
    wrong = list(damaged.values())
    assert 'cut off' in wrong[0] and 'no report' in wrong[1] and 'no args' in wrong[4] and 'no args' in wrong[5]
    assert 'metrics.jsonl' in wrong[2] and 'args.json' in wrong[3]


def test_nothing_to_find(tmp_path):
    with pytest.raises(InputError, match='has no run folder'):
        grouping.find([str(tmp_path)])
    with pytest.raises(InputError, match='is no folder'):
        grouping.find([str(tmp_path / 'none')])


def test_errors_of_a_run_and_of_a_group(tmp_path):
    values = list(np.random.RandomState(0).uniform(80, 90, 30))
    run_folder(tmp_path / '1', values, seed=1)
    run_folder(tmp_path / '2', [70., 90., 85.], seed=2)
    (long, short), _ = grouping.find([str(tmp_path)])
    assert accuracy_table.error(long, 'last20') == 100 - np.median(values[10:])
    assert accuracy_table.error(long, 'last') == 100 - values[-1]
    assert accuracy_table.error(long, 'best') == 100 - max(values)
    assert [accuracy_table.error(short, column) for column in ('last20', 'last', 'best')] == [15., 15., 10.]
    a, b = 100 - values[-1], 15.
    mean, deviation, count, unfinished = accuracy_table.cell([long, short], 'last')
    np.testing.assert_allclose([mean, deviation], [(a + b) / 2, abs(a - b) / 2 ** 0.5])
    assert (count, unfinished) == (2, 0)
    assert accuracy_table.cell([short], 'best') == (10., None, 1, 0)


def groups(tmp_path):
    """Two methods, one with an unfinished run; no run of the second with 250 labels."""
    for seed, last in ((1, 90.), (2, 92.)):
        run_folder(tmp_path / f'm{seed}', [10., 20., last], dataset=f'digits.{seed}@40-100', beta=0.75)
        run_folder(tmp_path / f'n{seed}', [10., 20., last + 4], dataset=f'digits.{seed}@250-100')
    run_folder(tmp_path / 'i', [80., 81.], name='AB_ICT')
    return grouping.group(grouping.find([str(tmp_path)])[0])


def test_formats(tmp_path, capsys):
    found = groups(tmp_path)
    accuracy_table.markdown(found, ['last', 'best'], ['a note'])
    text = capsys.readouterr().out
    last, best = text.split('digits: test error in percent, ')[1:]
    assert last.splitlines() == [
        'last; mean ± sample deviation (number of runs)', '',
        '| method | 40 labels | 250 labels |', '| --- | --- | --- |', '| AB_ICT | 19.00 (1, 1 unfinished) |  |',
        '| MixMatch beta=0.5 |  | 5.00 ± 1.41 (2) |', '| MixMatch beta=0.75 | 9.00 ± 1.41 (2) |  |', '']
    assert best.startswith('best (chosen on the test set);') and text.endswith('\n- a note\n')

    accuracy_table.comma_separated(found, ['last20'], ['a note'])
    out, err = capsys.readouterr()
    assert err == 'a note\n' and out.splitlines() == [
        'dataset,method,labels,accuracy,error,deviation,runs,unfinished',
        'digits,AB_ICT,40,median of the last 20,19.5000,,1,1',
        'digits,MixMatch beta=0.5,250,median of the last 20,80.0000,0.0000,2,0',
        'digits,MixMatch beta=0.75,40,median of the last 20,80.0000,0.0000,2,0']

    accuracy_table.latex(found, ['last'], ['a note'])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == r'\caption{digits: test error in percent, last; mean $\pm$ sample deviation (number of runs)}'
    assert lines[2:6] == [r'\begin{tabular}{lrr}', r'\hline', r'method & 40 labels & 250 labels \\ \hline',
                          r'AB\_ICT & 19.00 (1, 1 unfinished) &  \\']
    assert lines[6] == r'MixMatch beta=0.5 &  & 5.00 $\pm$ 1.41 (2) \\' and lines[-1] == '% a note'


def test_command(tmp_path):
    groups(tmp_path)
    silent = run_folder(tmp_path / 's', [1.])
    (silent / 'metrics.jsonl').write_text(json.dumps(dict(step=1024, kimg=1.)) + '\n')
    lost = run_folder(tmp_path / 'l', [1.])
    (lost / 'args' / 'args.json').unlink()
    code, out, err = runner.run('scripts/accuracy_table.py', '--column=all', tmp_path)
    assert code == 0 and out.count('| AB_ICT |') == 3
    assert [line for line in err.splitlines() if 'warning' not in line] == []
    assert f'warning: {silent}: no accuracy' in err and f'warning: {lost}: no args' in err
    notes = [line for line in out.splitlines() if line.startswith('- ')]
    assert len(notes) == 4
    assert notes[0] == f'- Not finished: {tmp_path}/i/AB_ICT_archresnet_beta0.5: kimg 2 of 3'
    assert notes[1] == '- 5 of 5 runs have fewer than 20 reports: their median is of all.'
    assert f'- Half-written: {silent}: no accuracy in metrics.jsonl' in notes
    code, out, err = runner.run('scripts/accuracy_table.py', '--column=first', tmp_path)
    assert (code, out, err) == (1, '', 'error: --column=first: choose one of last20, last, best, all')
