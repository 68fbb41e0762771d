"""pseudo_label.py: its loss against numpy."""

from baseline_runs import EIGHTH, check_losses, xe
from pseudo_label import PseudoLabel

import numpy as np


def formula(at):
    """Cross entropy of the confident rows with their own class, over all rows."""
    p = at.live(at.y)
    assert 1 < (p.max(1) > 0.7).sum() < len(p)
    return {'xe': xe(at.targets, at.live(at.x)),
            'pl': sum(-np.log(row.max()) for row in p if row.max() > 0.7) / len(p)}


def test_losses_against_numpy(tmp_path):
    shares = []

    def watched(at):
        shares.append((at.live(at.y).max(1) > 0.7).mean())
        return formula(at)

    found = check_losses(PseudoLabel, tmp_path, watched, weight=3 / 8, threshold=0.7, consistency_weight=3., **EIGHTH)
    np.testing.assert_allclose(found['losses/mask'], shares[0], rtol=1e-6)
