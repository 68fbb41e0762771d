"""What is installed: a wheel holds every script beside setup.py and every module of the packages."""

import pathlib
import re
import subprocess
import sys
import zipfile

import libml

ROOT = pathlib.Path(__file__).resolve().parent.parent


def test_wheel_holds_every_script_and_module(tmp_path):
    # From a copy, so that the checkout gets no build folder.
    source = tmp_path / 'source'
    source.mkdir()
    kept = [*ROOT.glob('*.py'), *ROOT.glob('*.md'), ROOT / 'pyproject.toml', ROOT / 'LICENSE',
            *(ROOT / 'libml').rglob('*.py'), *(ROOT / 'ablation').rglob('*.py')]
    for path in kept:
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    build = subprocess.run([sys.executable, '-c', 'from setuptools import build_meta as b; b.build_wheel("dist")'],
                           cwd=source, capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    wheel, = (source / 'dist').glob('*.whl')
    assert wheel.name.startswith(f'libml-{libml.__version__}-')
    expected = {str(path.relative_to(ROOT)) for path in kept if path.suffix == '.py'} - {'setup.py'}
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.endswith('.py')} == expected
    assert {'mixmatch.py', 'libml/train.py', 'ablation/ab_mixmatch.py'} <= expected


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
