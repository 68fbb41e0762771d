"""FixMatch with a choice of the augmentation of each of the two views: --anchoring=weak.strong is FixMatch."""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train
from libml.hparams import Hparam
from libml.utils import InputError

KINDS = ('weak', 'strong')


class AB_FixMatch_Anchoring(FixMatch):
    """The view that gives the label and the view that is trained on are each weak or strong."""

    HPARAMS = dict(FixMatch.HPARAMS, anchoring=Hparam('weak.strong', 'Views for the label and for training: weak or '
                                                      'strong.'))

    def resolve_params(self):
        super().resolve_params()
        kinds = self.params.anchoring.split('.')
        if len(kinds) != 2 or not set(kinds) <= set(KINDS):
            raise InputError(f'--anchoring={self.params.anchoring}: give two of {", ".join(KINDS)} with a dot between')

    def path_components(self):
        """The flag's value is a component of its own, as in the original."""
        *rest, experiment = super().path_components()
        return [*rest, self.params.anchoring, experiment]

    def views(self):
        views = super().views()
        kinds = dict(zip(KINDS, views.unlabeled))
        chosen = [kinds[kind].at(f'view{i}') for i, kind in enumerate(self.params.anchoring.split('.'))]
        return dataclasses.replace(views, unlabeled=tuple(chosen))


if __name__ == '__main__':
    train.run(AB_FixMatch_Anchoring, dataset='cifar10.3@250-1')
