"""What shapes a training, as one number in its checkpoints: other flags are noticed without args.json, too."""

import json

from libml.draws import fold
from libml.utils import InputError

import numpy as np
import tensorflow as tf

NAME = 'fingerprint'
UNKNOWN = 0


def of(args, table):
    """The number, int64, of arguments that shape a training.

    What has its default is left out, and so is what is off or empty where there is none: a hyper-parameter that a
    later version adds does not change the number of a run that does not use it.

    Args:
        args: dict name -> value, as in args.json.
        table: dict name -> Hparam, the model's HPARAMS.
    """
    given = {name: value for name, value in args.items()
             if (value != table[name].default if name in table else value)}
    # 1 and 1.0 are the same, as in a comparison of args.json.
    given = {name: float(value) if isinstance(value, (int, float)) else value for name, value in given.items()}
    return fold(0, json.dumps(given, sort_keys=True))


def variable():
    """The variable that is in the checkpoints."""
    return tf.compat.v1.get_variable(NAME, initializer=np.int64(UNKNOWN), trainable=False, use_resource=True)


def write(session, variable, number):
    """Sets the variable, without a new op in the graph."""
    session.run(variable.initializer, {variable.initial_value: number})


def check(checkpoint, number):
    """InputError if the checkpoint with this prefix is of another number; the original code's have none."""
    reader = tf.train.load_checkpoint(checkpoint)
    if reader.has_tensor(NAME) and reader.get_tensor(NAME) not in (UNKNOWN, number):
        raise InputError(f'{checkpoint} was trained with other settings, and the args/args.json of its run was lost or '
                         'changed: resume it with what it had, or give --rerun=NAME for another run')
