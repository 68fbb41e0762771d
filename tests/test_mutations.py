"""campaigns/mutations.py on a tree of two small modules; what it changes and what it leaves."""

import re

import runner
from campaigns import mutations
from mutants import Change, Source

import pytest

SOURCE = '''"""1 + 1."""

def f(a, b, *, deep=True, ways=('1 < 2',)):
    """a + 0."""
    c = 0.5
    c = a * b
    if a < 1 and not b:
        raise ValueError(f'{a + 1} and', 2)
    print(1 + 2)
    x[0] = g(b, c, 'no', 7)
    return a if deep else (
        b)
'''.encode()
# (line, text there, what it becomes).
CHANGES = [
    (3, 'True', 'False'), (5, '0.5', '0.6'), (6, '*', '/'), (6, 'c = a * b', 'pass'), (7, '<', '<='),
    (7, '1', '2'), (7, 'and', 'or'), (7, 'not', ''), (8, SOURCE.splitlines()[7].decode().strip(), 'pass'),
    (9, 'print(1 + 2)', 'pass'), (10, "x[0] = g(b, c, 'no', 7)", 'pass'), (10, '0', '1'), (10, 'b, c', 'c, b'),
    (10, '7', '8'), (11, 'deep', 'not (deep)')]


def test_changes_are_of_what_is_computed():
    """Neither of texts nor of what makes one, and everything else stays where it is."""
    source = Source(SOURCE)
    found = source.changes()
    assert sorted((source.shown(change)[0], SOURCE[change.start:change.end].decode(), change.new.decode())
                  for change in found) == sorted(CHANGES)
    for change in found:
        compile(source.changed(change), '', 'exec')
    start = SOURCE.index(b'deep else')
    assert source.shown(Change(start, start + 4, b'b')) == (11, 'return a if deep else (', 'return a if b else (')
    assert source.shown(Change(start, len(SOURCE), b'b else 1\n'))[1] == 'return a if deep else ( b)'


@pytest.mark.parametrize('text, changed', [
    ('a not in b', 'a in b'), ('a is not b', 'a is b'), ('a in b', 'a not in b'), ('a is b', 'a is not b'),
    ('(a)//(b)', '(a)/(b)'), ('~a', 'a'), ('a ** (\n b)', 'a * (\n b)'), ('[x for x in y if x]',
                                                                   '[x for x in y if not (x)]')])
def test_operators(text, changed):
    source = Source(text.encode())
    assert [source.changed(change).decode() for change in source.changes()] == [changed]


FILES = {
    'libml/__init__.py': '', 'libml/part/__init__.py': '',
    'libml/part/tiny.py': 'def larger(a, b):\n    return a if a > b else b\n\n\ndef untested(a):\n    return a + 2\n',
    'libml/loop.py': 'def halved(n):\n    while n > 4:\n        n //= 2\n    return n\n',
    'tests/test_tiny.py': 'from libml.part import tiny\n\n\ndef test():\n    assert tiny.larger(1, 2) == 2\n',
    'tests/test_loop.py': 'from libml import loop\n\n\ndef test():\n    assert loop.halved(17) == 4\n',
    'run.py': f'''import pathlib, sys
sys.path[:0] = [{str(runner.ROOT / "tests" / "campaigns")!r}]
import mutations
mutations.ROOT, mutations.SPARE = pathlib.Path(__file__).parent, 0.5
mutations.TESTS = {{'part/tiny': ['test_tiny.py'], 'loop': ['test_loop.py']}}
mutations.EQUIVALENT = {{'part/tiny': {{'a reason': {{('return a if a > b else b', 'return a if a >= b else b')}}}}}}
sys.exit(mutations.main(['--cases=9']))
'''}


def test_what_tests_notice_is_told_from_what_they_do_not(tmp_path):
    """A change that hangs is noticed; what is known to change nothing does not count; the tree itself stays."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    code, out, err = runner.run(tmp_path / 'run.py')
    lines = [line.partition(' noticed; ')[0] for line in out.splitlines()]
    assert lines == ['libml/part/tiny.py:6: return a + 2 -> return a - 2',
                     'libml/part/tiny.py:6: return a + 2 -> return a + 3',
                     'part/tiny: 0 killed, 0 timeout, 2 survived, 1 equivalent; 0.0%',
                     'libml/loop.py:2: while n > 4: -> while n > 5:',
                     'loop: 3 killed, 1 timeout, 1 survived, 0 equivalent; 80.0%',
                     '8 changes, seed 1: 3 killed, 1 timeout, 3 survived, 1 equivalent; 57.1%'], err
    assert code == 1 and all((tmp_path / name).read_text() == text for name, text in FILES.items())


def test_the_tests_of_each_module_are_there():
    for test in sum(mutations.TESTS.values(), []):
        file, _, name = test.partition('::')
        text = (runner.ROOT / 'tests' / file).read_text()
        assert re.search(rf'^def {name}\(', text, re.MULTILINE) if name else text, test
