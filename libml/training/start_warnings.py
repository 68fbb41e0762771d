"""Lines at the start of a run: warnings of what it will do as it was told, but hardly as it was meant, and its GPUs."""

import math

from libml.augment import cta_learner
from libml.networks import archs
from libml.training import gpus

import numpy as np

# An average with the decay d follows after some 1 / (1 - d) steps; after three times as many, 5 % of the start is left.
TIMES = 3
SHOWN_CLASSES = 5
CPUINFO = '/proc/cpuinfo'
# Processors with one of these multiply bfloat16; others convert each number (the last one is ARM's).
BFLOAT16_FLAGS = {'avx512_bf16', 'amx_bf16', 'bf16'}


def lines(model, train_nimg):
    """Yields the lines of a training of a MultiModel to `train_nimg` images."""
    yield from gpus.lines()
    yield from unused(model.params.arch, model.given)
    steps = math.ceil(train_nimg / model.params.batch)
    yield from slow_average('ema', model.ema.decay, steps, 'averaged weights stay near the first ones')
    if any(norm.batch_stats for norm in model.batch_norms.values()):
        yield from slow_average('bn_momentum', model.params.bn_momentum, steps,
                                'running batch-norm statistics stay near the first ones')
    labels = np.concatenate([subset.labels for subset in model.labeled_subsets().values()])
    yield from classes_without_label(labels, model.dataset.nclass, model.dataset.class_names)
    if model.params.precision == 'bfloat16':
        yield from slow_bfloat16()
    if model.program and not model.program.cta:
        yield from without_effect(model.given, model.params.augment)


def unused(arch, given):
    """A warning if what is given has no effect in the network `arch`."""
    flags = [f'--{name}={given[name]}' for name in archs.UNUSED.get(arch, ()) if name in given]
    if flags:
        yield f'warning: {" ".join(flags)}: of no effect in --arch={arch}'


def slow_average(flag, decay, steps, effect):
    """A warning if an average with this decay cannot follow in so many steps."""
    # In this form, because 3 / (1 - 0.9) is a little more than 30.
    if decay and round(steps * (1 - decay), 6) < TIMES:
        most = math.floor(1000 * max(0., 1 - TIMES / steps)) / 1000
        yield (f'warning: --{flag}={decay} is too slow for a run of {steps} steps: {effect}; give '
               + (f'{most:g} or less' if most else 'a longer --train_kimg'))


def classes_without_label(labels, nclass, names=()):
    """A warning if a class has no labelled image.

    Args:
        labels: int [n], of all labelled images.
        nclass: number of classes.
        names: theirs; without names, numbers are shown.
    """
    empty = np.flatnonzero(np.bincount(labels, minlength=nclass) == 0)
    if len(empty):
        shown = ', '.join(str(names[i]) if names else str(i) for i in empty[:SHOWN_CLASSES])
        yield (f'warning: {len(empty)} of {nclass} classes are without a labelled image: {shown}'
               + (' ...' if len(empty) > SHOWN_CLASSES else ''))


def without_effect(given, augment):
    """A warning if hyper-parameters of CTAugment are among those that were given, name -> value, to a run without."""
    flags = ' '.join(f'--{name}={given[name]}' for name in cta_learner.HPARAMS if name in given)
    if flags:
        yield f'warning: no effect without CTAugment, which --augment={augment} does not use here: {flags}'


def without_staircase(schedule, given):
    """A warning if flags of --schedule=staircase are among those that were given, name -> value, to another one."""
    flags = ' '.join(f'--{name}={given[name]}' for name in ('lr_warmup_kimg', 'lr_decay_kimg') if name in given)
    if flags and schedule != 'staircase':
        yield f'warning: {flags}: of no effect without --schedule=staircase'


def long_warmup(warmup_kimg, train_kimg):
    """A warning if a run ends before what comes after its warm-up, without which it is another method."""
    if warmup_kimg and warmup_kimg >= train_kimg:
        yield (f'warning: --warmup_kimg={warmup_kimg:g} is not over in a run of {train_kimg:g} kimg: what the '
               'method does with unlabelled images begins after it; give less')


def slow_bfloat16():
    """A warning if the processor does not multiply bfloat16 and nothing else does."""
    known = processor_flags()
    if known and not known & BFLOAT16_FLAGS and not gpus.found():
        yield ('warning: --precision=bfloat16 is many times slower than float32 on this processor: it has neither '
               'avx512_bf16 nor amx_bf16')


def processor_flags():
    """set of what the first processor can do, in the words of Linux; empty where they cannot be read."""
    try:
        with open(CPUINFO) as f:
            for line in f:
                name, _, words = line.partition(':')
                if name.strip() in ('flags', 'Features'):
                    return set(words.split())
    except OSError:
        pass
    return set()
