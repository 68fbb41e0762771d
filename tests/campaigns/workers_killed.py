"""Kills random workers of a run at random times: python tests/campaigns/workers_killed.py --kills=20 [--workers=2]

A run on so many workers is trained without a break; then again, in folders of their own, until so many workers were
killed (SIGKILL) while scripts/workers.py starts all of them again. Each of these must end with a checkpoint that is
equal to the bit to the unbroken one. Prints a line a kill, then how many bits differ; ends with 1 if any does.

A kill takes about half a minute. It is no part of the tests.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'tests')]

import runner  # noqa: E402
from campaigns import whole  # noqa: E402
from libml.training import checkpoint  # noqa: E402


def children(pid):
    """The processes that this one has started, the oldest first."""
    found = []
    for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            number, rest = stat.read_text().split(' ', 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(rest.rpartition(')')[2].split()[1]) == pid:
            found.append(int(number))
    return sorted(found)


def started(folder, workers, kimg):
    """A process of scripts/workers.py that trains in a folder, which stdout and stderr are in."""
    with open(folder / 'out', 'w') as out, open(folder / 'err', 'w') as err:
        return runner.start('scripts/workers.py', '--restarts=1000', '--timeout=300', workers, sys.executable,
                            'mixmatch.py', *runner.TINY, f'--train_kimg={kimg}', '--save_kimg=1', '--report_images=0',
                            f'--data_dir={folder.parent}/data', f'--train_dir={folder}/run', stdout=out, stderr=err)


def variables(folder):
    """dict name -> value of the last checkpoint."""
    paths = [path.parent for path in folder.rglob('model.ckpt-*.index')]
    return whole.arrays(checkpoint.newest_whole(str(paths[0])))


def differing_bits(one, other):
    """How many bits differ in two dicts of arrays of the same names."""
    assert one.keys() == other.keys()
    return sum(whole.differing_bits(value, other[name]) for name, value in one.items())


def main():
    """Prints what was killed and what differs; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (('kills', 20), ('workers', 2), ('kimg', 24), ('seed', 1)):
        parser.add_argument(f'--{name}', type=int, default=default)
    args = parser.parse_args()
    draw, kills, bits, rounds = random.Random(args.seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as top:
        folder = pathlib.Path(top) / 'unbroken'
        folder.mkdir()
        start = time.monotonic()
        assert started(folder, args.workers, args.kimg).wait() == 0, (folder / 'err').read_text()
        longest, expected = time.monotonic() - start, variables(folder)
        print(f'unbroken: {longest:.0f} s', flush=True)
        while kills < args.kills:
            rounds += 1
            folder = pathlib.Path(top) / f'broken{rounds}'
            folder.mkdir()
            process = started(folder, args.workers, args.kimg)
            while process.poll() is None:
                try:
                    process.wait(draw.uniform(0, longest))
                except subprocess.TimeoutExpired:
                    running = children(process.pid)
                    if kills < args.kills and len(running) == args.workers:
                        place, kills = draw.randrange(args.workers), kills + 1
                        os.kill(running[place], signal.SIGKILL)
                        print(f'kill {kills}: worker {place} of run {rounds}', flush=True)
            found = differing_bits(variables(folder), expected) if not process.returncode else -1
            print(f'run {rounds}: exit code {process.returncode}, {found} bits differ', flush=True)
            if found:
                print((folder / 'err').read_text())
            bits += abs(found)
    print(f'{kills} kills in {rounds} runs, {bits} bits differ')
    return int(bool(bits))


if __name__ == '__main__':
    sys.exit(main())
