"""Disks in trouble: python tests/campaigns/disk.py [--seed=1] [--cases=200] [--case=N]

Trains, makes datasets and splits, predicts, exports, evaluates and plots where the disk is full at a random size,
files are limited, a random operation fails (no space, quota, input/output error, read-only), the disk is read-only, a
folder or file has no permission, a file vanishes, or a folder stands in the place of a file. Each time the command must
come to its end, or end with 1 and one line that names the path; what was there before must be as it was, nothing half
written be left, and the same command must afterwards, with the trouble mended, end with the bits that it has without.
A failure is printed with the command that does it again; the last line counts. Ends with 1 if there was a failure.

A full disk is a tmpfs in a mount namespace of its own (`unshare`); where that cannot be had, files are limited
(RLIMIT_FSIZE) in its place. It is no part of the tests.
"""

import argparse
import collections
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'tests')]

from campaigns import disk_jobs, disks, whole  # noqa: E402
from campaigns.copies import Copy, all_seconds, run  # noqa: E402


class Case:
    """One trouble of one job; its kinds are the methods of KINDS, which run the job's command in it.

    Attributes:
        victim: path on the disk of what was taken away or replaced, or None.
        taken: its bytes, None where it was not there.
        outcome: `done` or `refused`.
    """

    def __init__(self, campaign, number):
        self.disk, self.base, self.reference = campaign.disk, campaign.base, campaign.reference
        self.draw = random.Random(f'{campaign.seed}/{number}')
        names = [name for name, job in campaign.jobs.items() for _ in range(job.often)]
        self.name = self.draw.choice(names)
        self.job = campaign.jobs[self.name]
        self.kind = self.draw.choice([kind for kind in campaign.kinds if self.job.inputs or kind != 'vanishing'])
        self.victim = self.taken = None

    def run(self, **trouble):
        return run(self.job.script, self.job.args, **trouble)

    def full(self):
        low, high = self.job.used
        self.disk.resize(low + self.draw.random() ** 2 * 1.2 * (high - low))
        return self.run()

    def limited(self):
        largest = max(map(len, self.job.after.values()))
        return self.run(limit=int(1000 * (1.2 * largest / 1000 + 1) ** self.draw.random()))

    def failing(self):
        most = {'train': 120, 'resume': 120}.get(self.name, 30)
        return self.run(files=1 + int(self.draw.random() ** 2 * most), then=[self.draw.choice(disks.ERRORS)])

    def read_only(self):
        self.disk.read_only()
        return self.run()

    def forbidden(self):
        """A folder or a file may not be read, or not be written."""
        path = self.draw.choice([self.disk.path, *sorted(self.disk.path.rglob('*'))])
        mode = path.stat().st_mode & 0o777
        path.chmod(self.draw.choice([0, mode & 0o555, mode & 0o333]))
        try:
            return self.run(bound=True)
        finally:
            if path.exists():
                path.chmod(mode)

    def vanishing(self):
        """A file is removed before the start, or at any time."""
        self.victim = self.draw.choice([*self.job.inputs])
        self.taken, path = self.job.inputs[self.victim], self.disk.path / self.victim
        if self.draw.random() < 0.5:
            path.unlink(missing_ok=True)
            return self.run()
        copy = Copy(self.job.script, self.job.args)
        copy.wait(self.draw.uniform(0, self.job.seconds))
        path.unlink(missing_ok=True)
        return copy.finish()

    def folder_for_file(self):
        """A folder stands where a file is read or written."""
        self.victim = self.draw.choice([*self.job.after, *self.job.varying])
        path = self.disk.path / self.victim
        if path.exists():
            self.taken = path.read_bytes()
            path.unlink()
        path.mkdir(parents=True)
        if self.draw.random() < 0.5:
            (path / 'file').write_text('mine')
        return self.run()

    def mend(self):
        """Ends the trouble: what was taken away is there again."""
        self.disk.repair()
        if not self.victim:
            return
        path = self.disk.path / self.victim
        if path.is_dir():
            shutil.rmtree(path)
            for parent in path.parents:
                if parent == self.disk.path or any(parent.iterdir()):
                    break
                parent.rmdir()
        if not path.exists() and self.taken is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.taken)

    def wrong(self):
        """Does it all; yields texts: what was wrong."""
        self.disk.make()
        disk_jobs.lay_out(self.job, self.base, self.disk.path)
        copy = getattr(self, self.kind)()
        self.outcome = 'done' if copy.code == 0 else 'refused'
        yield from wrong_end(copy, self.disk.path)
        folder = self.disk.path / (self.victim or '')
        if self.kind == 'folder_for_file' and not folder.is_dir():
            yield f'the folder {self.victim} was replaced'
        yield from disk_jobs.changed(self.job, self.disk.path, self.victim)
        for text in whole.damaged(self.disk.path):
            # A checkpoint is of two files: what is left of it if one was taken is as it was.
            if not (self.victim and text.startswith(f'{pathlib.PurePath(self.victim).with_suffix("")}.index')):
                yield f'half written: {text}'
        for text in whole.pieces(self.disk.path) if 'ckpt' not in (self.victim or '') else ():
            yield f'{text} is left'
        self.mend()
        if copy.code or OLDER in copy.out:
            copy = self.run()
            if copy.code:
                yield f'exit code {copy.code} once it was mended: {copy.err}'
                return
        for text in disk_jobs.differences(self.job, self.disk.path, self.reference / self.name,
                                          'warning: ' in copy.err):
            yield f'in the end: {text}'


