"""MixMatch with each of its parts as a flag: sharpening, what is mixed, views, the guess, the warm-up.

python ablation/ab_mixmatch.py --dataset=cifar10.3@250-1 --beta=0.75 --T=1
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml import train
from mixmatch import MixMatch


class AblationMixMatch(MixMatch):
    """MixMatch with all of its hyper-parameters in the run's name.

    Its defaults of warmup_kimg and w_match are the ablation's; MixMatch's best results have others (1024; 75).
    """

    HPARAMS = dict(
        MixMatch.HPARAMS,
        warmup_kimg=MixMatch.HPARAMS['warmup_kimg']._replace(default=128, named=True),
        **{name: MixMatch.HPARAMS[name]._replace(named=True) for name in ('T', 'mixmode', 'nu', 'use_ema_guess')},
    )


if __name__ == '__main__':
    train.run(AblationMixMatch)
