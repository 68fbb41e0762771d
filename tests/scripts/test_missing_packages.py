"""What packages a script needs, said at once and before TensorFlow is imported."""

import runner

import pytest

ALL = 'scipy', 'PIL', 'sklearn', 'matplotlib', 'tensorflow', 'tensorflow_datasets', 'importlib_resources'


@pytest.mark.parametrize('script, args, missing, line', [
    ('evaluate_run', ['--run=x'], ALL,
     'the evaluation needs scikit-learn and matplotlib: pip install scikit-learn matplotlib'),
    ('evaluate_run', ['--run=x'], ['matplotlib'], 'the evaluation needs matplotlib: pip install matplotlib'),
    ('create_corrupted', ['--dataset=digits', '--out=x', '--sheet=x.png'], ALL,
     'corruptions need scipy and pillow and matplotlib: pip install scipy pillow matplotlib'),
    ('create_corrupted', ['--dataset=digits', '--out=x'], ['matplotlib', 'PIL'],
     'corruptions need pillow: pip install pillow'),
    ('create_from_pictures', ['--name=x', '--tfds=x'], ALL,
     'pictures need pillow and tensorflow-datasets and importlib_resources: '
     'pip install pillow tensorflow-datasets importlib_resources'),
    ('create_from_pictures', ['--name=x', '--train=x'], ALL, 'pictures need pillow: pip install pillow'),
    ('predict', ['--run=x', 'y'], ALL, 'pictures need pillow: pip install pillow'),
    ('export_model', ['--run=x', '--out=y'], ALL, 'pictures need pillow: pip install pillow')])
def test_all_that_are_missing_are_named(script, args, missing, line):
    code = (f'import runpy, sys; sys.modules.update(dict.fromkeys({missing!r})); sys.argv = {[script, *args]!r}; '
            f'runpy.run_path("scripts/{script}.py", run_name="__main__")')
    assert runner.run('-c', code) == (1, '', f'error: {line}')
