"""AdaMatch with ReMixMatch's distribution alignment: to the labels of the source."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from ablation.adamatch_source_align import AdaMatchSourceAlign
from libml import train


class AdaMatchDistAlignRMM(AdaMatchSourceAlign):
    """AdaMatchSourceAlign under another name. (In the original they differ in what they do with pretrained weights.)"""


if __name__ == '__main__':
    train.run(AdaMatchDistAlignRMM)
