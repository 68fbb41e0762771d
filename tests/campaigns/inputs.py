"""Bad inputs from a seed: python tests/campaigns/inputs.py [--seed=1] [--cases=10000] [--processes=300]

Each case is an input that is nearly right: a flag, a name, a file that is damaged or that another program wrote. Most
are taken in by functions, called in copies of this process; --processes are scripts with arguments. A case is right if
the input is taken in, or refused with one line that names it; nothing may be half-written, and no earlier file changed.
Prints each other case with the command that repeats it, then how many there were; ends with 1 if any failed. With
--case=N (or --process=N) one case is run, and its files stay.

It is no part of the tests. 10,000 cases take some 10 minutes of processor time.
"""

import argparse
import pathlib
import random
import shlex
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'scripts', 'tests')]

import runner  # noqa: E402
from campaigns import archive_kinds, bases, cases, data_kinds, file_kinds, process_kinds, text_kinds  # noqa: E402
from libml.utils import InputError  # noqa: E402

# Kinds of cases -> what they need of a base.
TREES = {**dict.fromkeys(text_kinds.KINDS, ()), text_kinds.loaded: ('data',), text_kinds.domains: ('data',),
         **dict.fromkeys(data_kinds.KINDS, ('data', 'run')), **dict.fromkeys(file_kinds.KINDS, ('pictures', 'arrays')),
         archive_kinds.packed: (), archive_kinds.archive: ('archives',), archive_kinds.fetched: ('archives',),
         file_kinds.event_file: ('run',), file_kinds.lists: ('pictures', 'data')}
KINDS = {**text_kinds.KINDS, **data_kinds.KINDS, **archive_kinds.KINDS, **file_kinds.KINDS}
FILES = 'weights.npz', 'older.h5', 'keras_3.h5'


def make_base(folder):
    """A cases.Result of making the base, for `results`."""
    folder.mkdir()
    bases.make(folder)
    return cases.Result('base', cases.ACCEPTED, '')


def drawn(seed, number, kinds):
    """The random.Random of a case, and the function that makes it."""
    draw = random.Random(f'{seed} {number}')
    return draw, draw.choices(list(kinds), list(kinds.values()))[0]


def copied(base, folder, trees):
    """Makes a case's folder, with copies of parts of the base."""
    folder.mkdir()
    for tree in trees:
        shutil.copytree(base / tree, folder / tree)


def judge(seed, base, number, keep=False):
    """The cases.Result of a case in this process."""
    draw, kind = drawn(seed, number, KINDS)
    folder = base.parent / f'case{number}'
    copied(base, folder, TREES[kind])
    if kind is file_kinds.initial:
        for name in FILES:
            shutil.copy(base / name, folder / name)
    case = kind(draw, folder)
    found = cases.judged(case, folder)
    if keep:
        return found._replace(text=f'{case.value} -> {found.text}')
    shutil.rmtree(folder)
    return found


def wrong_lines(err):
    """Lines on stderr that are neither what is wrong, also with single pictures, nor warnings nor a progress bar."""
    lines = [line for part in err.splitlines() for line in part.split('\r') if line.strip()]
    starts, ends = ('error: ', 'warning: ', 'Not finished: '), ('read up to there', 'their median is of all.')
    parts = 'img/s', '%|', "': it is "
    return [line for line in lines if not line.startswith(starts) and not line.endswith(ends)
            and not any(part in line for part in parts)]


def process(seed, base, number, keep=False):
    """The cases.Result of a case that is a process."""
    draw, kind = drawn(seed, f'process {number}', process_kinds.KINDS)
    folder = base.parent / f'process{number}'
    copied(base, folder, ('data', 'run', 'pictures', 'arrays', 'archives'))
    args_file = folder / 'run' / 'args' / 'args.json'
    args_file.write_text(args_file.read_text().replace(str(base), str(folder)))
    script, args, names = kind(draw, folder)
    line = shlex.join(['python', str(script), *map(str, args)])

    def call():
        code, out, err = runner.run(script, *args, seconds=cases.SECONDS)
        said = [one for one in err.splitlines() if one.startswith('error: ')]
        assert code != -9, f'hang or killed: {line}'
        assert 'Traceback' not in err + out and code in ((0, 1, 2) if 'predict' in script else (0, 1)), (
            f'exit code {code}: {err[-300:]} {line}')
        several = 'create_datasets' in script
        assert not wrong_lines(err), f'another line: {wrong_lines(err)[0][:300]} {line}'
        assert len(said) == 1 if code and not several else bool(said) == bool(code), f'{code}: {err} {line}'
        new = sorted(folder.glob('new*'))
        # With 2 predict.py has written what it could, and says so.
        assert code != 1 or not new, f'left {new[0]}: {line}'
        if code:
            raise InputError(said[0])

    found = cases.judged(cases.Case(f'process {kind.__name__}', call, names), folder)
    if keep:
        return found._replace(text=f'{line} -> {found.text}')
    shutil.rmtree(folder)
    return found


def run(seed, total, processes, one=None, kinds=False):
    """Runs cases and prints what failed; returns the exit code.

    Args:
        one: (function `judge` or `process`, number) of a single case.
    """
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(tempfile.mkdtemp() if one else top)
        base = top / 'base'
        (_, made), = cases.results(lambda number: make_base(base), [0])
        assert made.outcome == cases.ACCEPTED, made.text
        script = f'python tests/campaigns/inputs.py --seed={seed}'
        counts = cases.Counts(lambda pair: '{} --{}={}'.format(script, *pair), bool(one))
        if one:
            kind, number = one
            function = {'case': judge, 'process': process}[kind]
            for _, found in cases.results(lambda number: function(seed, base, number, True), [number]):
                counts.add(one, found)
            print(f'Its files are in {top}')
            return counts.end()
        for number, found in cases.results(lambda number: judge(seed, base, number), range(total - processes)):
            counts.add(('case', number), found)
        for number in range(processes):
            counts.add(('process', number), process(seed, base, number))
        return counts.end(kinds)


def main():
    """Runs what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=10000)
    parser.add_argument('--processes', type=int, help='how many of them are processes; unless given 3 in 100')
    parser.add_argument('--case', type=int, help='the only one to run')
    parser.add_argument('--process', type=int, help='the only process to run')
    args = parser.parse_args()
    one = next(((name, getattr(args, name)) for name in ('case', 'process') if getattr(args, name) is not None), None)
    processes = args.cases * 3 // 100 if args.processes is None else args.processes
    return run(args.seed, args.cases, processes, one, kinds=True)


if __name__ == '__main__':
    sys.exit(main())
