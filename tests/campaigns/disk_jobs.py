"""What disk.py has done on a disk in trouble: commands, what they read there, and what of theirs is compared."""

import pathlib
import shutil
import time

import made_up_pictures
from campaigns import small_scripts, whole
from campaigns.copies import run

TRAIN = 'mixmatch.py'
# Of each job the folders that it finds on the disk, and how often it is drawn.
JOBS = dict(train=(('data',), 3), resume=(('data', 'half'), 3), datasets=((), 4), split=(('data',), 4),
            pictures=((), 4), predict=(('data', 'runs'), 1), export=(('data', 'runs'), 1), accuracy=(('runs',), 4),
            evaluate=(('data', 'runs'), 1), plot=(('runs',), 3))
# What the clock, a process or a version decides, or what is not its job's alone.
VARYING = ('lock', 'fingerprint.pb', 'saved_model.pb', 'args.json', 'metrics.jsonl', 'checkpoint')


class Job:
    """A command.

    Attributes:
        script, args: of the command.
        found: names of the folders that it finds on the disk.
        often: how often it is drawn.
        before, after: what is on the disk before and after it where nothing happens, see `snapshot`.
        inputs: dict path -> bytes of what it may need, also of what is not the same each time.
        varying: paths of what is not the same each time, after it.
        used: bytes that are on the disk before and after it.
        seconds: that it takes.
    """

    def __init__(self, command, found, often):
        (self.script, *self.args), self.found, self.often = command, found, often

    def begin(self, disk):
        """Notes what is on a Disk before it."""
        self.before, self.used = snapshot(disk.path), [disk.used()]
        # Of reports that are lost nothing knows.
        self.inputs = {**self.before, **{str(path.relative_to(disk.path)): path.read_bytes()
                                         for path in varying(disk.path) if path.name in ('args.json', 'checkpoint')}}
        self.seconds = time.monotonic()

    def end(self, disk):
        """Notes what is on a Disk after it."""
        self.seconds = time.monotonic() - self.seconds
        self.after, self.used = snapshot(disk.path), [*self.used, disk.used()]
        self.varying = [str(path.relative_to(disk.path)) for path in varying(disk.path)]


def make_base(base, disk, needed):
    """Makes, in the folder `base`, what jobs find: `pictures`, `data`, and if needed a `half` run and a finished one,
    `runs`, at their later path on the disk, which their args.json tells."""
    classes = [f'{name}/{i}.png' for name in ('cat', 'dog') for i in range(12)]
    made_up_pictures.pictures(base / 'pictures', *classes)
    made(run('scripts/create_datasets.py', [f'--data_dir={base}/data', 'digits']))
    for kimg, name in ((1, 'half'), (2, 'runs')) if needed & {'half', 'runs'} else ():
        made(run(TRAIN, train_flags(disk, kimg)))
        shutil.copytree(disk / 'runs', base / name)


def made(copy):
    """RuntimeError unless a command came to its end."""
    if copy.code:
        raise RuntimeError(f'exit code {copy.code}: {copy.err}')


def train_flags(disk, kimg=2):
    return [*small_scripts.flags(TRAIN, disk / 'runs', disk / 'data'), f'--train_kimg={kimg}', '--report_images=0']


def jobs(base, disk, names):
    """dict name -> Job, of those of these names."""
    finished = whole.run_folder(base / 'runs')
    folder = disk / 'runs' / (pathlib.Path(finished.path).relative_to(base / 'runs') if finished else '')
    pictures, data, out = base / 'pictures', disk / 'data', disk / 'out'
    commands = {
        'train': [TRAIN, *train_flags(disk)], 'resume': [TRAIN, *train_flags(disk)],
        'datasets': ['scripts/create_datasets.py', f'--data_dir={data}', 'digits'],
        'split': ['scripts/create_split.py', '--seed=3', '--size=40', f'--data_dir={data}', 'digits'],
        'pictures': ['scripts/create_from_pictures.py', '--name=pets', f'--train={pictures}', f'--data_dir={data}',
                     '--size=8'],
        'predict': ['scripts/predict.py', f'--run={folder}', f'--out={out}/predictions.csv', pictures / 'cat'],
        'export': ['scripts/export_model.py', f'--run={folder}', f'--out={out}/model'],
        'accuracy': ['scripts/extract_accuracy.py', folder],
        'evaluate': ['scripts/evaluate_run.py', f'--run={folder}'],
        'plot': ['scripts/plot_runs.py', f'--out={out}/curves.png', folder]}
    return {name: Job(commands[name], *JOBS[name]) for name in names}


def lay_out(job, base, disk):
    """Puts what a job finds on an empty disk."""
    for name in job.found:
        shutil.copytree(base / name, disk / {'half': 'runs'}.get(name, name))


def varying(disk):
    """Files on the disk that are not the same each time, but for event files."""
    return [path for path in sorted(disk.rglob('*')) if path.name in VARYING and path.is_file()]


def snapshot(disk):
    """dict path on the disk -> bytes, of files that have the same each time."""
    return {str(path.relative_to(disk)): path.read_bytes() for path in sorted(disk.rglob('*'))
            if path.is_file() and path.name not in VARYING and not path.name.startswith('events.')}


def changed(job, disk, victim):
    """Texts: what was on the disk before a job and is not as it was, but for the file `victim`, which was taken."""
    for name, content in job.before.items():
        path = disk / name
        aside = path.with_name(f'{path.name}.damaged')  # A checkpoint that lost a file.
        if name == victim or victim and 'ckpt' in name and aside.exists() and 'ckpt' in victim:
            continue
        if not path.is_file() or path.read_bytes() != content:
            yield f'{name} is {"changed" if path.exists() else "gone"}'


def differences(job, disk, reference, warned):
    """Texts: where the disk is not as it should be after a job: as the folder `reference`, if that has a run.

    A split that could not be written, which is warned of, is drawn again by every run.
    """
    for name, content in job.after.items():
        if warned and '/SSL' in name and not (disk / name).exists():
            continue
        if not (disk / name).is_file():
            yield f'{name} is not there'
        elif (disk / name).read_bytes() != content:
            yield f'{name} is another'
    if whole.run_folder(reference):
        yield from whole.differences(disk / 'runs', reference / 'runs')[0]
    yield from (f'{piece} is left' for piece in whole.pieces(disk))
