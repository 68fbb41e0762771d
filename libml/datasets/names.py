"""The grammar of dataset names on the command line."""

import dataclasses
import re

from libml.utils import InputError

NAME = r'[A-Za-z]\w*'
WHOLE = r'\d{1,18}'  # of as many digits as 64 bits hold
RULE = 'a name is a letter followed by letters, digits and underscores'
GRAMMAR = ('<name>.<seed>@<labels>-<valid> (such as cifar10.3@250-5000 or, with all labels, stl10.1@all-500), or '
           f'<name>-<valid> for all labels without unlabelled images (such as cifar10-5000); {RULE}, and a '
           'number has at most 18 digits')
ALL = 'all'
LARGEST_RATIO = 1e6  # of imbalance
SKEW = ''.join(rf'(?:_{kind}(-?{WHOLE}(?:\.{WHOLE})?))?' for kind in ('labeled', 'unlabeled'))


@dataclasses.dataclass(frozen=True)
class Name:
    """A parsed dataset name; `labels` may be ALL, and `labels` and `seed` are None for `<name>-<valid>`.

    A ratio of imbalance (split_rule.skewed_counts) is 0 where there is none; else it ends the name:
    `cifar10.3@250-5000_labeled100_unlabeled-100`.
    """
    name: str
    seed: int | None
    labels: int | str | None
    valid: int
    imbalance_labeled: float = 0.
    imbalance_unlabeled: float = 0.

    def __str__(self):
        subsets = f'{self.name}-{self.valid}' if self.labels is None else (
            f'{self.name}.{self.seed}@{self.labels}-{self.valid}')
        return subsets + ''.join(f'_{kind}{_text(ratio)}' for kind, ratio in (
            ('labeled', self.imbalance_labeled), ('unlabeled', self.imbalance_unlabeled)) if ratio)

    def skewed(self, **imbalance):
        """This name with imbalance_labeled and imbalance_unlabeled; a 0 leaves what the name says.

        Raises:
            InputError: a ratio is between -1 and 1, or beyond LARGEST_RATIO, or the name says another one.
        """
        for flag, ratio in imbalance.items():
            if ratio and not 1 <= abs(ratio) <= LARGEST_RATIO:
                raise InputError(f'--{flag}={ratio}: give the ratio of the largest class to the smallest, 1 to 1e6 '
                                 '(negative: the last class is the largest), or 0 to leave the classes as they are')
            mine = getattr(self, flag)
            if ratio and mine and _text(ratio) != _text(mine):
                raise InputError(f'--{flag}={ratio}: --dataset={self} says another ratio')
        return dataclasses.replace(self, **{flag: float(_text(ratio)) for flag, ratio in imbalance.items() if ratio})


def _text(ratio):
    """A ratio as it stands in names: 100, -1.5."""
    return f'{ratio:.6f}'.rstrip('0').rstrip('.')


def check(name):
    """Raises InputError if a dataset cannot have this name."""
    if not re.fullmatch(NAME, name):
        raise InputError(f'{name!r} is no name of a dataset: {RULE}')


def parse(text):
    """A Name from its text.

    Raises:
        InputError: the text is of neither form.
    """
    match = re.fullmatch(rf'({NAME})(?:\.({WHOLE})@({WHOLE}|all))?-({WHOLE}){SKEW}', text)
    if not match:
        raise InputError(f'--dataset={text}: write {GRAMMAR}')
    name, seed, labels, valid, *skew = match.groups()
    if labels not in (None, ALL):
        labels = int(labels)
    if labels == 0:
        raise InputError(f'--dataset={text}: at least 1 label is needed')
    found = Name(name, None if seed is None else int(seed), labels, int(valid))
    try:
        return found.skewed(imbalance_labeled=float(skew[0] or 0), imbalance_unlabeled=float(skew[1] or 0))
    except InputError as error:
        raise InputError(f'--dataset={text}: its end is taken as {error}') from error
