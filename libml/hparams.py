"""Hyper-parameters as they stand in a model's table HPARAMS: their defaults, and what values they can have."""

import math
import numbers
import operator
import typing

from libml.utils import InputError

from absl import flags

# Field of a bound -> how an error names it, and what a value has to be to it.
BOUNDS = dict(low=('of at least', operator.ge), above=('larger than', operator.gt), high=('of at most', operator.le),
              below=('smaller than', operator.lt))
# What a graph can hold: its numbers are float32, and lengths in kimg are counted in images there, int64.
SMALLEST, LARGEST, MOST = 1.2e-38, 3.4e38, 10 ** 15
FLAG_KINDS = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float,
              str: flags.DEFINE_string}


class Hparam(typing.NamedTuple):
    """One hyper-parameter of a model, or one flag of a script.

    Attributes:
        default: its value unless another is given; bool, int, float or str, and of this type.
        help: what it does, for --help.
        named: whether it is a part of the run's name.
        low, high, above, below: bounds of a number, None where there is none; it may be `low` or `high` itself, it must
            be larger than `above` and smaller than `below`.
    """

    default: bool | int | float | str
    help: str
    named: bool = True
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def define(self, script, name, default, text=''):
        """Defines a flag of this type for the script with this path, whose --help shows it with `help`, or `text`."""
        FLAG_KINDS[type(self.default)](name, default, text or self.help, module_name=script)

    def checked(self, name, value):
        """A value for the hyper-parameter `name`, as the type of its default: 75 for a float is 75.0, as from a flag.

        Raises:
            InputError: it is of another type, not finite, out of bounds, or a number that a graph cannot hold.
        """
        kind = type(self.default)
        if not self._can_be(name, value):
            raise InputError(f'--{name}={value}: give {self._wanted()}')
        if kind in (int, float) and not _is_held(kind, value):
            holds = f'0 and {SMALLEST} to {LARGEST}' if kind is float else f'up to {MOST}'
            raise InputError(f'--{name}={value}: give {self._wanted()} that can be computed with: {holds}')
        # A length in kimg, given in Python, need not be whole.
        return kind(value) if kind is not int or value % 1 == 0 else float(value)

    def _can_be(self, name, value):
        kind = type(self.default)
        if kind is str:
            return isinstance(value, str)
        if kind is bool:
            return value in (True, False)
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not abs(value) < math.inf:
            return False
        whole = kind is float or name.endswith('_kimg') or value % 1 == 0
        return whole and all(holds(value, getattr(self, bound)) for bound, (_, holds) in BOUNDS.items()
                             if getattr(self, bound) is not None)

    def _wanted(self):
        """Text of what a value must be: `a number larger than 0 and of at most 1`."""
        kinds = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text'}
        bounds = ' and '.join(f'{words} {getattr(self, bound)}' for bound, (words, _) in BOUNDS.items()
                              if getattr(self, bound) is not None)
        return f'{kinds[type(self.default)]} {bounds}'.rstrip()


def _is_held(kind, value):
    """Whether a number is none that a graph would take for 0, for infinity or for another one."""
    return abs(value) <= MOST if kind is int else not value or SMALLEST <= abs(value) <= LARGEST


# Flags that say what a dataset is loaded with.
DATA_FLAGS = dict(
    data_dir=Hparam('', 'Folder of the datasets; else $ML_DATA, else ./data.'),
    whiten=Hparam(False, 'Normalise the network\'s input by the mean and deviation of the training images.'),
    p_unlabeled=Hparam('', 'Comma-separated class weights of the unlabelled images, where an algorithm uses them.'),
    imbalance_labeled=Hparam(0., 'Skew the labelled images: ratio of the largest class, the first, to the smallest; '
                             'negative: the last is the largest; 0: leave them.', low=-1e6, high=1e6),
    imbalance_unlabeled=Hparam(0., 'Skew the unlabelled images in the same way.', low=-1e6, high=1e6),
    size=Hparam(0, 'Height and width of the network\'s input; 0: those of the stored images. In training random parts '
                'of the pictures get this size.', low=0, high=1024),
    resize=Hparam(0, 'With --size: height and width that whole pictures get first, of which random squares of --size '
                  'are trained on; 0: parts of any area and aspect.', low=0, high=4096),
    crop_area=Hparam(0.08, 'With --size: smallest share of a picture that is trained on; less than 0.1 is drawn again.',
                     above=0, high=1),
    crop_aspect=Hparam(0.75, 'With --size: smallest width to height of what is trained on; the largest is its inverse.',
                       low=0.1, high=1),
    memory=Hparam('auto', 'ram: all images decoded in memory; disk: each read when it is needed; auto: what fits.'),
)
# Flags of every script that are no hyper-parameters: they say where things are and how often is reported.
LOOP_FLAGS = dict(
    train_dir=Hparam('./experiments', 'Folder of all run folders.'),
    dataset=Hparam('cifar10.3@250-5000', 'Dataset: <name>.<seed>@<labels>-<valid>.'),
    **DATA_FLAGS,
    report_kimg=Hparam(64, 'Evaluate and report after every so many kimg (1,024 images).', above=0),
    save_kimg=Hparam(64, 'Save a checkpoint after every so many kimg.', above=0),
    report_images=Hparam(4, 'Images whose views each report shows in TensorBoard, with the confusion matrix; 0: none.',
                         low=0),
    keep_ckpt=Hparam(50, 'How many checkpoints to keep.', low=1),
    eval_ckpt=Hparam('', 'Evaluate this checkpoint (or the newest of this run folder), do not train.'),
)


def picture_flags(args):
    """Of flags, name -> value, those that say where pictures are held and what size they get."""
    return {name: args[name] for name in ('size', 'resize', 'crop_area', 'crop_aspect', 'memory') if name in args}
