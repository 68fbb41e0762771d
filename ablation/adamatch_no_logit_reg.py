"""AdaMatch without random logit interpolation: adamatch.py --nouse_logit_interpolation, under its published name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from adamatch import AdaMatch
from libml import train


class AdaMatchNoLogitReg(AdaMatch):
    """The logits of labelled images are those beside the unlabelled ones; there is no second pass."""

    HPARAMS = dict(AdaMatch.HPARAMS, use_logit_interpolation=AdaMatch.HPARAMS['use_logit_interpolation']._replace(
        default=False))


if __name__ == '__main__':
    train.run(AdaMatchNoLogitReg)
