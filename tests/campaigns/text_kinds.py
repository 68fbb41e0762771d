"""Bad inputs that are texts: flags, names of datasets and domains, --augment, TF_CONFIG.

Each function of (random, folder), the latter a pathlib.Path with what bases.py makes below `data`, returns a Case.
"""

import functools
import importlib
import inspect
import math
import re

import toy
from campaigns import nearly_right
from campaigns.cases import ROOT, Case
from libml import data_domain, data_pair, train
from libml.augment import domain_tokens, tokens
from libml.corruptions import arrays as corrupted
from libml.datasets import names
from libml.datasets.split_rule import MAX_SEED
from libml.hparams import FLAG_KINDS
from libml.utils import InputError
from libml.workers import cluster

from absl import flags

DATASETS = ('cifar10.3@250-5000', 'toys.1@8-4', 'stl10.1@all-500', 'cifar10-5000', 'svhn.5@40-1',
            'cifar10.3@250-5000_labeled100_unlabeled-100', 'digits.1@40-100_labeled1.5', 'toys.2@4-1', 'toys-2')
AUGMENTS = ('d.d.d', 'd.d.rac', 'x.m.ra', 'm.x.rac5', 'd.d.r2_10_50', 'd.r1_1_0', 'aa.aac.usb', 'd.d.d.rai',
            'd.x.r4_15_75')
DOMAIN_AUGMENTS = ('(sm,smc)', 'CTA(sm,sm,probe=1)', '(s,r2_5_0)', 'CTA(x,sc,depth=2,th=0.8,decay=0.99,probe=1)',
                   '(m,x)')
TARGETS = ('usps', 'mnist(10,seed=1)', 'toys(2,seed=1)', 'no_mnist')
CONFIG = dict(cluster=dict(worker=['a:1', 'b:2']), task=dict(type='worker', index=0))


@functools.cache
def models():
    """list of (script, class) of all models that scripts define."""
    found = []
    for path in sorted([*ROOT.glob('*.py'), *(ROOT / 'ablation').glob('*.py')]):
        if path.name not in ('setup.py', '__init__.py'):
            name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
            found += [(name, value) for _, value in inspect.getmembers(importlib.import_module(name), inspect.isclass)
                      if issubclass(value, train.Model) and value.__module__ == name]
    return found


def flag_value(random, spec):
    """A text for a flag, mostly one that it cannot have."""
    kind = type(spec.default)
    if kind is bool:
        return random.choice(('yes', 'no', 'true', 'False', '2', '1', '', 'TRUE ', 'x', '0.0', 'None'))
    if kind is str:
        return nearly_right.text(random, [spec.default, *re.findall(r'\w+', spec.help)[:12]])
    bounds = [bound for bound in (spec.low, spec.high, spec.above, spec.below, spec.default) if bound is not None]
    return nearly_right.number(random, bounds)


def flag(random, folder):
    """A flag as a script takes it: what absl makes of the text, checked."""
    script, model = random.choice(models())
    table = {**model.LOOP_FLAGS, **model.HPARAMS}
    name = random.choice(sorted(table))
    spec, value = table[name], flag_value(random, table[name])

    def call():
        known = flags.FlagValues()
        FLAG_KINDS[type(spec.default)](name, spec.default, '', flag_values=known)
        try:
            known(['x', f'--{name}={value}'])
        except flags.Error as error:
            raise InputError(error) from error
        found = spec.checked(name, known[name].value)
        assert type(found) in (type(spec.default), float) and (type(found) is str or math.isfinite(found))

    return Case('flag', call, (f'--{name}=', f'flag --{name}='), f'{script}.py --{name}={value}')


def model_values(random, folder):
    """Values that are given to a model's class in Python; its graph is one variable."""
    script, model = random.choice(models())
    some = random.sample(sorted(model.HPARAMS), random.choice((1, 1, 2)))
    values = {}
    for name in some:
        spec, kind = model.HPARAMS[name], type(model.HPARAMS[name].default)
        text = flag_value(random, spec)
        values[name] = random.choice((text, None, [], 10 ** 400, math.nan, True, b'x', 2 ** 70))
        if kind is str or random.random() < 0.5:
            values[name] = text
            if kind is not str:
                try:
                    values[name] = kind(float(text)) if kind is not int else int(text)
                except (ValueError, OverflowError):
                    pass
    small = type(model.__name__, (model,), dict(algorithm=toy.no_graph))

    def call():
        small(str(folder / 'runs'), toy.dataset(size=8), **values)

    return Case('model', call, tuple(f'--{name}' for name in values) + named(values) + ('--id=',), f'{script} {values}')


def named(values):
    """Other texts by which an error may name values: what it was made of, or that a file is not there."""
    return tuple(str(value) for value in values.values()) + tuple(f'{name} ' for name in values)


def dataset(random, folder):
    text = nearly_right.text(random, DATASETS)

    def call():
        found = names.parse(text)
        assert names.parse(str(found)) == found, found

    return Case('dataset', call, (f'--dataset={text}',), text)


