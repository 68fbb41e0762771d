"""FixMatch with a choice of the augmentation of each of the two views: --anchoring=weak.strong is FixMatch."""

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

    def unlabeled_views(self):
        return [self.strong_view if kind == 'strong' else self.weak_view for kind in self.params.anchoring.split('.')]


if __name__ == '__main__':
    train.run(AB_FixMatch_Anchoring, dataset='cifar10.3@250-1')
