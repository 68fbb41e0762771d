"""AdaMatch on a pretrained network, with a constant weight of the unlabelled loss."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from ablation.adamatch_pretrain import AdaMatchPretrain
from libml import train
from libml.hparams import Hparam

import tensorflow as tf


class AdaMatchPretrainFixedWu(AdaMatchPretrain):
    """The weight is `wu` from the start."""

    HPARAMS = dict(AdaMatchPretrain.HPARAMS, wu=Hparam(1., 'Weight of the unlabelled loss.', low=0))

    def unlabeled_weight(self):
        return tf.constant(self.params.wu)


if __name__ == '__main__':
    train.run(AdaMatchPretrainFixedWu)
