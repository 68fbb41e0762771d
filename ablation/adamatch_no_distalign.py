"""AdaMatch without distribution alignment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from adamatch import AdaMatch
from libml import train

import tensorflow as tf


class AdaMatchNoDistAlign(AdaMatch):
    """Targets are the weak predictions; the running distributions are still followed, for monitors/klmodel."""

    def aligned(self, p, alignment):
        return tf.stop_gradient(p)


if __name__ == '__main__':
    train.run(AdaMatchNoDistAlign)
