"""What is installed: a wheel holds every script beside setup.py and every module of the packages."""

import ast
import os
import pathlib
import re
import subprocess
import sys
import zipfile

import libml
from libml import utils

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = [*(ROOT / 'libml').rglob('*.py'), *(ROOT / 'ablation').glob('*.py'), *(ROOT / 'scripts').glob('*.py')]
# Scripts in folders; a module that a script imports is none.
COMMANDS = [path for folder in ('ablation', 'scripts', 'benchmarks') for path in sorted((ROOT / folder).glob('*.py'))
            if "__name__ == '__main__'" in path.read_text()]


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The folder of an unpacked wheel of the project."""
    # From a copy, so that the checkout gets no build folder.
    source = tmp_path_factory.mktemp('source')
    for path in [*ROOT.glob('*.py'), *ROOT.glob('*.md'), ROOT / 'pyproject.toml', ROOT / 'LICENSE', *MODULES]:
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    build = subprocess.run([sys.executable, '-c', 'from setuptools import build_meta as b; b.build_wheel("dist")'],
                           cwd=source, capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    wheel, = (source / 'dist').glob('*.whl')
    assert wheel.name.startswith(f'libml-{libml.__version__}-')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(source / 'site')
    return source / 'site'


def test_wheel_holds_every_script_and_module(installed):
    expected = {str(path.relative_to(ROOT)) for path in [*ROOT.glob('*.py'), *MODULES]} - {'setup.py'}
    expected = {path.replace('scripts/', 'libml_scripts/') for path in expected}
    assert {str(path.relative_to(installed)) for path in installed.rglob('*.py')} == expected
    assert {'mixmatch.py', 'libml/train.py', 'ablation/ab_mixmatch.py', 'libml_scripts/check_split.py'} <= expected


def test_messages_of_an_installation_name_what_is_installed(installed, tmp_path):
    done = subprocess.run([sys.executable, '-m', 'libml_scripts.check_split', f'--data_dir={tmp_path}'], cwd=tmp_path,
                          env=dict(os.environ, PYTHONPATH=str(installed)), capture_output=True, text=True)
    command = f'python -m libml_scripts.create_datasets --data_dir={tmp_path} cifar10'
    assert done.returncode == 1 and done.stderr.endswith(f'make it with `{command}`\n')


def test_commands_are_modules_where_there_is_no_checkout(monkeypatch):
    text = 'python scripts/x.py --a, python ablation/y.py or python z.py'
    assert str(utils.InputError(text)) == utils.as_installed(text) == text
    monkeypatch.setattr(utils, 'CHECKOUT', False)
    changed = 'python -m libml_scripts.x --a, python -m ablation.y or python -m z'
    assert str(utils.InputError(text)) == utils.as_installed(text) == changed


@pytest.mark.parametrize('path', COMMANDS, ids=lambda path: path.stem)
def test_a_checkout_need_not_be_installed(path):
    """What is in a folder puts the checkout on the path before it imports anything of it."""
    line = 'sys.path.insert(0, str(Path(__file__).resolve().parents[1]))'
    nodes = [ast.unparse(node) for node in ast.parse(path.read_text()).body[1:]]  # after the docstring
    before = nodes[:nodes.index(line)]
    assert {re.match(r'(?:from|import) (\w+)', node)[1] for node in before} <= sys.stdlib_module_names


@pytest.mark.parametrize('path', ['scripts/accuracy_table.py', 'ablation/ab_mixmatch.py'])
def test_start_without_installation(path, tmp_path):
    """Without the links that an editable installation leaves in the folder of packages: -S reads none."""
    packages = pathlib.Path(np.__file__).parents[1]
    code = (f'import runpy, sys; sys.argv = ["{ROOT / path}", "--help"]; sys.path += ["{packages}"]; '
            f'sys.path[0] = "{(ROOT / path).parent}"; runpy.run_path(sys.argv[0], run_name="__main__")')
    env = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    done = subprocess.run([sys.executable, '-S', '-c', code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and 'flags:' in done.stdout and 'Traceback' not in done.stderr, done.stderr


def test_messages_name_packages_that_setup_names():
    """The name `libml` on the package index is a stranger's: no message sends anyone there."""
    extras = set(re.findall(r"'([\w-]+)'", (ROOT / 'setup.py').read_text())) - {'libml'}
    named = []
    for folder in ('.', 'libml', 'scripts', 'ablation', 'benchmarks', 'docs', 'runs'):
        for path in (ROOT / folder).glob('*' if folder != 'libml' else '**/*'):
            if path.suffix not in ('.py', '.md', '.sh'):
                continue
            for text in re.findall(r'pip install[ \n]+([^:;,()\n]*)', path.read_text()):
                named += re.findall(r'(?<![-.\w])\w[^\s\'"`]*', text.partition('-e')[0])
    assert len(named) > 5 and set(named) <= extras


def test_changelog_begins_with_this_version():
    first = re.search(r'^## (\S+)', (ROOT / 'CHANGELOG.md').read_text(), re.MULTILINE)[1]
    assert first == libml.__version__
