"""A run folder opened as a model: args.json names the class and holds every argument to build it with."""

import importlib
import re

from libml.train import Model
from libml.training import checkpoint
from libml.training.run_folder import RunFolder
from libml.utils import InputError, one_line


def open_run(path, data_dir=''):
    """Builds the model of a run folder, on its dataset, with its arguments.

    Use it as `model, ckpt = open_run(folder)`, then `with model.session(ckpt) as session`, with the ops in `model.ops`.

    Args:
        path: a run folder (its newest checkpoint is taken) or the prefix of a checkpoint in one.
        data_dir: folder of the datasets; without it the one that the run was trained with.
    Returns:
        the train.Model, whose `folder` is that run folder, and the prefix of the checkpoint.
    Raises:
        InputError: no run folder, none that names its model, or its model or dataset are not there.
    """
    found = checkpoint.find(path)
    folder = RunFolder.of(found)
    args = folder.read_args()
    if 'model' not in args:
        wrong = f'{folder.args_file} does not name a model' if args else f'there is no {folder.args_file}'
        raise InputError(f'{wrong}: repeat the command that trained this run, which writes it (a finished run is not '
                         'trained further)')
    name = args['model']
    cls = load_class(name, folder.args_file)
    if not data_dir and 'data_dir' not in args:
        raise InputError(f'{folder.args_file} does not say where the data lay: give --data_dir=FOLDER')
    table = {**cls.LOOP_FLAGS, **cls.HPARAMS}
    args = {flag: args.get(flag, spec.default) for flag, spec in table.items()}
    if re.fullmatch(r'\d+x\d+x\d+', str(args['size'])):  # Of consistency.py: the images were not framed.
        args['size'] = 0
    _check(table, args, folder.args_file)
    args['data_dir'] = data_dir or args['data_dir']
    dataset = cls.load_dataset(args)
    try:
        model = cls(args['train_dir'], dataset, **{flag: args[flag] for flag in cls.HPARAMS})
    except NotImplementedError as error:  # A class that others derive from.
        raise InputError(f'{folder.args_file}: {name} is no model that can be built') from error
    model.folder = folder  # It may have been moved since.
    return model, found


def _check(table, args, source):
    """InputError that names the file `source` if a value in `args` cannot be one of the flag of its name in `table`."""
    for name, spec in table.items():
        try:
            spec.checked(name, args[name])
        except InputError as error:
            raise InputError(f'{source} is damaged: {error}') from error


def load_class(name, source):
    """The model class of a `module:Class`, which stands in the file `source`.

    Raises:
        InputError: it cannot be imported, or is no model.
    """
    module, _, attribute = str(name).partition(':')
    try:
        cls = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # Whatever that module raises.
        raise InputError(f'{source}: cannot import model {name}: {one_line(error)}') from error
    if not (isinstance(cls, type) and issubclass(cls, Model) and cls.DATASETS):
        raise InputError(f'{source}: {name} is no model of this library')
    return cls
