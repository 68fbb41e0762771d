"""The grammar of --augment: tokens joined by dots, one for each field, such as d.d.rac or d.x.r2_10_50.

    token          weak part                        strong part
    x              none                             none
    m              mirror                           none
    d              the dataset's mirror and shift   none
    aa, aac        as d                             AutoAugment; aac: then a cutout
    ra, rac        as d                             RandAugment, 2 operations of random level; rac: then a cutout
    rac<k>         as d                             as rac with levels 1..k-1, k = 2..9
    r<n>_<m>_<c>   as d                             RandAugment, n operations of level m, a cutout of c % of the side
    usb            as d                             the strong views of USB: 3 operations, a grey square (usb.py)
    rai            as d                             RandAugment of ImageNet, 2 operations (randaugment_imagenet.py)

Two fields are labelled.unlabelled, three labelled.weak.strong, four two of each kind. (google-research/fixmatch
@d4985a1 libml/augment.py, which lists the strings; here any string of tokens is one. Its rac1, without any level to
draw, and aa for datasets without a table, which fail there at run time, are no tokens here.)
"""

import os
import re

from libml.augment import cta_learner, randaugment_imagenet, usb
from libml.augment.autoaugment import POLICIES, AutoAugment
from libml.augment.randaugment import RandAugment, RandomLevelRandAugment
from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.hparams import Hparam
from libml.utils import InputError

AUTOAUGMENT = ('aa', 'aac')
PUBLISHED = dict(usb=usb.strong, rai=randaugment_imagenet.strong)
CHOICES = 'x m d aa aac ra rac, rac2 to rac9, r<n>_<m>_<c> with n 1 to 4, m 1 to 15, c 0, 25, 50 or 75, usb rai'
# --augment of models that take labelled, weak and strong views.
AUGMENT = Hparam('d.d.d', 'Augmentation of labelled.weak.strong images: ' + CHOICES, named=False)


def parse(augment, dataset, counts=(2, 3, 4)):
    """The views that an augment string names.

    Args:
        augment: text such as `d.d.rac`.
        dataset: the DataSet of the pictures: `d` stands for its mirror and shift, and not all have tables for aa, aac.
        counts: how many fields the program takes.
    Returns:
        tuple of View, each called (`name`) as its token.
    Raises:
        InputError: another number of fields, or a field that is not a token.
    """
    tokens = augment.split('.')
    if len(tokens) not in counts:
        raise InputError(f'--augment={augment!r} has {len(tokens)} fields (separated by dots), not '
                         f'{" or ".join(map(str, counts))}')
    return tuple(_view(token, f'field {i} of --augment={augment!r}', dataset) for i, token in enumerate(tokens, 1))


def _view(token, place, dataset):
    """View of one token; `place` names it in an error."""
    weak = Weak(dataset.mirror, dataset.shift)
    plain = dict(x=Weak(False, 0), m=Weak(True, 0), d=weak)
    if token in plain:
        return View(plain[token], name=token)
    return View(weak, strong_part(token, place, dataset.base), name=token)


def strong_part(token, place, base):
    """Strong part of a view: what its token does after the weak part.

    Args:
        token: one of the second part of the table above.
        place: names it in an error.
        base: name of the dataset without seed and sizes, such as `cifar10`.
    Returns:
        function of (uint8 [b, h, w, c], Draws) that returns float32 [b, h, w, c] in [-1, 1].
    Raises:
        InputError: the token is none of these, or the dataset has no table for it.
    """
    if token in ('ra', 'rac'):
        return RandomLevelRandAugment(cutout=token == 'rac')
    if token in PUBLISHED:
        return PUBLISHED[token]
    if token in AUTOAUGMENT:
        if base not in POLICIES:
            raise InputError(f'{place}, {token}, needs a table of policies: {", ".join(POLICIES)} have one, '
                             f'{base} has none')
        return AutoAugment(base, cutout=token == 'aac')
    match = re.fullmatch('rac([2-9])', token)
    if match:
        return RandomLevelRandAugment(magnitude=int(match[1]), cutout=True)
    match = re.fullmatch('r([1-4])_([1-9]|1[0-5])_(0|25|50|75)', token)
    if match:
        return RandAugment(*map(int, match.groups()))
    raise InputError(f'{place}, {token!r}, is none of {CHOICES}')


class Program:
    """The views of labelled, weak and strong images that --augment names, with CTAugment where it names no strong part.

    Args:
        params: hyper-parameters, of which `augment` and, if CTAugment may be used, cta_learner.HPARAMS are read.
        dataset: the DataSet.
        fields: 3; 2, labelled and unlabelled: weak and strong views are the same; 1: all three are.
        cta: whether CTAugment may be used.

    Attributes:
        labeled, weak, strong: View, without CTAugment.
        cta: the CTAugment that makes strong views, or None.
        probe: its rates follow the probes of every so many batches.
    """

    probe = 1

    def __init__(self, params, dataset, fields=3, cta=True):
        self.params = params
        views = parse(params.augment, dataset, (fields,))
        self.labeled, self.weak, self.strong = (views + 2 * views[-1:])[:3]
        learned = cta_learner.from_params(params) if 'adepth' in params else None
        self.cta = learned if cta and not self.strong.strong else None

    def components(self, dataset):
        """Folders that say how a DataSet is augmented, as the original's: --augment stands in the dataset's name, and
        class weights follow it."""
        name = dataset.folder.replace(dataset.base, f'{dataset.base}.{self.params.augment}', 1)
        if dataset.p_unlabeled is not None:
            name = os.path.join(name, ','.join(f'{w:g}' for w in dataset.p_unlabeled))
        return [name] + ([self.cta.name] if self.cta else [])

    def views(self, learner, final_cutout=True):
        """FixMatch's Views: labelled images are not under learned policies; one weak and one strong view of others."""
        strong = self.strong.learned(learner, final_cutout) if learner else self.strong
        return Views(self.labeled, (self.weak.at('view0'), strong.at('view1')), learner=learner)

    def views_of_remixmatch(self, learner, count=1):
        """ReMixMatch's Views: labelled images are under learned policies, too; several strong views; no cutout after a
        policy. (remixmatch@f7061eb cta/lib/train.py)"""
        views = self.views(learner, final_cutout=False)
        learned = learner and not self.labeled.strong
        labeled = self.labeled.learned(learner, final_cutout=False) if learned else self.labeled
        return Views(labeled, views.unlabeled, count, learner)
