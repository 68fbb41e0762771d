"""Flags of the original code that are called otherwise here, or have no effect: its command lines go on working."""

from libml.utils import InputError

from absl import flags

FLAGS = flags.FLAGS
# How many processes and threads made its batches, how many images its buffer held, what its sessions logged.
INERT = ('para_parse', 'para_augment', 'shuffle', 'log_device_placement')


def define(script, table, renamed):
    """Defines the old flags of a script.

    Args:
        script: its path, so that --help shows them.
        table: dict flag -> Hparam of the flags that the script has today.
        renamed: dict old flag -> (its flag today, function that makes the value of this one).
    """
    for old, (new, _) in renamed.items():
        table[new].define(script, old, None, f'Name of --{new} in the original.')
    for name in INERT:
        define_inert = flags.DEFINE_boolean if name == 'log_device_placement' else flags.DEFINE_string
        define_inert(name, None, 'No effect; the original had it.', module_name=script)


def take(args, renamed):
    """Puts the values of old flags that are given into `args` (flag -> value), and names those without effect.

    Raises:
        InputError: a flag is given by both of its names.
    """
    for old, (new, convert) in renamed.items():
        if FLAGS[old].present:
            if FLAGS[new].present:
                raise InputError(f'--{old}={FLAGS[old].value} is --{new}: give one of them')
            args[new] = convert(FLAGS[old].value)
    inert = [f'--{name}' for name in INERT if FLAGS[name].present]
    if inert:
        print(f'No effect, accepted as in the original: {" ".join(inert)}')
