"""A model whose learning rate falls when its reports get no better, and that ends then, with its best weights."""

from libml import models
from libml.hparams import Hparam
from libml.training import evaluate, plateau
from libml.utils import InputError

import numpy as np
import tensorflow as tf


class PlateauModel(models.MultiModel):
    """Every report adds the mean cross entropy on the validation images, `losses/valid`, to what is known of it.

    Attributes, made by `make_plateau`:
        plateau: the Plateau, which holds the learning rate.
        stopping: the EarlyStopping, or None.
    """

    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        plateau_patience=Hparam(3, 'Reports without improvement until the learning rate falls; 0: it never does.',
                                False, low=0),
        plateau_factor=Hparam(0.1, 'What the learning rate falls by.', False, above=0, high=1),
        stop_patience=Hparam(10, 'Reports without improvement until training ends, with its best weights; 0: off.',
                             False, low=0),
    )

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        if not len(self.dataset.valid) and (p.plateau_patience or p.stop_patience):
            raise InputError(f'--dataset={self.dataset.name} has no validation images, which the learning rate and the '
                             'end of training follow: give some, or --plateau_patience=0 --stop_patience=0')

    def score(self, scalars):
        """Score of a report (tag -> float), more is better: the negative loss on the validation images."""
        return -scalars['losses/valid']

    def make_plateau(self):
        """Makes the state of learning rate and end; to be called before the optimizer makes its variables.

        Returns:
            float32 scalar tensor: the learning rate.
        """
        p = self.params
        self.plateau = plateau.Plateau(p.lr, p.plateau_patience, p.plateau_factor)
        # The network's variables and, where there are any, their averages.
        network = tf.compat.v1.global_variables('classify/')
        self.stopping = plateau.EarlyStopping(p.stop_patience, network) if p.stop_patience else None
        self.depends_on_reports = bool(p.plateau_patience or p.stop_patience)
        return self.plateau.lr.read_value()

    def evaluate(self, session):
        tags, valid = super().evaluate(session), self.dataset.valid
        if len(valid):
            p = evaluate.predict(session, self.ops.classify_op, self.ops.x, valid.images)
            p = np.maximum(p[np.arange(len(p)), valid.labels], np.finfo(np.float32).tiny)
            tags['losses/valid'] = -float(np.log(p).mean())
        return tags

    def after_report(self, session, scalars):
        if 'losses/valid' not in scalars:  # No validation images, or weights that are not finite: saving will say so.
            return
        score = self.score(scalars)
        lr = self.plateau.after_report(session, score)
        if self.stopping:
            self.stopping.after_report(session, score)
        if lr is not None:  # Last, because it may fail (`| head`).
            print(f'No better for {self.params.plateau_patience} reports: lr {lr:g}', flush=True)

    def finished(self, session):
        if not self.stopping:
            return False
        finished = self.stopping.finished(session)
        if not finished:  # A run that had ended may be prolonged.
            self.stopping.restore(session, best=False)
        return finished

    def ended(self, session):
        if not self.stopping:
            return None
        self.stopping.restore(session)
        self.settle(session)
        return self.evaluate(session)
