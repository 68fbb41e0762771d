"""Bad inputs of real processes: scripts with their arguments, as a user starts them.

Each function of (random, folder), as in data_kinds.py, returns (script, arguments, texts of which an error must name
one).
"""

import json

from campaigns import bases, nearly_right, text_kinds
from libml.utils import InputError

from absl import flags

TEXTS = ('dataset', 'augment', 'arch', 'p_unlabeled', 'memory', 'precision', 'batch_norm', 'rerun', 'init', 'recipe',
         'schedule', 'source', 'target', 'stage', 'teacher', 'cta_version', 'train_dir', 'data_dir', 'redux', 'mixmode')
SIZES = ('batch', 'filters', 'repeat', 'scales', 'uratio', 'accumulate', 'K', 'nu', 'adepth', 'proj_dim', 'size',
         'seed', 'queue_batches', 'report_images', 'keep_ckpt', 'train_kimg', 'wu')
PAIR = ('adamatch', 'baseline', 'mcd', 'fixmatch_da', 'fully_supervised_da', 'noisy_student', 'ablation.adamatch')


def _settings(script, folder, **others):
    """Arguments of a method with a small network on a dataset that is there; it would evaluate what is not there."""
    where = dict(source='toys', target='others') if script.startswith(PAIR) else dict(dataset=bases.NAME)
    where.update(dict(id='0') if script == 'noisy_student' else {})
    given = {**where, **bases.NETWORK, 'data_dir': folder / 'data', 'train_dir': folder / 'runs',
             'eval_ckpt': folder / 'none', **others}
    return [f'--{name}={value}' for name, value in given.items()]


def _path(script):
    return script.replace('.', '/') + '.py'


def method_number(random, folder):
    """A flag that is a number out of its range, or none."""
    script, model = random.choice(text_kinds.models())
    table = {name: spec for name, spec in {**model.LOOP_FLAGS, **model.HPARAMS}.items()
             if type(spec.default) in (int, float)}
    while True:
        name = random.choice(sorted(table))
        value = text_kinds.flag_value(random, table[name]).replace('\0', '')
        try:
            # As absl takes it in: 0x10 is a number.
            parser = flags.IntegerParser() if isinstance(table[name].default, int) else flags.FloatParser()
            table[name].checked(name, parser.parse(value))
        except (InputError, ValueError, OverflowError):
            return _path(script), [*_settings(script, folder), f'--{name}={value}'], (f'--{name}', f'flag {name}')


def method_text(random, folder):
    """A flag that is a text."""
    script, model = random.choice(text_kinds.models())
    table = {**model.LOOP_FLAGS, **model.HPARAMS}
    name = random.choice([name for name in TEXTS if name in table])
    valid = dict(dataset=text_kinds.DATASETS, augment=text_kinds.AUGMENTS + text_kinds.DOMAIN_AUGMENTS,
                 source=text_kinds.TARGETS, target=text_kinds.TARGETS)
    value = (nearly_right.text(random, valid[name]) if name in valid else text_kinds.flag_value(random, table[name]))
    value = value.replace('\0', '')
    return (_path(script), _settings(script, folder, **{name: value}),
            (f'--{name}={value}', f'--{name}', value or '--', 'no checkpoint', name))


def method_size(random, folder):
    """A size that is much too large, or odd: nothing is built that does not end."""
    script, model = random.choice(text_kinds.models())
    name = random.choice([name for name in SIZES if name in {**model.LOOP_FLAGS, **model.HPARAMS}])
    value = random.choice((10 ** 4, 10 ** 6, 10 ** 9, 2 ** 31, 2 ** 63, 10 ** 30, 10 ** 400, 3, 7))
    return (_path(script), _settings(script, folder, **{name: value}),
            (f'--{name}', name, 'no checkpoint', f'{value}'))


def no_flags(random, folder):
    """What is no flag of a script, and what no text can be."""
    script = random.choice(('fixmatch', 'scripts.predict', 'scripts.create_split', 'adamatch', 'scripts.plot_runs',
                            'scripts.create_datasets', 'simclr', 'scripts.workers', 'scripts.check_split'))
    file = folder / 'flags'
    file.write_bytes(nearly_right.data(random, b'--seed=1\n--batch=4\n# comment\n--flagfile=other\n'))
    odd = random.choice((['--nothing=1'], ['--'], ['--dataset'], ['-x'], [f'--flagfile={file}'], ['--flagfile=/no'],
                         ['--seed'], ['--noseed'], ['--=5'], ['--batch='], ['x', 'y'], ['--help=x'], ['\udcff\udcfe'],
                         ['--data_dir=~nobody/x', 'x'], ['--seed=1', '--seed=x'],
                         [nearly_right.text(random, ['--seed=1'])]))
    odd = [argument.replace('\0', '') for argument in odd]
    settings = _settings(script, folder) if '.' not in script else []
    return _path(script), [*settings, *odd], (*odd, *(part.partition('=')[0].lstrip('-') for part in odd),
                                              'flag', 'argument', 'no checkpoint', 'give', 'name', 'home folder')


def no_unicode(random, folder):
    """Names of folders that are no Unicode: they can be used, or are an error of one line."""
    script, model = random.choice(text_kinds.models())
    where = random.choice(('train_dir', 'rerun', 'eval_ckpt', 'data_dir', 'dataset'))
    return (_path(script), _settings(script, folder, **{where: f'{folder}/a\udcff' if 'dir' in where else 'a\udcff'}),
            (f'--{where}', 'no checkpoint', 'a\udcff', 'unknown dataset'))


