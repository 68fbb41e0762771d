"""The network of a finished run as the teacher of another: in scope `teacher`, frozen, restored once."""

from libml.training import checkpoint, initial_weights
from libml.training.run_folder import RunFolder
from libml.utils import InputError

import tensorflow as tf

SCOPE = 'teacher'
# What of a run's arguments describes its network.
NETWORK = ('arch', 'filters', 'repeat', 'scales')


class Teacher:
    """A teacher as its student needs it, read from a run folder.

    Args:
        path: the run folder.
        student: dict of what must be equal in both runs, such as dataset and nclass; args.json holds the teacher's.

    Attributes:
        params: dict, the NETWORK part of the teacher's arguments, and bn_epsilon.

    Raises:
        InputError: the folder has no args.json, or something that must be equal is not.
    """

    def __init__(self, path, student):
        self.path = path
        folder = RunFolder(path)
        args = folder.read_args()
        missing = [name for name in (*NETWORK, *student) if name not in args]
        if missing:
            wrong = f'{folder.args_file} does not say {missing[0]}' if args else f'there is no {folder.args_file}'
            raise InputError(f'--teacher={path}: {wrong}: give the run folder of a --stage=teacher')
        for name, value in student.items():
            if args[name] != value:
                raise InputError(f'--teacher={path} was trained with {name}={args[name]}, this student has '
                                 f'{name}={value}: they must be the same')
        # Earlier versions had no flag for the last one.
        self.params = {**{name: args[name] for name in NETWORK}, 'bn_epsilon': args.get('bn_epsilon', 0.)}

    def getter(self, getter, name, *args, **kwargs):
        """A custom_getter of tf.compat.v1.variable_scope: no variable is trainable."""
        return getter(name, *args, **dict(kwargs, trainable=False))

    def restore(self, session):
        """Reads the teacher's variables from its newest checkpoint; where a variable has an average there, the average.

        Raises:
            InputError: there is no checkpoint, or it is of another network.
        """
        path = checkpoint.find(self.path)
        found, feed = initial_weights.of_checkpoint(path), {}
        variables = tf.compat.v1.global_variables(SCOPE + '/')
        for v in variables:
            name = 'classify' + v.op.name.removeprefix(SCOPE)
            shape = list(found[name].shape) if name in found else None
            if shape != v.shape.as_list():
                raise InputError(f'checkpoint {path}: {name} has shape {shape}, the network of its args.json needs '
                                 f'{v.shape.as_list()}')
            feed[v.initial_value] = found[name]
        session.run([v.initializer for v in variables], feed)
