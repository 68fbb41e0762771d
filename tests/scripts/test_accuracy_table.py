"""Error rates of runs, in tables."""

import json

import accuracy_table
import runner
from libml.training import run_groups
from made_up import run_folder

import numpy as np


def test_errors_of_a_run_and_of_a_group(tmp_path):
    values = list(np.random.RandomState(0).uniform(80, 90, 30))
    run_folder(tmp_path / '1', values, seed=1)
    run_folder(tmp_path / '2', [70., 90., 85.], seed=2)
    (long, short), _ = run_groups.find([str(tmp_path)])
    assert accuracy_table.error(long, 'last20') == 100 - np.median(values[10:])
    assert accuracy_table.error(long, 'last') == 100 - values[-1]
    assert accuracy_table.error(long, 'best') == 100 - max(values)
    assert [accuracy_table.error(short, column) for column in ('last20', 'last', 'best')] == [15., 15., 10.]
    a, b = 100 - values[-1], 15.
    mean, deviation, count, unfinished = accuracy_table.cell([long, short], 'last')
    np.testing.assert_allclose([mean, deviation], [(a + b) / 2, abs(a - b) / 2 ** 0.5])
    assert (count, unfinished) == (2, 0)
    assert accuracy_table.cell([short], 'best') == (10., None, 1, 0)


def test_what_is_near_the_best():
    """The means differ by 2; their standard error is (3 / 3 + 0.75 / 3) ** 0.5 = 1.118."""
    cells = dict(best=(5., 3 ** 0.5, 3, 0), near=(7., 0.75 ** 0.5, 3, 0), far=(8., 0.75 ** 0.5, 3, 0),
                 single=(5.1, None, 1, 0))
    assert accuracy_table.near_best(cells) == {'best', 'near'}
    assert accuracy_table.near_best(dict(cells, best=(5., None, 1, 0))) == {'best'}
    assert accuracy_table.near_best(dict(best=cells['best'])) == set()


def groups(tmp_path):
    """Two methods, one with an unfinished run; no run of the second with 250 labels."""
    for seed, last in ((1, 90.), (2, 92.)):
        run_folder(tmp_path / f'm{seed}', [10., 20., last], dataset=f'digits.{seed}@40-100', beta=0.75)
        run_folder(tmp_path / f'n{seed}', [10., 20., last + 4], dataset=f'digits.{seed}@250-100')
    run_folder(tmp_path / 'i', [80., 81.], name='AB_ICT')
    return run_groups.group(run_groups.find([str(tmp_path)])[0])


def test_formats(tmp_path, capsys):
    found = groups(tmp_path)
    accuracy_table.markdown(found, ['last', 'best'], ['a note'])
    text = capsys.readouterr().out
    last, best = text.split('digits: test error in percent, ')[1:]
    assert last.splitlines() == [
        'last; mean ± sample deviation (number of runs); * within two standard errors of the best', '',
        '| method | 40 labels | 250 labels |', '| --- | --- | --- |', '| AB_ICT | 19.00 (1, 1 unfinished) |  |',
        '| MixMatch beta=0.5 |  | 5.00 ± 1.41 (2) |', '| MixMatch beta=0.75 | 9.00 ± 1.41 (2) * |  |', '']
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
    assert lines[1] == (r'\caption{digits: test error in percent, last; mean $\pm$ sample deviation (number of runs); '
                        '* within two standard errors of the best}')
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
    code, out, err = runner.run('scripts/accuracy_table.py', lost, silent)
    reason = f'error: no run in {lost} {silent} can be used: {lost}: no args/args.json (and 1 more)'
    assert code == 1 and not out and err.splitlines()[-1] == reason
    code, out, err = runner.run('scripts/accuracy_table.py', '--column=first', tmp_path)
    assert (code, out, err) == (1, '', 'error: --column=first: choose one of last20, last, best, all')
