"""Pictures of run folders."""

import itertools

import plot_runs
import runner
from libml.training import run_groups
from libml.utils import InputError
from made_up import run_folder

import numpy as np
import pytest
import tensorflow as tf


def found(path):
    return plot_runs.curves(run_groups.find([str(path)])[0])


def test_curves_group_seeds(tmp_path):
    """Curves hold the reports that all runs have."""
    for seed, values in ((1, [10., 20.]), (2, [30., 40., 50.])):
        run_folder(tmp_path / f's{seed}', values, dataset=f'digits.{seed}@40-100')
    run_folder(tmp_path / 'all', [7.], dataset='usps_to_mnist')
    curves = found(tmp_path)
    assert list(curves) == ['MixMatch digits@40', 'MixMatch usps_to_mnist']
    kimg, values = plot_runs.curve(curves['MixMatch digits@40'], 'accuracy')
    assert kimg == [1., 2.] and values.tolist() == [[10., 20.], [30., 40.]]


def test_tags(tmp_path):
    run_folder(tmp_path, [10., 20.])
    curves = found(tmp_path)
    assert plot_runs.chosen(curves, '') == ['accuracy', 'losses/xe']
    assert plot_runs.chosen(curves, 'losses/xe') == ['losses/xe']
    with pytest.raises(InputError, match='no run reports losses/l2u; there are accuracy, kimg, losses/xe, step'):
        plot_runs.chosen(curves, 'accuracy,losses/l2u')


def test_picture_of_many_methods(tmp_path):
    """12 methods with long names, 5 panels: all in one legend that is outside of the panels, and told apart."""
    for i, seed in itertools.product(range(12), (1, 2)):
        run_folder(tmp_path / f's{seed}', [10. * seed, 20. * seed], name=f'AB_Method{i}_' + 'long' * 12, seed=seed)
    curves = found(tmp_path)
    tags = ['accuracy', 'losses/xe', 'step', 'kimg', 'accuracy']
    figure = plot_runs.picture(curves, tags)
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in figure.axes] == [plot_runs.TITLES.get(tag, tag) for tag in tags]
    line, band = figure.axes[0].lines[0], figure.axes[0].collections[0]
    np.testing.assert_array_equal(line.get_xydata(), [[1, 15], [2, 30]])
    assert band.get_paths()[0].get_extents().bounds == (1, 10, 1, 30)
    legend, = figure.legends
    assert len({(line.get_color(), line.get_linestyle()) for line in legend.get_lines()}) == 12
    lines = [line for text in legend.get_texts() for line in text.get_text().split('\n')]
    assert len(lines) > 12 and max(map(len, lines)) <= plot_runs.LEGEND_WIDTH
    box = legend.get_window_extent()
    assert 0 <= box.x0 and box.x1 <= figure.bbox.x1 and 0 <= box.y0
    for axes in figure.axes:
        assert box.y1 <= axes.get_tightbbox().y0
        assert axes.get_window_extent().height > 150


def test_no_report_in_common(tmp_path, capsys):
    first = run_folder(tmp_path / '1', [10.], seed=1)
    text = (first / 'metrics.jsonl').read_text()
    (first / 'metrics.jsonl').write_text(text.replace('1.0,', '1.5,'))
    run_folder(tmp_path / '2', [10.], seed=2)
    plot_runs.picture(found(tmp_path), ['accuracy'])
    assert capsys.readouterr().err == ('warning: MixMatch digits@40: no curve of accuracy: its runs share no report\n')


def test_command(tmp_path):
    folders = [run_folder(tmp_path / 'runs' / f's{seed}', [10., 20., 30.][:seed + 1], seed=seed) for seed in (1, 2)]
    (tmp_path / 'runs' / 'half' / 'args').mkdir(parents=True)
    out = tmp_path / 'runs.png'
    code, text, err = runner.run('scripts/plot_runs.py', f'--out={out}', *folders, tmp_path / 'runs')
    assert code == 0 and text == f'{out}\n' and tf.io.decode_png(out.read_bytes()).shape[1:] == (900, 4)
    assert err.splitlines() == [f'warning: {tmp_path}/runs/half: no args/args.json',
                                f'warning: {folders[0]}: kimg 2 of 3: its group\'s curve ends there']
