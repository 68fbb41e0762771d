"""A run on one process beside the same on two workers: python tests/campaigns/workers_curves.py --data_dir=DATA

Trains FixMatch with a small network on CIFAR-10 (prepared by scripts/create_datasets.py) for --kimg kimg, in turns,
and prints accuracies and losses of both at each report. Further arguments go to fixmatch.py. With those below 512 steps
take about 10 minutes on two cores. It is no part of the tests.
"""

import argparse
import json
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'tests')]

import runner  # noqa: E402

ARGS = ['--dataset=cifar10.3@250-500', '--filters=8', '--repeat=1', '--scales=3', '--batch=16', '--uratio=3',
        '--augment=d.d.rac', '--ema=0.9', '--bn_momentum=0.9', '--confidence=0.8', '--report_images=0']
SHOWN = ('accuracy', 'accuracy/train_labeled', 'losses/xe', 'losses/xeu', 'monitors/mask')


def reports(folder, launcher, args):
    """list of the reports, dict tag -> value, of a run in a folder."""
    process = runner.start(*launcher, 'fixmatch.py', f'--train_dir={folder}', *args, stdout=None, stderr=None)
    assert process.wait() == 0
    file, = pathlib.Path(folder).rglob('metrics.jsonl')
    return [json.loads(line) for line in file.read_text().splitlines()]


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data_dir', default='data')
    parser.add_argument('--kimg', type=int, default=8)
    known, more = parser.parse_known_args()
    args = [*ARGS, f'--data_dir={pathlib.Path(known.data_dir).resolve()}', f'--train_kimg={known.kimg}',
            '--report_kimg=1', *more]
    with tempfile.TemporaryDirectory() as top:
        one = reports(f'{top}/one', [], args)
        two = reports(f'{top}/two', ['scripts/workers.py', '2', sys.executable], args)
    print(f'{"kimg":>5}' + ''.join(f'{tag:>28}' for tag in SHOWN))
    for rows in zip(one, two):
        print(f'{rows[0]["kimg"]:>5g}' + ''.join(
            f'{rows[0].get(tag, float("nan")):>16.5f} {rows[1].get(tag, float("nan")):>11.5f}' for tag in SHOWN))


if __name__ == '__main__':
    main()
