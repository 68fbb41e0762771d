"""The grammar of --augment: tokens joined by dots, one for each field, such as d.d.rac or d.x.r2_10_50.

    token          weak part                        strong part
    x              none                             none
    m              mirror                           none
    d              the dataset's mirror and shift   none
    aa, aac        as d                             AutoAugment; aac: then a cutout
    ra, rac        as d                             RandAugment, 2 operations of random level; rac: then a cutout
    rac<k>         as d                             as rac with levels 1..k-1, k = 2..9
    r<n>_<m>_<c>   as d                             RandAugment, n operations of level m, a cutout of c % of the side

Two fields are labelled.unlabelled, three labelled.weak.strong, four two of each kind. (google-research/fixmatch
@d4985a1 libml/augment.py, which lists the strings; here any string of tokens is one. Its rac1, without any level to
draw, and aa for datasets without a table, which fail there at run time, are no tokens here.)
"""

import collections
import re

from libml.autoaugment import POLICIES, AutoAugment
from libml.randaugment import RandAugment, RandomLevelRandAugment
from libml.utils import InputError

# text: the token. weak: 'none', 'mirror' or 'default'. strong: None or a function of (uint8 [b, h, w, c], Draws) that
# returns float32 [b, h, w, c] in [-1, 1] with 0 where nothing of the image is left (bytes have no such mid-grey).
Field = collections.namedtuple('Field', 'text weak strong')

PLAIN = {
    'x': Field('x', 'none', None),
    'm': Field('m', 'mirror', None),
    'd': Field('d', 'default', None),
    'ra': Field('ra', 'default', RandomLevelRandAugment()),
    'rac': Field('rac', 'default', RandomLevelRandAugment(cutout=True)),
}
AUTOAUGMENT = ('aa', 'aac')
CHOICES = 'x m d aa aac ra rac, rac2 to rac9, r<n>_<m>_<c> with n 1 to 4, m 1 to 15, c 0, 25, 50 or 75'


def parse(augment, dataset, counts=(2, 3, 4)):
    """The fields of an augment string.

    Args:
        augment: text such as `d.d.rac`.
        dataset: name of the dataset without seed and sizes, such as `cifar10`: not all have tables for aa and aac.
        counts: how many fields the program takes.
    Returns:
        tuple of Field.
    Raises:
        InputError: another number of fields, or a field that is not a token.
    """
    tokens = augment.split('.')
    if len(tokens) not in counts:
        raise InputError(f'--augment={augment!r} has {len(tokens)} fields (separated by dots), not '
                         f'{" or ".join(map(str, counts))}')
    return tuple(_field(token, f'field {i} of --augment={augment!r}', dataset) for i, token in enumerate(tokens, 1))


def views(fields, K=1):
    """Fields of the views of an unlabelled image: the weak one and K times the strong one.

    Args:
        fields: the three of `parse`, labelled, weak and strong.
        K: strong views; each is drawn anew.
    Returns:
        tuple of K + 1 Fields.
    Raises:
        InputError: K is below 1.
    """
    if K < 1:
        raise InputError(f'--K={K}: give at least 1 strong view')
    _, weak, strong = fields
    return (weak,) + (strong,) * K


def _field(token, place, dataset):
    """Field of one token; `place` names it in an error."""
    if token in PLAIN:
        return PLAIN[token]
    if token in AUTOAUGMENT:
        if dataset not in POLICIES:
            raise InputError(f'{place}, {token}, needs a table of policies: {", ".join(POLICIES)} have one, '
                             f'{dataset} has none')
        return Field(token, 'default', AutoAugment(dataset, cutout=token == 'aac'))
    match = re.fullmatch('rac([2-9])', token)
    if match:
        return Field(token, 'default', RandomLevelRandAugment(magnitude=int(match[1]), cutout=True))
    match = re.fullmatch('r([1-4])_([1-9]|1[0-5])_(0|25|50|75)', token)
    if match:
        return Field(token, 'default', RandAugment(*map(int, match.groups())))
    raise InputError(f'{place}, {token!r}, is none of {CHOICES}')
