"""AdaMatch with FixMatch's fixed threshold."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from adamatch import AdaMatch
from libml import train
from libml.hparams import Hparam

import tensorflow as tf


class AdaMatchFixedConfidence(AdaMatch):
    """The threshold is the flag's value."""

    HPARAMS = dict(AdaMatch.HPARAMS, use_cr=Hparam(True, 'Without effect here, as in the original.'))

    def threshold(self, logits_weak):
        return tf.constant(self.params.confidence)


if __name__ == '__main__':
    train.run(AdaMatchFixedConfidence)
