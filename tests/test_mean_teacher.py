"""mean_teacher.py: its loss against numpy."""

from baseline_runs import EIGHTH, check_losses, xe
from mean_teacher import MeanTeacher

import numpy as np


def formula(at):
    """The teacher of the first view has the averaged weights."""
    return {'xe': xe(at.targets, at.live(at.x)),
            'mt': np.square(at.averaged(at.y[:, 0]) - at.live(at.y[:, 1])).mean()}


def test_losses_against_numpy(tmp_path):
    check_losses(MeanTeacher, tmp_path, formula, weight=8 / 8, consistency_weight=8., **EIGHTH)
