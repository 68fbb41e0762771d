"""AdaMatch that aligns to the labels of the source instead of the predictions for it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from adamatch import AdaMatch
from libml import train

import tensorflow as tf


class AdaMatchSourceAlign(AdaMatch):
    """The labelled distribution follows how often each class is in a batch."""

    def p_labeled(self, logits_weak, label):
        return tf.one_hot(label, self.params.nclass)


if __name__ == '__main__':
    train.run(AdaMatchSourceAlign)
