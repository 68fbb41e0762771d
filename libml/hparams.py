"""Hyper-parameters as they stand in a model's table HPARAMS."""

import typing


class Hparam(typing.NamedTuple):
    """One hyper-parameter of a model, or one flag of a script.

    Attributes:
        default: its value unless another is given; bool, int, float or str, and of this type.
        help: what it does, for --help.
        named: whether it is a part of the run's name.
    """

    default: bool | int | float | str
    help: str
    named: bool = True