# TensorFlow's of a temporary file of its own, whose size is limited as well; and ours.
WARNINGS = ('WARNING:tensorflow:AutoGraph', 'Please report this to the TensorFlow', 'Cause: [Errno', 'To silence this',
            'warning: ')
OLDER = 'takes its place'  # What was done was done with an older checkpoint, and said so.
KINDS = ('full', 'full', 'limited', 'failing', 'failing', 'read_only', 'forbidden', 'vanishing', 'folder_for_file')


def wrong_end(copy, disk):
    """Texts: what is wrong with how a process ended."""
    lines = [line for line in copy.err.splitlines() if not line.startswith(WARNINGS) and 'ag_logging.py' not in line]
    if copy.code not in (0, 1) or 'Traceback' in copy.err or copy.code and len(lines) != 1:
        yield f'exit code {copy.code}: {copy.err}'
    elif copy.code and not (lines[0].startswith('error: ')
                            and any(text in lines[0] for text in (str(disk), 'standard output'))):
        yield f'it names no path: {copy.err}'
    elif not copy.code and lines:
        yield f'exit code 0: {copy.err}'


class Campaign:
    """What all cases share, in a folder, and the jobs that they are drawn from."""

    def __init__(self, top, seed, names=tuple(disk_jobs.JOBS)):
        self.seed, self.base, self.reference = seed, top / 'base', top / 'reference'
        self.disk = disks.Disk(top / 'disk')
        self.kinds = list(KINDS)
        if not self.disk.mounted:
            print('full, read_only: skipped, for lack of rights to mount', flush=True)
            self.kinds = [name for name in self.kinds if name not in ('full', 'read_only')]
        disk_jobs.make_base(self.base, self.disk.path, {found for name in names for found in disk_jobs.JOBS[name][0]})
        self.jobs = disk_jobs.jobs(self.base, self.disk.path, names)
        for name, job in self.jobs.items():
            self.disk.make()
            disk_jobs.lay_out(job, self.base, self.disk.path)
            job.begin(self.disk)
            done = run(job.script, job.args)
            disk_jobs.made(done)
            job.end(self.disk)
            shutil.copytree(self.disk.path, self.reference / name)

    def cases(self, numbers):
        """Does these cases; prints; returns the number of failures."""
        outcomes, failures = collections.Counter(), 0
        for number in numbers:
            case = Case(self, number)
            found = list(case.wrong())
            outcomes[f'{case.kind} {"wrong" if found else case.outcome}'] += 1
            failures += bool(found)
            if found:
                print(f'{case.kind} of {case.name}: python tests/campaigns/disk.py --seed={self.seed} --case={number}')
                print(*(f'  {json.dumps(text)}' for text in found), sep='\n', flush=True)
        counts = ', '.join(f'{count} {what}' for what, count in sorted(outcomes.items()))
        print(f'{sum(outcomes.values())} cases ({counts}), {failures} failures; seed {self.seed}, ', end='')
        return failures


def main():
    """Prints what was wrong; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=200)
    parser.add_argument('--case', type=int, help='only this one')
    args = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as top:
        campaign = Campaign(pathlib.Path(top), args.seed)
        failures = campaign.cases(range(args.cases) if args.case is None else [args.case])
        campaign.disk.close()
    print(f'{time.monotonic() - start:.0f} s, {all_seconds():.0f} s of processor time')
    return int(bool(failures))


if __name__ == '__main__':
    disks.own_mounts()
    sys.exit(main())
