"""ict.py: its loss against numpy."""

from baseline_runs import EIGHTH, check_losses, mixed, xe
from ict import ICT

import numpy as np


def formula(at):
    """The prediction on mixed images follows the mixed predictions of the averaged weights."""
    y, q = mixed(at.lam('mix_y'), at.y, at.averaged(at.y))
    return {'xe': xe(at.targets, at.live(at.x)), 'mt': np.square(q - at.live(y)).mean()}


def test_losses_against_numpy(tmp_path):
    check_losses(ICT, tmp_path, formula, weight=8 / 8, consistency_weight=8., beta=0.6, **EIGHTH)
