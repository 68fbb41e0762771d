"""AdaMatch without random logit interpolation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from adamatch import AdaMatch
from libml import train


class AdaMatchNoLogitReg(AdaMatch):
    """The logits of labelled images are those beside the unlabelled ones; there is no second pass."""

    def interpolated(self, batch, joint):
        return joint, {}


if __name__ == '__main__':
    train.run(AdaMatchNoLogitReg)
