"""Commands as they are printed and written down: what a line of one says, and whether it can be."""

import importlib
import inspect
import shlex

import runner
from libml import data_domain
from libml.datasets import names


def model_class(script):
    """The class that a script defines and runs."""
    module = importlib.import_module(script.removesuffix('.py').replace('/', '.'))
    classes = [value for _, value in inspect.getmembers(module, inspect.isclass)]
    return [value for value in classes if value.__module__ == module.__name__][-1]


def check(line):
    """Fails unless a command `python <script> --flag=value ...` names a script, its flags and values that can be."""
    python, path, *flags = shlex.split(line, comments=True)
    assert python == 'python' and (runner.ROOT / path).exists()
    known = {**model_class(path).LOOP_FLAGS, **model_class(path).HPARAMS}
    given = {}
    for flag in flags:
        name, _, value = flag.removeprefix('--').partition('=')
        if not value:
            name, value = (name, 'true') if name in known else (name.removeprefix('no'), 'false')
            assert isinstance(known[name][0], bool)
        kind = type(known[name][0])
        given[name] = value if kind in (str, bool) else known[name].checked(name, kind(value))
    if 'source' in given:
        data_domain.parse_target(given.get('target', given['source']))
    else:
        names.parse(given['dataset'])
