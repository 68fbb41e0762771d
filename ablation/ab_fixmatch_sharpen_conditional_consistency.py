"""FixMatch with soft, sharpened labels where the prediction is confident."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import losses, train
from libml.hparams import Hparam

import tensorflow as tf


class AB_FixMatch_SharpenConditionalConsistency(FixMatch):
    """The labels are the predictions sharpened by T; the mask is of the predictions as they are."""

    HPARAMS = dict(FixMatch.HPARAMS, T=Hparam(1., 'Temperature that sharpens weak predictions.', above=0))

    def unlabeled_loss(self, logits_weak, logits_strong):
        """Loss and mask per unlabelled image, float32 [n] each."""
        _, mask = self.targets(logits_weak)
        soft = tf.stop_gradient(tf.nn.softmax(logits_weak / self.params.T))
        return mask * losses.xe(logits_strong, soft), mask


if __name__ == '__main__':
    train.run(AB_FixMatch_SharpenConditionalConsistency, dataset='cifar10.3@250-1')
