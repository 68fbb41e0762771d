"""The documents name what exists: every script has its section, links lead somewhere, commands can be given."""

import re

import commands
import runner

import pytest

METHODS = (runner.ROOT / 'docs' / 'methods.md').read_text()
README = (runner.ROOT / 'README.md').read_text()
HEADINGS = re.findall('^## (.*)$', METHODS, re.M)


def anchor(heading):
    """The link to a heading, as GitHub makes it."""
    return re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')


def test_every_script_has_a_section_or_a_row():
    scripts = [match[1] for match in re.finditer(r'^## .* \((\w+\.py)\)$', METHODS, re.M)]
    assert sorted(scripts) == sorted(path.name for path in runner.ROOT.glob('*.py') if path.name != 'setup.py')
    rows = re.findall(r'^\| `(\w+\.py)` \|', METHODS, re.M)
    assert sorted(rows) == sorted(path.name for path in (runner.ROOT / 'ablation').glob('[!_]*.py'))


def test_links():
    contents = METHODS.partition('\n## ')[0]
    assert re.findall(r'\(#([^)]*)\)', contents) == [anchor(heading) for heading in HEADINGS]
    for link in re.findall(r'\(docs/methods\.md#([^)]*)\)', README):
        assert link in map(anchor, HEADINGS)
    assert '(docs/methods.md)' in README


@pytest.mark.parametrize('text, count', [(README, 15), (METHODS, 30)], ids=['README', 'methods'])
def test_commands_are_valid(text, count):
    """Those of methods; a name in angle brackets stands for a path."""
    lines = [line for line in re.findall(r'^    (python .*)$', text.replace('\\\n', ' '), re.M)
             if re.match(r'python (ablation/)?\w+\.py', line)]
    assert len(lines) >= count
    for line in lines:
        commands.check(re.sub('<[^>]*>', 'folder', line))