def tables(random, folder):
    """Scripts that read reports, on damaged run folders."""
    name = random.choice(('metrics.jsonl', 'args/args.json'))
    path = folder / 'run' / name
    first = json.loads(path.read_text().splitlines()[0] if 'metrics' in name else path.read_text())
    path.write_bytes(nearly_right.json_text(random, first).replace(b'\n', b' ') + b'\n')
    script, args = random.choice((('accuracy_table', []), ('accuracy_table', ['--format=latex', '--column=all']),
                                  ('plot_runs', [f'--out={folder}/a.png']), ('extract_accuracy', []),
                                  ('accuracy_table', ['--format=csv'])))
    return f'scripts/{script}.py', [folder / 'run', *args], (str(folder / 'run'),)


def runs(random, folder):
    """Scripts that open a run, on a damaged one."""
    tf = folder / 'run' / 'tf'
    path = random.choice((folder / 'run' / 'args' / 'args.json', tf / 'model.ckpt-00002048.index',
                          tf / 'model.ckpt-00002048.data-00000-of-00001', folder / 'data' / 'toys.json'))
    new = (nearly_right.json_text(random, json.loads(path.read_text())) if path.suffix == '.json' else
           nearly_right.data(random, path.read_bytes()))
    path.write_bytes(new)
    (tf / 'model.ckpt-00001024.index').unlink()
    script, args = random.choice((
        ('predict', [folder / 'pictures', f'--out={folder}/new.csv']), ('evaluate_run', [f'--out={folder}/new']),
        ('extract_features', [f'--out={folder}/new.npz']), ('plot_views', [f'--out={folder}/new.png'])))
    return (f'scripts/{script}.py', [f'--run={folder}/run', f'--data_dir={folder}/data', *args],
            (str(folder / 'run'), str(folder / 'data'), 'compares no views', '--', '.png', '.jpg'))


def pictures(random, folder):
    """Networks and datasets made of damaged pictures and lists."""
    path = random.choice(sorted((folder / 'pictures').iterdir()))
    path.write_bytes(nearly_right.data(random, path.read_bytes()))
    kind = random.choice(('csv', 'npz', 'predict', 'names'))
    if kind == 'predict':
        return ('scripts/predict.py', [f'--run={folder}/run', f'--data_dir={folder}/data', path,
                                       f'--out={folder}/new.csv'], (str(path),))
    if kind == 'names':
        return ('scripts/create_split.py', ['--seed=9', '--size=4', f'--names={folder}/pictures/names.txt',
                                            f'--data_dir={folder}/data', 'photos'], ('names.txt', 'photos', '--size'))
    source = f'--csv={folder}/pictures/table.csv' if kind == 'csv' else f'--npz={folder}/arrays/arrays.npz'
    if kind == 'npz':
        npz = folder / 'arrays' / 'arrays.npz'
        npz.write_bytes(nearly_right.data(random, npz.read_bytes()))
    size = random.choice(('8', '8', '8', '7', '257', '-1', 'x', '9' * 30))
    return ('scripts/create_from_pictures.py', ['--name=made', source, f'--size={size}', f'--data_dir={folder}/data',
                                                '--test_share=' + random.choice(('0.3', '0.3', '0', '1', 'nan'))],
            (str(folder / 'pictures'), str(folder / 'arrays'), '--', 'picture', 'class'))


def names(random, folder):
    """Scripts that take the name of a dataset, or archives."""
    path = random.choice(sorted((folder / 'archives').iterdir()))
    path.write_bytes(nearly_right.data(random, path.read_bytes()))
    text = nearly_right.text(random, text_kinds.DATASETS).replace('\0', '')
    base = nearly_right.text(random, ('toys', 'cifar10', 'photos', 'digits')).replace('\0', '')
    size, seed = (nearly_right.number(random).replace('\0', '') for _ in range(2))
    where = f'--data_dir={folder}/data'
    script, args, found = random.choice((
        ('check_split', [f'--dataset={text}', where], (text, '--dataset', 'unknown dataset')),
        ('inspect_dataset', [f'--dataset={text}', where], (text, '--dataset', 'unknown dataset')),
        ('create_split', [f'--size={size}', f'--seed={seed}', where, base], (base, size, seed, '--size', '--seed')),
        ('create_datasets', [f'--archives={folder}/archives', where, base, 'usps'], (base, 'usps', 'zip.')),
        ('create_datasets', [f'--archives={folder}/archives', where, random.choice(('cifar10', 'mnist', 'mnist_m'))],
         ('cifar', 'mnist')),
        ('create_corrupted', [f'--dataset={base}', f'--corruptions={text}', f'--out={folder}/new', where],
         (base, text, 'corruption')),
        ('evaluate_robustness', [f'--run={folder}/run', f'--corrupted={folder}/arrays',
                                 f'--severities={random.choice((size, "1,2,x", "5", ""))}'],
         ('severity', str(folder), '8x8')),
        ('workers', [size, 'true'], (size, 'workers', 'flag'))))
    return f'scripts/{script}.py', args, found


# Function -> how often it is drawn.
KINDS = {method_number: 20, method_text: 4, method_size: 1, no_flags: 8, no_unicode: 1, tables: 8, runs: 2, pictures: 2,
         names: 8}
