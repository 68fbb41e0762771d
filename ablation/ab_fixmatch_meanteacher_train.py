"""FixMatch whose pseudo-labels come from the averaged weights with the batch's own batch-norm statistics."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from ablation.ab_fixmatch_meanteacher import AB_FixMatch_MeanTeacher
from libml import train


class AB_FixMatch_MeanTeacher_Train(AB_FixMatch_MeanTeacher):
    """The teacher runs in training mode; its statistics update nothing."""

    TEACHER_TRAINING = True


if __name__ == '__main__':
    train.run(AB_FixMatch_MeanTeacher_Train, dataset='cifar10.3@250-1')
