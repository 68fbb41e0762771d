"""AdaMatch on a pretrained network, without distribution alignment."""

from ablation.adamatch_no_distalign import AdaMatchNoDistAlign
from ablation.adamatch_pretrain import AdaMatchPretrain
from libml import train


class AdaMatchPretrainNoDistAlign(AdaMatchNoDistAlign, AdaMatchPretrain):
    """Both changes. (The original imports what was never published.)"""


if __name__ == '__main__':
    train.run(AdaMatchPretrainNoDistAlign)
