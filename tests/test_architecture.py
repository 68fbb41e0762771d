"""The house: which part of libml may import which, how large its files are, and that every module has tests."""

import ast
import pathlib
import subprocess
import sys

import runner

import pytest

LIBML = runner.ROOT / 'libml'
# A room (a file or a folder of libml) imports only rooms of the floors before its own.
FLOORS = (
    {'durable', 'interrupts'},
    {'quiet_tensorflow', 'utils'},
    {'files'},
    {'data', 'draws', 'ema', 'hparams', 'losses', 'memory', 'old_flags', 'optimizers', 'plots', 'schedules',
     'step_order', 'trackers'},
    {'workers'},
    {'corruptions', 'images', 'layers', 'pictures', 'streams'},
    {'augment', 'datasets', 'networks'},
    {'data_domain', 'data_pair', 'training'},
    {'train'},
    {'models', 'open_run'},
    {'methods'},
)
MODULES = sorted(path for path in LIBML.rglob('*.py') if path.name != '__init__.py')
SCRIPTS = sorted(path for path in runner.ROOT.glob('*.py') if path.name != 'setup.py')


def imported(path):
    """Names of the modules of libml that a file imports, such as `libml.images.pixels`, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith('libml.'))
        elif isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == 'libml':
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def room(path):
    return path.relative_to(LIBML).parts[0].removesuffix('.py')


def test_every_room_has_one_floor():
    assert sorted(room for floor in FLOORS for room in floor) == sorted({room(path) for path in MODULES})


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(LIBML)))
def test_imports_go_down(path):
    floor_of = {name: i for i, floor in enumerate(FLOORS) for name in floor}
    mine = room(path)
    for name in imported(path):
        other = name.split('.')[1]
        assert other == mine or floor_of[other] < floor_of[mine], f'{mine} imports {name}'


def test_folders_import_nothing_by_themselves():
    """A folder's __init__ is its conventions; corruptions needs scipy, its arrays must not."""
    for path in LIBML.glob('*/__init__.py'):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree) and len(tree.body) == 1, path


def test_corrupted_arrays_need_neither_scipy_nor_pillow():
    code = ('import sys; sys.modules.update(scipy=None, PIL=None, sklearn=None, matplotlib=None); '
            'import libml.corruptions.arrays, libml.train, libml.models')
    done = subprocess.run([sys.executable, '-c', code], cwd=runner.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_sizes():
    """No file above 300 lines, no function above 50."""
    folders = ('libml', 'ablation', 'scripts', 'benchmarks', 'tests')
    for path in [*SCRIPTS, *(path for folder in folders for path in (runner.ROOT / folder).rglob('*.py'))]:
        text = path.read_text()
        assert text.count('\n') <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 50, f'{path}: {node.name}'


@pytest.mark.parametrize('path', [*SCRIPTS, *MODULES], ids=lambda path: str(path.relative_to(runner.ROOT)))
def test_every_module_has_a_test_file_of_its_name(path):
    folder = path.parent.relative_to(LIBML) if path.is_relative_to(LIBML) else pathlib.Path()
    assert (runner.ROOT / 'tests' / folder / f'test_{path.name}').exists()


def test_models_have_one_parent_with_hyper_parameters():
    """Of several parents at most one carries hyper-parameters: their order would decide whose defaults count."""
    for path in [*SCRIPTS, *LIBML.rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                assert len(node.bases) < 2, f'{path}: {node.name}'
