"""Mutation testing of the numeric core: python tests/campaigns/mutations.py --seed=1 --cases=240

Makes small changes (tests/mutants.py) in a copy of the modules of TESTS, one at a time, and runs the tests of the
changed module until one fails. Prints each change that no test noticed; ends with counts for each module and of all,
and with 1 if fewer than 90 % were noticed, of those that are not known to change nothing (EQUIVALENT).

A change takes 1 to 20 seconds of a processor, most of them 2: 240 take about 15 minutes. It is no part of
the tests.
"""

import argparse
import collections
import contextlib
import gc
import importlib.util
import itertools
import math
import multiprocessing
import os
import pathlib
import random
import resource
import shutil
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'tests')]

from equivalent_mutants import EQUIVALENT  # noqa: E402
from fork_server import forget_libml  # noqa: E402  It also imports TensorFlow.
from mutants import Source  # noqa: E402

import pytest  # noqa: E402

# Module of libml -> its tests, those that take least first.
TESTS = {
    'losses': ['test_losses.py'],
    'layers': ['test_layers.py'],
    'trackers': ['test_trackers.py', 'test_adamatch.py::test_class_distributions',
                 'test_flexmatch.py::test_golden_thresholds_of_counts', 'test_flexmatch.py::test_fifty_random_steps'],
    'schedules': ['test_schedules.py'],
    'ema': ['test_ema.py'],
    'step_order': ['test_models.py::test_everything_is_computed_before_anything_is_updated',
                   'test_models.py::test_weights_then_averages_then_the_step', 'test_step_order.py',
                   'workers/test_training.py::test_state_of_trackers'],
    'streams': ['test_streams.py'],
    'draws': ['test_draws.py'],
    'optimizers': ['test_optimizers.py'],
    'datasets/records': ['datasets/test_records.py'],
    'datasets/split_rule': ['datasets/test_split_rule.py'],
    'datasets/splits': ['datasets/test_splits.py'],
    'training/checkpoint': [f'training/test_checkpoint.py::test_{name}' for name in (
        'what_can_be_found', 'checkpoint_errors_and_scopes', 'what_is_not_needed_may_be_missing',
        'a_checkpoint_whose_index_is_gone_is_told', 'the_newest_whole_checkpoint', 'where_no_folder_can_be_made',
        'a_checkpoint_that_may_not_be_read_is_not_taken_for_damaged',
        'evaluation_needs_the_network_and_training_all_but_trackers',
        'full_disk_is_one_line_and_leaves_whole_checkpoints', 'keep_ckpt_holds_across_restarts',
        'a_run_goes_on_from_the_newest_whole_checkpoint')],
}
COPIED = ('libml', 'tests', 'scripts', 'ablation', 'pyproject.toml')
OUTCOMES = ('killed', 'timeout', 'survived', 'equivalent')
ENOUGH = 0.9
SPARE = 20  # seconds of a processor that tests may take more than four times as long as without a change
WAITING = 10  # how many times as long as on a processor they may take in all: other programs may run, too
# What a process adds to pytest's exit code, so that no other failure is taken for one of a test.
TOLD = 100
KILLING = (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
processes = multiprocessing.get_context('fork')


def copy_of(root, folder):
    """Copies what tests need into a folder that is not there yet; returns it."""
    folder.mkdir()
    for path in [*map(root.joinpath, COPIED), *root.glob('*.py')]:
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        elif path.exists():
            shutil.copy2(path, folder)
    return folder


def run_tests(copy, module, tests, changed, seconds):
    """Ends this process with TOLD + the exit code of pytest, of tests in a copy of the tree. What they print is in the
    file `log` there."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.setsid()  # With all that the tests start it can be ended.
    with open(copy / 'log', 'wb') as f:
        for number in (1, 2):
            os.dup2(f.fileno(), number)
    # A change of the same size in the same second would pass for the one that was compiled.
    sys.dont_write_bytecode = changed
    forget_libml()
    sys.path[:0] = [str(copy / folder) for folder in ('.', 'scripts', 'tests')]
    os.chdir(copy)
    found = importlib.util.find_spec(f'libml.{module.replace("/", ".")}').origin
    assert pathlib.Path(found).is_relative_to(copy), f'{found} is not in {copy}'
    sys.exit(TOLD + pytest.main(['-x', '-q', '-p', 'no:cacheprovider', f'--basetemp={copy}/temporary',
                                 *(f'tests/{test}' for test in tests)]))


def outcome(copy, module, tests, changed, seconds):
    """One of OUTCOMES, of the tests of a module in a copy of the tree that may take so long on a processor."""
    process = processes.Process(target=run_tests, args=(copy, module, tests, changed, seconds))
    process.start()
    process.join(WAITING * seconds)
    late = process.is_alive()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    code = process.exitcode - TOLD
    if late or -process.exitcode in (signal.SIGKILL, signal.SIGXCPU):
        return 'timeout'
    if process.exitcode < 0 or code in KILLING:
        return 'killed'
    if code != pytest.ExitCode.OK:
        sys.exit(f'error: the tests of {module} cannot be run:\n{(copy / "log").read_text()}')
    return 'survived'


def drawn(sources, cases, seed):
    """list of (module, change), `cases` of all in turns of the modules, in the order of modules and places."""
    draw = random.Random(seed)
    orders = [[(module, change) for change in draw.sample(changes, len(changes))]
              for module, changes in ((module, source.changes()) for module, source in sources.items())]
    turns = (case for turn in itertools.zip_longest(*orders) for case in turn if case)
    order = list(sources)
    return sorted(itertools.islice(turns, cases), key=lambda case: (order.index(case[0]), case[1]))


def tested(copy, module, source, changes):
    """Counter of OUTCOMES of the changes of one module; prints those that survived."""
    tests, path, counts = TESTS[module], copy / 'libml' / f'{module}.py', collections.Counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if outcome(copy, module, tests, False, 600) != 'survived':
        sys.exit(f'error: the tests of {module} fail without a change:\n{(copy / "log").read_text()}')
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    limit = math.ceil(SPARE + 4 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    for change in changes:
        line, old, new = source.shown(change)
        if any((old, new) in pairs for pairs in EQUIVALENT.get(module, {}).values()):
            counts['equivalent'] += 1
            continue
        path.write_bytes(source.changed(change))
        found = outcome(copy, module, tests, True, limit)
        counts[found] += 1
        if found == 'survived':
            print(f'libml/{module}.py:{line}: {old} -> {new}', flush=True)
    path.write_bytes(source.content)
    return counts


def row(name, counts, seconds):
    """A line of the table; and the share of changes that were noticed."""
    noticed = counts['killed'] + counts['timeout']
    share = noticed / max(1, noticed + counts['survived'])
    numbers = ', '.join(f'{counts[kind]} {kind}' for kind in OUTCOMES)
    return f'{name}: {numbers}; {share:.1%} noticed; {seconds:.0f} s', share


def main(argv=None):
    """Prints what survived and the counts; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=240)
    args = parser.parse_args(argv)
    start = time.monotonic()
    gc.freeze()  # Else each copy of this process would go through all that TensorFlow's import has made.
    sources = {module: Source((ROOT / 'libml' / f'{module}.py').read_bytes()) for module in TESTS}
    total = collections.Counter()
    with tempfile.TemporaryDirectory() as top:
        copy = copy_of(ROOT, pathlib.Path(top).resolve() / 'tree')
        for module, cases in itertools.groupby(drawn(sources, args.cases, args.seed), key=lambda case: case[0]):
            begun = time.monotonic()
            counts = tested(copy, module, sources[module], [change for _, change in cases])
            total += counts
            print(row(module, counts, time.monotonic() - begun)[0], flush=True)
    last, share = row(f'{total.total()} changes, seed {args.seed}', total, time.monotonic() - start)
    print(last)
    return int(share < ENOUGH)


if __name__ == '__main__':
    sys.exit(main())
