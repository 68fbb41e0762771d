"""AdaMatch on a pretrained network, without distribution alignment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from ablation.adamatch_no_distalign import AdaMatchNoDistAlign
from ablation.adamatch_pretrain import AdaMatchPretrain
from libml import train


class AdaMatchPretrainNoDistAlign(AdaMatchNoDistAlign, AdaMatchPretrain):
    """Both changes. (The original imports what was never published.)"""


if __name__ == '__main__':
    train.run(AdaMatchPretrainNoDistAlign)
