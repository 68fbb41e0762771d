"""FixMatch whose pseudo-labels come from the averaged weights, in inference mode."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train


class AB_FixMatch_MeanTeacher(FixMatch):
    """The weak images are classified by the moving average of the weights; the network sees the others only."""

    TEACHER_TRAINING = False  # whether the teacher's batch norm uses the batch's statistics

    def logits(self, xt, y):
        """Labelled and strong images in one pass. (The original also passed the weak ones, and did not build.)"""
        logits_x, logits_strong = self.forward([xt, y[:, 1]])
        teacher = self.classifier(y[:, 0], self.TEACHER_TRAINING, self.ema.getter, 'teacher')
        return logits_x, teacher.logits, logits_strong


if __name__ == '__main__':
    train.run(AB_FixMatch_MeanTeacher, dataset='cifar10.3@250-1')
