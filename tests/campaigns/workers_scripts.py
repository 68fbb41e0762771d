"""Every script for 3 steps on one process and on two workers: python tests/campaigns/workers_scripts.py [name ...]

Prints for each the largest difference of the losses, and of the variables relative to their largest entry (at least
1e-3), of one process and of the first worker; ends with 1 if workers differ by a bit or the losses by too much. Biases
of convolutions before batch norm, whose gradient is rounding, are left out with what follows them: their averages,
momentum and the running means. Leaky ReLU is softplus: at its kink rounding chooses between slopes. For --steps=N other
steps, for --relu with the kink.

It takes about 20 minutes of processor time and is no part of the tests.
"""

import argparse
import contextlib
import importlib
import io
import pathlib
import re
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'scripts', 'tests')]

import adamatch_runs  # noqa: E402
import consistency_runs  # noqa: E402
import domain_runs  # noqa: E402
import in_threads  # noqa: E402
import toy  # noqa: E402
from libml.datasets import index, on_demand, records  # noqa: E402

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

SMALL = dict(batch=8, filters=4, repeat=1, scales=1, bn_momentum=0.9)
MANY = 'flexmatch freematch softmatch dash defixmatch simmatch comatch fixmatch uda'.split()
FEW = 'mixmatch remixmatch mixup pseudo_label pi_model mean_teacher vat ict fully_supervised'.split()
DOMAINS = 'adamatch baseline mcd fixmatch_da fully_supervised_da'.split()
LEFT_OUT = re.compile(r'conv2d(_\d+)?/bias|moving_mean')
LOSSES = 1e-3


def model_class(module):
    """The class that a script trains."""
    text = (ROOT / f'{module}.py').read_text()
    return getattr(importlib.import_module(module.replace('/', '.')), re.search(r'train\.run\((\w+)', text)[1])


def disk_dataset(folder):
    """A dataset whose pictures are read from records when they are needed."""
    data = toy.dataset(size=8)
    path = str(pathlib.Path(folder) / 'toy.tfrecord')
    records.write_records(path, data.labeled.pixels, np.zeros(len(data.labeled.pixels), np.int64))
    pixels = on_demand.OnDemand(index.of_records([path]), data.labeled.pixels.shape[1:])
    subsets = [type(one)(pixels, one.targets, one.positions) for one in (data.labeled, data.unlabeled, data.valid,
                                                                        data.test)]
    return type(data)('toy', *subsets, nclass=5, mirror=True, shift=1)


def cases(folder):
    """dict name -> function of replicas that makes a model."""
    def plain(module, data=None, **params):
        return lambda workers: model_class(module)(folder, data or toy.dataset(size=8), workers, **{**SMALL, **params})

    def domain(module, **params):
        known = {name: value for name, value in {**domain_runs.TINY, 'batch': 8, 'filters': 4, **params}.items()
                 if name in model_class(module).HPARAMS}
        return lambda workers: model_class(module)(folder, adamatch_runs.dataset(7, size=8), workers, **known)

    # Without CTAugment, whose graphs take ten times as long, but for two.
    found = {name: plain(name, uratio=2, augment='d.d.r1_1_0') for name in MANY}
    found |= {name: plain(name) for name in FEW} | {'fixmatch, CTAugment': plain('fixmatch', uratio=2)}
    found |= {name: domain(name) for name in DOMAINS} | {'noisy_student': domain('noisy_student', id='0')}
    found |= {f'simclr {stage}': plain('simclr', stage=stage, **(dict(uratio=2) if stage == 'pretrain' else {}))
              for stage in ('supervised', 'pretrain')}
    found['consistency'] = lambda workers: model_class('consistency')(
        folder, consistency_runs.dataset(size=8), workers, **{**SMALL, 'swa_bn_images': 16, 'average': 'swa'})
    with contextlib.redirect_stdout(io.StringIO()):
        teacher = consistency_runs.train(folder, 16, consistency_runs.dataset(size=8), 16, **SMALL)
    found['consistency student'] = lambda workers: model_class('consistency')(
        folder, consistency_runs.dataset(size=8), workers, **SMALL, stage='student', teacher=teacher.folder.path)
    found |= {f'ablation/{path.stem}': (domain if path.stem.startswith('adamatch') else plain)(
        f'ablation/{path.stem}') for path in sorted((ROOT / 'ablation').glob('[ac]*.py'))
        if 'pretrain' not in path.stem}  # That one is a first stage of others.
    found['accumulate'] = plain('fixmatch', uratio=2, augment='d.d.r1_1_0', accumulate=2)
    found['own'] = plain('fixmatch', uratio=2, augment='d.d.r1_1_0', batch_norm='own')
    found['shake, dropout'] = plain('fully_supervised', arch='shake', dropout=0.5)
    found['bfloat16'] = plain('fully_supervised', precision='bfloat16')
    found['from disk'] = plain('fixmatch', disk_dataset(folder), uratio=2, augment='d.d.r1_1_0')
    return found


def difference(one, other):
    """Largest entry of the difference of two arrays by the largest of the first, at least 1e-3."""
    one, other = np.float64(one), np.float64(other)
    return np.abs(one - other).max(initial=0) / max(1e-3, np.abs(one).max(initial=0))


def compared(make, steps):
    """Difference of the losses, the variables' largest and its name, and the names of those that workers differ in."""
    (one, losses, _), = in_threads.trained(1, make, steps)
    (chief, chief_losses, _), (other, other_losses, _) = in_threads.trained(2, make, steps)
    apart = [name for name in one if not np.array_equal(chief[name], other[name])]
    found = {name: difference(value, chief[name]) for name, value in one.items() if not LEFT_OUT.search(name)}
    worst = max(found, key=found.get)
    return difference(losses, chief_losses), found[worst], worst, apart + ['loss'] * (chief_losses != other_losses)


def main():
    """Prints a line a case; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*')
    parser.add_argument('--steps', type=int, default=3)
    parser.add_argument('--relu', action='store_true')
    args = parser.parse_args()
    if not args.relu:
        tf.nn.leaky_relu = lambda x, alpha=0.2: tf.nn.softplus(x)
        tf.nn.relu = tf.nn.softplus
    wrong = False
    with tempfile.TemporaryDirectory() as folder:
        for name, make in cases(folder).items():
            if args.names and name not in args.names:
                continue
            start = time.process_time()
            try:
                loss, variable, worst, apart = compared(make, args.steps)
            except Exception as error:  # The others are compared all the same.
                wrong = True
                text = ' '.join(str(error).split())
                print(f'{name:<48} {type(error).__name__}: {text}', flush=True)
                continue
            wrong |= bool(apart) or loss > LOSSES and name not in ('vat', 'own', 'bfloat16')
            print(f'{name:<48} losses {loss:.1e}  variables {variable:.1e} {worst}'
                  f'{"  WORKERS DIFFER: " + ", ".join(apart) if apart else ""}  ({time.process_time() - start:.0f} s)',
                  flush=True)
    return int(wrong)


if __name__ == '__main__':
    sys.exit(main())
