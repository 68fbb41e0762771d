"""The benchmarks run, and end with a line of JSON."""

import json

import runner

import pytest


@pytest.mark.parametrize('script, args, keys', [
    ('benchmarks/augment.py', ['--batch=2', '--seconds=0', '--size=16'],
     {f'{policy}_16' for policy in ('weak', 'ra', 'rac', 'cta', 'affine', 'simclr')}),
    ('benchmarks/pictures.py', ['--pictures=40'], {'pictures_per_second', 'cpu_seconds', 'mb', 'mb_of_a_tenth'}),
    ('benchmarks/pipeline.py', ['--pictures=12', '--size=16', '--batch=4', '--batches=1', '--rounds=1'],
     {'images_per_second', 'plain_images_per_second', 'ratio'}),
    ('benchmarks/scale.py', ['--records=100', '--batches=1'],
     {'index_100', 'start_100', 'mb_100', 'images_per_second_100'}),
    ('benchmarks/train_step.py', ['--arch=convnet', '--batch=2', '--filters=4', '--steps=1', '--beside=mixmatch',
                                  '--disk'],
     {'seconds_per_step', 'images_per_second', 'share_of_peak', 'pipeline_ratio', 'gflop_per_step', 'mixmatch_ratio',
      'peak_mb'}),
])
def test_last_line_is_json_with_the_figures(script, args, keys):
    code, out, err = runner.run(script, *args)
    assert code == 0, err
    figures = json.loads(out.splitlines()[-1])
    assert keys <= set(figures) and all(figures[key] > 0 for key in keys)


@pytest.mark.parametrize('path', sorted((runner.ROOT / 'benchmarks').glob('[!_]*.py')), ids=lambda path: path.stem)
def test_what_is_no_part_of_another_is_a_script(path):
    """It answers --help; a part has a name that begins with _."""
    assert path.read_text().endswith("\n\nif __name__ == '__main__':\n    run_main(main)\n")


def test_nothing_to_time():
    assert runner.run('benchmarks/train_step.py', '--steps=0') == (
        1, '', 'error: flag --steps=0: 0 is not a positive integer (--help lists the flags)')
