"""Pictures per second of scripts/create_from_pictures.py, and the memory that it takes.

python benchmarks/pictures.py [--pictures=20000] [--size=32]

Makes that many different JPEGs of 500x375, pieces of the two photographs that come with scikit-learn, in a temporary
folder, and runs the command on a tenth of them and on all. The rate counts the whole command, its start included, so
that other work on the machine lowers it, unlike the CPU seconds; the memory is the peak of its largest process. They
are printed, then a line of JSON.
"""

import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.utils import run_main

from absl import flags
from PIL import Image

FLAGS = flags.FLAGS
flags.DEFINE_integer('pictures', 20000, 'Number of pictures.')
flags.DEFINE_integer('size', 32, 'Size that they get.')

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 500, 375


def make(folder, n):
    """Writes n JPEGs to folder/all/<photograph>/ and links every tenth to folder/few/<photograph>/."""
    from sklearn.datasets import load_sample_images
    photographs = dict(zip(('china', 'flower'), map(Image.fromarray, load_sample_images().images)))
    width, height = photographs['china'].size
    places = itertools.product(range(width - WIDTH), range(height - HEIGHT), photographs)
    if n > 4 * (width - WIDTH) * (height - HEIGHT):
        raise SystemExit(f'error: --pictures={n}: there are not so many different pieces')

    def write(number, place, mirrored):
        x, y, name = place
        piece = photographs[name].crop((x, y, x + WIDTH, y + HEIGHT))
        path = folder / 'all' / name / f'{number}.jpg'
        (piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else piece).save(path, quality=90)
        if number % 40 < 4:  # Of four, two are of each photograph.
            os.link(path, folder / 'few' / name / path.name)

    for part, name in itertools.product(('all', 'few'), photographs):
        (folder / part / name).mkdir(parents=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        pieces = ((place, mirrored) for place in places for mirrored in (False, True))
        list(pool.map(write, range(n), *zip(*itertools.islice(pieces, n))))


def run(folder, name):
    """Seconds, seconds of all processors and peak megabytes of the command on folder/<name>."""
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, 'scripts/create_from_pictures.py', f'--name={name}', f'--train={folder / name}',
         f'--size={FLAGS.size}', f'--data_dir={folder / "data"}'], cwd=ROOT, stdout=subprocess.DEVNULL,
        env=dict(os.environ, PYTHONPATH=str(ROOT)))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f'error: create_from_pictures.py ended with {os.waitstatus_to_exitcode(status)}')
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, FLAGS.pictures)
        _, _, few_mb = run(folder, 'few')
        seconds, cpu_seconds, mb = run(folder, 'all')
    rate = FLAGS.pictures / seconds
    print(f'{FLAGS.pictures:,} pictures: {seconds:.1f} s, {rate:.0f} pictures per second, {cpu_seconds:.1f} CPU s, '
          f'{mb:.0f} MB; a tenth of them: {few_mb:.0f} MB')
    print(json.dumps(dict(pictures_per_second=rate, cpu_seconds=cpu_seconds, mb=mb, mb_of_a_tenth=few_mb)))


if __name__ == '__main__':
    run_main(main)
