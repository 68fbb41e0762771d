"""The shell scripts print commands that exist: scripts, flags, values and dataset names."""

import importlib
import inspect
import shlex
import subprocess

import pytest

import runner
from libml import data_pair, train

COUNTS = {('fixmatch.sh', 'cifar10'): 2 * 3 * 2, ('fixmatch.sh', 'cifar100'): 2 * 3 * 2,
          ('fixmatch.sh', 'svhn'): 2 * 3 * 2, ('fixmatch.sh', 'stl10'): 2 * 2, ('fixmatch.sh', 'uda'): 3 * 2,
          ('fixmatch.sh', 'ablation'): 16,
          ('small.sh', 'digits'): 2 * 2, ('small.sh', 'mnist'): 2 * 2}


def printed(script, *args):
    process = subprocess.run(['bash', str(runner.ROOT / 'runs' / script), *args], capture_output=True, text=True)
    return process.returncode, process.stdout.splitlines(), process.stderr


def model_class(script):
    """The class that a script defines and runs."""
    module = importlib.import_module(script.removesuffix('.py').replace('/', '.'))
    classes = [value for _, value in inspect.getmembers(module, inspect.isclass)]
    return [value for value in classes if value.__module__ == module.__name__][-1]


@pytest.mark.parametrize('script, table', COUNTS)
def test_commands_are_valid(script, table):
    code, lines, _ = printed(script, table, '--seeds=1 2')
    assert code == 0 and len(lines) == COUNTS[script, table] and len(set(lines)) == len(lines)
    for line in lines:
        python, path, *flags = shlex.split(line)
        assert python == 'python' and (runner.ROOT / path).exists()
        known = {**train.LOOP_FLAGS, **model_class(path).HPARAMS}
        given = {}
        for flag in flags:
            name, _, value = flag.removeprefix('--').partition('=')
            if not value:
                name, value = name.removeprefix('no'), 'false'
            kind = type(known[name][0])
            given[name] = value if kind in (str, bool) else kind(value)
        data_pair.parse(given['dataset'])
    if table in ('cifar100', 'stl10'):
        assert all(('--filters=128 --wd=0.001' if table == 'cifar100' else '--scales=4') in line for line in lines)


@pytest.mark.parametrize('script', ['fixmatch.sh', 'small.sh'])
def test_wrong_argument_is_one_line(script):
    code, lines, err = printed(script, 'imagenet')
    assert code == 1 and not lines and 'imagenet' in err and len(err.splitlines()) == 1
