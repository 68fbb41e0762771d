"""FixMatch without the cutout that ends CTAugment's strong views."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train


class AB_FixMatch_NoCutOut(FixMatch):
    """Strong views are CTAugment's policy alone, in which a cutout may still be drawn."""

    def views(self):
        return self.program.views(self.learner, final_cutout=False)


if __name__ == '__main__':
    train.run(AB_FixMatch_NoCutOut, dataset='cifar10.3@250-1')
