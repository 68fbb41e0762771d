"""ReMixMatch without a weak view: guesses are of strongly augmented images, too.

python ablation/ab_cta_remixmatch_noweak.py --dataset=cifar10.3@250-1 --K=8
"""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml import train
from remixmatch import ReMixMatch


class ABReMixMatchNoWeak(ReMixMatch):
    """All K + 1 views are strong; with CTAugment the run's name has ABCTAReMixMatchNoWeak, as in the original."""

    def views(self):
        """In place of the weak view a strong one, drawn apart from the others."""
        views = super().views()
        _, strong = views.unlabeled
        return dataclasses.replace(views, unlabeled=(strong.at('view0'), strong))


if __name__ == '__main__':
    train.run(ABReMixMatchNoWeak)
