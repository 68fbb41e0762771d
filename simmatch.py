"""SimMatch: Semi-supervised Learning with Similarity Matching (arXiv:2203.06915).

FixMatch whose pseudo-label is averaged with the vote of the labelled images, by how alike the features f of the weak
view are to theirs in a bank; the strong view's similarities follow the weak view's. With aligned predictions p, and s
and v the softmax over the bank of f_weak . bank / T and f_strong . bank / T:

    g(c) = sum of s_k over labelled images k of class c,  t = alpha p + (1 - alpha) g,  q_k ~ s_k p(label_k)
    L = Lx + wu mean 1[max t >= confidence] H(t, strong) + in_loss_ratio mean H(q, v)

python simmatch.py --dataset=cifar10.3@40-1
"""

import math

from libml import losses, train
from libml.hparams import Hparam
from libml.methods import similarity
from libml.methods.similarity_model import SimilarityModel

import tensorflow as tf


class SimMatch(SimilarityModel):
    """Predictions and similarities to labelled images correct each other, and both are matched between views."""

    # As in the paper a single head; USB averages three (EPASS).
    HPARAMS = dict(
        SimilarityModel.HPARAMS,
        # The teacher is the network itself, as for small pictures in the paper; for ImageNet it is an average.
        bank_decay=Hparam(0.7, 'Share of the old one in a labelled image\'s feature; 0: the newest counts.', low=0,
                          below=1),
        in_loss_ratio=Hparam(1., 'Weight of the loss on similarities.', low=0),
        proj_dim=Hparam(128, 'Length of the features.', low=1),
        temperature=Hparam(0.1, 'Similarities are divided by this.', above=0),
        warmup_kimg=Hparam(64, 'kimg at the start that do without similarities.', low=0),
    )

    def warm(self):
        """Bool scalar: whether the warm-up is over, and the bank complete. USB also uses what was never written."""
        p = self.params
        return self.batch_number() >= math.ceil(max(p.warmup_kimg * 1024, len(self.dataset.labeled)) / self.rows)

    def smoothed(self, p):
        labeled, weak, strong = self.batch.projections
        bank = self.track(similarity.Bank(len(self.dataset.labeled), self.params.proj_dim, self.params.bank_decay))
        features, warm = bank.features.read_value(), self.warm()
        to_weak, to_strong = [similarity.compare(view, features, self.params.temperature) for view in (weak, strong)]
        votes, calibrated = similarity.vote(to_weak, bank.classes.read_value(), p)
        loss = tf.reduce_mean(losses.xe(to_strong, tf.stop_gradient(calibrated)))
        bank.observe(self.batch.indices[0], labeled, self.batch.label)
        return self.blended(p, votes, warm), {'in': (self.params.in_loss_ratio, tf.where(warm, loss, 0.))}


if __name__ == '__main__':
    train.run(SimMatch, dataset='cifar10.3@40-1')
