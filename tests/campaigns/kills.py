"""Kills runs of every script at random times: python tests/campaigns/kills.py [--seed=1] [--cases=104] [script.py ...]

Each script trains for a few seconds without a break; then again, killed (SIGKILL, SIGTERM, SIGINT) and started again
with the same command until it comes to its end: at any time, while it makes its dataset, builds its graph, resumes,
takes its first step, evaluates, saves, and before one of its operations on files. After each kill the exit code, the
lines and all files are looked at; at the end all variables of all checkpoints, metrics.jsonl and what TensorBoard
shows must be those of the run that was never killed. A failure is printed with the command that does its script's
kills again; the last line counts. Ends with 1 if there was a failure.

A kill takes about 5 seconds of processor time. It is no part of the tests.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import random
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'tests')]

from campaigns import small_scripts, whole  # noqa: E402
from campaigns.copies import Copy, all_seconds, run  # noqa: E402

DATASET = 'dataset'
# Where a kill comes: file and function that is called, the highest number of its call, and seconds after that.
PLACES = {
    'building': ('libml/train.py', '__init__', 1, 1.5), 'resuming': ('training/leftovers.py', 'newest', 1, 0.3),
    'first step': ('training/loop.py', 'one_step', 2, 0.5), 'evaluation': ('training/loop.py', 'report', 2, 0.2),
    'saving': ('training/checkpoint.py', 'save', 3, 0.05), DATASET: ('datasets/prepare.py', 'create', 1, 0.3),
}
# At any time, and before an operation on files, of which a whole run has about so many.
ANY, FILES, OPERATIONS = 'any time', 'files', 80
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


class Script:
    """A script that is killed so many times in runs below `folder`.

    Attributes:
        failures: list of texts.
        outcomes: Counter of the kills.
        bits: that differ in the end.
    """

    def __init__(self, name, folder, data_dir, seed):
        self.name, self.folder, self.data_dir = name, pathlib.Path(folder), data_dir
        self.draw = random.Random(f'{seed}/{name}')
        self.failures, self.outcomes, self.bits, self.seed = [], collections.Counter(), 0, seed

    def unbroken(self):
        """Trains without a kill; whether that came to its end."""
        start = time.monotonic()
        done = run(self.name, small_scripts.flags(self.name, self.folder / 'unbroken', self.data_dir))
        self.seconds = time.monotonic() - start
        if done.code:
            self.failures.append(f'unbroken: exit code {done.code}: {done.err}')
        return not done.code

    def killed(self, kills):
        """Kills so many times, in as many runs as come to their end meanwhile."""
        number = 0
        while sum(self.outcomes.values()) < kills:
            number += 1
            folder = self.folder / f'broken{number}'
            # Some runs make their dataset themselves.
            data_dir = self.draw.choice([self.data_dir, folder / 'data'])
            while sum(self.outcomes.values()) < kills and self.kill(folder / 'runs', data_dir):
                pass
            self.check_end(folder / 'runs', data_dir)
            if number > 3 * kills:
                self.failures.append('it ends before it can be killed')
                break

    def kill(self, folder, data_dir):
        """Starts, and kills at a place that is drawn; returns whether that came before the end."""
        made = pathlib.Path(data_dir, 'digits.json').exists()
        place = self.draw.choice([name for name in (*PLACES, ANY, FILES) if not made or name != DATASET])
        sent = self.draw.choice(SIGNALS)
        flags = small_scripts.flags(self.name, folder, data_dir)
        if place == FILES:
            copy = run(self.name, flags, files=1 + self.draw.randrange(OPERATIONS), then=int(sent))
        else:
            copy = self.killed_copy(place, sent, flags)
            copy.finish()
        if copy.code == 0:
            return False
        self.outcomes[f'{sent.name} {place}'] += 1
        for text in (*wrong_end(copy, sent), *left_wrong(folder, data_dir, sent)):
            self.failures.append(f'{sent.name} {place}: {text}')
        return copy.code in (-sent, 128 + sent)

    def killed_copy(self, place, sent, flags):
        """A Copy that a signal was sent to, unless it ended before."""
        if place == ANY:
            copy, seconds = Copy(self.name, flags), self.seconds
            # Python itself handles SIGINT; SIGTERM is the last that libml takes over.
            there = copy.wait_until(lambda: sent == signal.SIGKILL or copy.handles(signal.SIGTERM))
        else:
            file, function, most, seconds = PLACES[place]
            with tempfile.TemporaryDirectory() as mark:
                path = pathlib.Path(mark) / 'there'
                copy = Copy(self.name, flags, at=[file, function, 1 + self.draw.randrange(most)], then=str(path))
                there = copy.wait_until(path.exists)
        if not there and copy.code is None:
            self.failures.append(f'{sent.name} {place}: it hangs')
        copy.wait(self.draw.uniform(0, seconds))
        with contextlib.suppress(ProcessLookupError):
            copy.send(sent)
        return copy

    def check_end(self, folder, data_dir):
        """Has a run come to its end and compares it."""
        done = run(self.name, small_scripts.flags(self.name, folder, data_dir))
        if done.code:
            self.failures.append(f'exit code {done.code} in the end: {done.err}')
            return
        found, bits = whole.differences(folder, self.folder / 'unbroken')
        self.bits += bits
        self.failures += [*found, *(f'{path} is left' for path in whole.pieces(folder))]


def wrong_end(copy, sent):
    """Texts: what is wrong with how a process ended that was sent a signal."""
    line = f'Stopped by {sent.name}.\n'
    finished = 'Finished at kimg' in copy.out
    codes = [-sent] if sent == signal.SIGKILL else [128 + sent, *[-sent] * finished]
    if copy.code not in codes:
        yield f'exit code {copy.code}, stderr {copy.err!r}'
    elif copy.code > 0 and copy.err != ('' if 'saved; the same command resumes' in copy.out else line):
        yield f'stderr {copy.err!r}'
    elif 'Traceback' in copy.err or 'Error' in copy.err:
        yield copy.err


def left_wrong(folder, data_dir, sent):
    """Texts: what is wrong with the files that it left."""
    for path in (folder, data_dir):
        for text in whole.damaged(path):
            yield f'is half written: {text}'
        for text in whole.pieces(path) if sent != signal.SIGKILL else ():
            yield f'{text} is left'


def campaign(names, cases, seed):
    """Kills `cases` times; prints; returns the number of failures."""
    start, outcomes, bits, failures = time.monotonic(), collections.Counter(), 0, 0
    with tempfile.TemporaryDirectory() as top:
        data_dir = pathlib.Path(top) / 'data'
        for i, name in enumerate(names):
            kills = cases // len(names) + (i < cases % len(names))
            if not kills:
                continue
            script = Script(name, pathlib.Path(top) / name, data_dir, seed)
            if script.unbroken():
                script.killed(kills)
            print(f'{name:<24} {sum(script.outcomes.values())} kills, {script.bits} bits differ, '
                  f'{len(script.failures)} failures, unbroken {script.seconds:.1f} s', flush=True)
            for text in script.failures:
                print(f'  {json.dumps(text)}\n  python tests/campaigns/kills.py --seed={seed} --cases={kills} {name}')
            outcomes += script.outcomes
            bits, failures = bits + script.bits, failures + len(script.failures)
    counts = ', '.join(f'{count} {what}' for what, count in sorted(outcomes.items()))
    print(f'{sum(outcomes.values())} kills ({counts}), {bits} bits differ, {failures} failures; seed {seed}, '
          f'{time.monotonic() - start:.0f} s, {all_seconds():.0f} s of processor time')
    return failures


def main():
    """Prints what was killed and what was wrong; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('scripts', nargs='*', help='such as mixmatch.py; all of them')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=104)
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # One of a job in the background ignores it.
    return int(bool(campaign(args.scripts or small_scripts.names(), args.cases, args.seed)))


if __name__ == '__main__':
    sys.exit(main())