def loaded(random, folder):
    """Names of a dataset that is there, some of them right."""
    good = ('0', '1', '3'), ('1', '4', '8', '23', '24', '25', 'all'), ('0', '1', '7', '16')
    seed, labels, valid = (random.choice(texts if random.random() < 0.8 else nearly_right.NUMBERS) for texts in good)
    text = f'toys.{seed}@{labels}-{valid}' + random.choice(('', '', '_labeled2', '_unlabeled-3', '_labeled1000'))
    registry = random.choice((data_pair.DATASETS, data_pair.PAIR_DATASETS))
    values = {}
    if random.random() < 0.3:
        values['p_unlabeled'] = nearly_right.text(random, ('1,1,0.5,0', '1,2,3,4', '0,0,0,1'))
    if random.random() < 0.3:
        values['imbalance_labeled'] = random.choice((2., -3., 0.5, 1e6, math.nan, 1e-300, 24.))

    def call():
        found = registry[text](data_dir=str(folder / 'data'), **values)
        parts = [set(found.labeled.positions), set(found.valid.positions)]
        assert not set.intersection(*parts) and len(found.labeled) > 0
        assert registry[found.name](data_dir=str(folder / 'data'), **values).name == found.name

    return Case('loaded', call, (text, text.split('_')[0], labels, seed, *(f'--{name}' for name in values), 'toys'),
                f'{text} {values}')


def augment(random, folder):
    text = nearly_right.text(random, AUGMENTS)
    data = toy.dataset(size=8)

    def call():
        views = tokens.parse(text, data)
        assert '.'.join(view.name for view in views) == text

    return Case('augment', call, (f'--augment={text!r}', f'--augment={text}'), text)


def domain_augment(random, folder):
    text = nearly_right.text(random, DOMAIN_AUGMENTS)

    def call():
        found = domain_tokens.parse(text)
        assert domain_tokens.parse(found.text).text == found.text
        if found.cta:  # A graph has so many operations, and a step number is compared with this.
            assert found.cta.depth <= 100 and found.probe < 2 ** 63, found.text

    return Case('domain augment', call, (f'--augment={text}',), text)


def target(random, folder):
    text = nearly_right.text(random, TARGETS)
    return Case('target', lambda: data_domain.parse_target(text), (f'--target={text}',), text)


def domains(random, folder):
    """Pairs of domains that are there, and others."""
    known = ('toys', 'others', 'no_toys', 'toys', 'others', 'others(1,seed=3)', 'toys(2,seed=1)', 'toys(7,seed=1)',
             'photos', f'toys(1,seed={MAX_SEED + 1})', 'toys(99999999999,seed=1)')
    source, goal = (random.choice(known) if random.random() < 0.8 else nearly_right.text(random, known)
                    for _ in range(2))
    values = random.choice(({}, {}, {}, dict(size=8), dict(size=8, resize=4), dict(resize=9), dict(memory='x')))

    def call():
        found = data_domain.load(source, goal, str(folder / 'data'), **values)
        assert len(found.labeled) and found.nclass == 4

    return Case('domains', call, (f'--source={source}', f'--target={goal}', *(f'--{name}' for name in values),
                                  *re.findall(names.NAME, goal + ' ' + source)), f'{source} {goal} {values}')


def skew(random, folder):
    text = random.choice(DATASETS)
    value = float(random.choice(('0.5', '1', '-1', '1e6', '1e300', 'nan', 'inf', '-0.0', '1e-320', '0.9999999', '3.3')))
    name = random.choice(('imbalance_labeled', 'imbalance_unlabeled'))

    def call():
        found = names.parse(text).skewed(**{name: value})
        assert names.parse(str(found)) == found, found

    return Case('skew', call, (f'--{name}={value}', '--imbalance_'), f'{text} {name}={value}')


def weights(random, folder):
    text = nearly_right.text(random, ('1,1,0.5,0', '1,2,3,4', '0,0,0,1', '1e38,1,1,1'))

    def call():
        found = data_pair.class_weights(text, 4)
        assert found is None or found.max() == 1 and found.min() >= 0

    return Case('p_unlabeled', call, (f'--p_unlabeled={text}',), text)


def config(random, folder):
    """TF_CONFIG of a worker."""
    content = nearly_right.json_text(random, random.choice((CONFIG, dict(CONFIG, timeout_seconds=5.))))
    text = content.decode('utf-8', 'surrogateescape').replace('\0', '')

    def call():
        import os
        os.environ[cluster.VARIABLE] = text
        try:
            found = cluster.from_environment()
        finally:
            del os.environ[cluster.VARIABLE]
        assert found is None or len(found.addresses) > found.index >= 0

    return Case('TF_CONFIG', call, ('TF_CONFIG=',), text)


def severities(random, folder):
    names_given = [nearly_right.text(random, ('fog', 'snow', 'frost'))]
    levels = sorted({int(s) if s.isdecimal() and len(s) < 9 else s for s in
                     nearly_right.text(random, ('1,2,3', '5', '1,5')).split(',')}, key=str)

    def call():
        corrupted.check_severities(levels)
        corrupted.check_names(names_given)

    return Case('severities', call, ('severity', 'unknown corruption'), f'{names_given} {levels}')


# Function -> how often it is drawn.
KINDS = {flag: 14, model_values: 8, dataset: 10, loaded: 3, augment: 8, domain_augment: 8, target: 5, domains: 2,
         skew: 3, weights: 3, config: 3, severities: 1}
