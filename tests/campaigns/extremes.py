"""What numbers.py runs: cases of extreme hyper-parameters."""

import argparse
import json
import math
import pathlib
import random
import tempfile

import adamatch_runs
import commands
import consistency_runs
import toy
from campaigns import cases
from libml.training import checkpoint
from libml.training.run_folder import RunFolder
from libml.utils import Diverged, InputError

import numpy as np
import tensorflow as tf

SMALL = dict(arch='convnet', scales=1, filters=2, repeat=1, batch=4, train_kimg=1)
PAIR = dict(SMALL, uratio=1, augment='d.d.r1_1_0', confidence=0.4)
DOMAIN = dict(SMALL, uratio=1, augment='(s,s)', arch='resnet')
# Script -> how a small one is made: hyper-parameters that it has not are left out.
METHODS = {
    **dict.fromkeys('fixmatch uda flexmatch freematch softmatch dash defixmatch simmatch comatch'.split(), PAIR),
    **dict.fromkeys('mixmatch remixmatch mixup pseudo_label pi_model mean_teacher vat ict fully_supervised'.split(),
                    dict(SMALL, cta=False)),
    **dict.fromkeys('adamatch baseline mcd fixmatch_da'.split(), DOMAIN),
    **{f'ablation/ab_fixmatch_{name}': PAIR for name in ('momentum', 'sharpen', 'adam', 'linearlr')},
    'consistency': dict(SMALL, arch='resnet', swa_bn_images=8, average='swa', swa_period=2),
    'simclr': dict(SMALL, arch='resnet', uratio=1),
}
FLOATS = (0., 1e-45, 1e-38, 1e-20, 1e-10, 1e-3, 0.1, 0.5, 1., 2., 10., 1e3, 1e10, 1e20, 1e30, 1e38, 3.4e38, 1e39, 1e300)
WHOLE = (0, 1, 2, 3, 1000, 10 ** 6, 2 ** 31, 2 ** 53, 2 ** 63, 10 ** 30)
# Whole numbers that are no sizes.
LENGTHS = ('warmup_kimg', 'tsa_pos', 'swa_start_kimg', 'swa_period', 'plateau_patience', 'stop_patience', 'drop_kimg',
           'train_kimg', 'wu', 'seed', 'lr_warmup_kimg')
STEPS = 4


def numbers_of(cls):
    """dict name -> Hparam of the numbers of a class that are no sizes."""
    return {name: spec for name, spec in cls.HPARAMS.items()
            if type(spec.default) is float or type(spec.default) is int and name in LENGTHS}


def extreme(draw, name, spec):
    """A value that a hyper-parameter can have."""
    bounds = [bound for bound in (spec.low, spec.above, spec.high, spec.below) if bound is not None]
    if type(spec.default) is int:
        values = [*WHOLE, *map(int, bounds), *[1e-6, 1e-4, 0.5] * name.endswith('_kimg')]
    else:
        values = [*FLOATS, *(value for bound in bounds for value in (
            bound, math.nextafter(bound, math.inf), math.nextafter(bound, -math.inf), bound - 1e-7, bound + 1e-7))]
    return draw.choice([value for value in values if spec._can_be(name, value)])


def drawn(seed, number):
    """Script, class and hyper-parameters of a case, and those of them that are extreme."""
    draw = random.Random(f'{seed} {number}')
    script = draw.choice(list(METHODS))
    cls = commands.model_class(script)
    known = numbers_of(cls)
    chosen = draw.sample(sorted(known), draw.choice((1, 1, 2, 3)))
    values = {name: extreme(draw, name, known[name]) for name in chosen}
    settings = dict(METHODS[script], bn_momentum=0.9, ema=draw.choice((0., 0.9)))
    if draw.random() < 0.25:
        settings['arch'] = 'resnet'
    if 'recipe' in cls.HPARAMS and draw.random() < 0.2:
        settings['recipe'] = 'fixmatch'
    if 'schedule' in cls.HPARAMS and draw.random() < 0.3:
        settings['schedule'] = 'staircase'
    if script == 'simclr':
        settings.update(stage=draw.choice(('supervised', 'pretrain')), optimizer=draw.choice(('adam', 'lars')))
    return script, cls, {name: value for name, value in {**settings, **values}.items() if name in cls.HPARAMS}, values


def dataset(script):
    """The toy dataset that a script takes."""
    if METHODS[script] is DOMAIN:
        return adamatch_runs.dataset(5, size=8)
    return consistency_runs.dataset(size=8) if script == 'consistency' else toy.dataset(size=8)


def check(model, folder):
    """AssertionError if a report or a checkpoint has a number that is wrong."""
    reported = set()
    file = folder / 'metrics.jsonl'
    for line in file.read_text().splitlines() if file.exists() else ():
        row = json.loads(line)
        assert all(math.isfinite(value) for value in row.values()), f'reported {row}'
        assert any(tag.startswith('losses/') for tag in row), f'no loss in {row}'
        reported.add(row['step'])
    for prefix in checkpoint.all_in(str(folder / 'tf')):
        reader = tf.train.load_checkpoint(prefix)
        for name, kind in reader.get_variable_to_dtype_map().items():
            assert not kind.is_floating or np.isfinite(reader.get_tensor(name)).all(), f'{name} of {prefix}'
    there = [prefix for prefix in checkpoint.all_in(str(folder / 'tf')) if checkpoint.step_of(prefix) in reported]
    with model.session() as session:
        for prefix in there:
            model.saver.restore(session, prefix)
            p = session.run(model.ops.classify_op, {model.ops.x: model.dataset.test.images / 127.5 - 1})
            assert np.isfinite(p).all(), f'accuracy of predictions that are not finite, at {prefix}'


def judge(seed, top, number, keep=False):
    """The Result of a case."""
    script, cls, params, values = drawn(seed, number)
    folder = top / f'case{number}'

    def call():
        model = cls(str(folder), dataset(script), **params)
        model.folder = RunFolder(str(folder))
        try:
            model.train(STEPS * 4, 8, 8, 3, report_images=0)
        except (Diverged, InputError):
            check(model, folder)
            raise
        check(model, folder)

    found = cases.judged(cases.Case(script, call, (*(f'--{name}' for name in values), 'not finite', 'loss ',
                                                   'weights')), folder)
    text = f'{values} -> {found.text}' if keep or found.outcome == cases.FAILED else found.text
    return found._replace(text=text)


def run(seed, total, one=None, kinds=False):
    """Runs cases and prints what failed; returns the exit code."""
    for script in METHODS:
        commands.model_class(script)  # Copies of this process need not import them.
    with tempfile.TemporaryDirectory() as top:
        counts = cases.Counts(lambda number: f'python tests/campaigns/numbers.py --seed={seed} --case={number}',
                              one is not None)
        for number, found in cases.results(lambda number: judge(seed, pathlib.Path(top), number, one is not None),
                                           range(total) if one is None else [one]):
            counts.add(number, found)
        return counts.end(kinds)


def main(doc):
    """Runs what the command line says; returns the exit code. `doc` is what --help shows."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--cases', type=int, default=500)
    parser.add_argument('--case', type=int, help='the only one to run')
    args = parser.parse_args()
    return run(args.seed, args.cases, args.case, kinds=True)
