"""AdaMatch on a network that was trained before. (The original: a ResNet-101 with ImageNet weights of Keras.)

python ablation/adamatch_pretrain.py --source=usps --target=mnist --pretrained=<run folder of baseline.py>
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from adamatch import AdaMatch
from libml import train
from libml.hparams import Hparam
from libml.networks import archs
from libml.training import checkpoint

SCOPE = 'classify/'
NOT_WEIGHTS = ('/ExponentialMovingAverage', '/Momentum')


class AdaMatchPretrain(AdaMatch):
    """Weights and running statistics below the last layer, and their averages, start from a checkpoint."""

    HPARAMS = dict(AdaMatch.HPARAMS, pretrained=Hparam(
        '', 'Run folder or checkpoint of the same network to start from; without one this is AdaMatch.', False))

    def resolve_params(self):
        super().resolve_params()
        if self.params.pretrained:
            self.check_head()

    def fresh(self, session):
        super().fresh(session)
        if self.params.pretrained:
            self.start_from(session, checkpoint.find(self.params.pretrained))

    def start_from(self, session, path):
        """Restores the network without its last layer from the checkpoint with prefix `path`; starts the averages."""
        def belongs(name):
            return name.startswith(SCOPE) and not name.startswith(archs.HEAD)

        network = [v for v in self.variables if belongs(v.op.name) and not v.op.name.endswith(NOT_WEIGHTS)]
        checkpoint.restore_part(session, path, network, belongs)
        session.run([self.ema.average(v).assign(v) for v in network])


if __name__ == '__main__':
    train.run(AdaMatchPretrain)
