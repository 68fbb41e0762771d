"""The grammar of dataset names on the command line."""

import dataclasses
import re

from libml.utils import InputError

NAME = r'[A-Za-z]\w*'
RULE = 'a name is a letter followed by letters, digits and underscores'
GRAMMAR = ('<name>.<seed>@<labels>-<valid> (such as cifar10.3@250-5000), or <name>-<valid> for all labels (such as '
           f'cifar10-5000); {RULE}')


@dataclasses.dataclass(frozen=True)
class Name:
    """A parsed dataset name; `seed` and `labels` are None where all labels are used."""
    name: str
    seed: int | None
    labels: int | None
    valid: int

    def __str__(self):
        return f'{self.name}-{self.valid}' if self.labels is None else (
            f'{self.name}.{self.seed}@{self.labels}-{self.valid}')


def check(name):
    """Raises InputError if a dataset cannot have this name."""
    if not re.fullmatch(NAME, name):
        raise InputError(f'{name!r} is no name of a dataset: {RULE}')


def parse(text):
    """A Name from its text.

    Raises:
        InputError: the text is of neither form.
    """
    match = re.fullmatch(rf'({NAME})(?:\.(\d+)@(\d+))?-(\d+)', text)
    if not match:
        raise InputError(f'--dataset={text}: write {GRAMMAR}')
    name, seed, labels, valid = match.groups()
    if labels is not None and int(labels) == 0:
        raise InputError(f'--dataset={text}: at least 1 label is needed')
    return Name(name, None if seed is None else int(seed), None if labels is None else int(labels), int(valid))
