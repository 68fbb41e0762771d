"""FreeMatch: Self-adaptive Thresholding for Semi-supervised Learning (arXiv:2205.07246).

FixMatch whose threshold for class c is tau P(c) / max P (7), (8). Before it is used, each step moves tau by mean max p
(5), P by mean p (6) and h by the histogram of argmax p (10); they start at 1 / C. A second loss is of P and h (11).

python freematch.py --dataset=cifar10.3@40-1
python freematch.py --dataset=svhn.3@40-1 --thresh_min=0.9 --thresh_max=0.95
"""

from fixmatch import FixMatch
from libml import trackers, train
from libml.hparams import Hparam
from libml.methods import class_use, fairness, pair_model
from libml.utils import InputError

import tensorflow as tf


class FreeMatch(FixMatch):
    """Thresholds follow all predictions; the distribution of strong predictions is compared with that of weak ones."""

    HPARAMS = dict(
        FixMatch.HPARAMS, ema_p=pair_model.EMA_P,
        # The default is USB's, which its published numbers are of; the paper has 0.01 or 0.05.
        ent_loss_ratio=Hparam(0.001, 'Weight of the fairness loss. Above 0, as published, it drives the distribution '
                              'of strong predictions from that of weak ones, against its aim; below 0, towards it.',
                              low=-1e3, high=1e3),
        # USB clips tau to [0, 0.95] for SVHN and ends behind FixMatch; the paper's code clips the thresholds.
        thresh_min=Hparam(0., 'Thresholds are at least this; for SVHN the paper has 0.9.', low=0, high=1),
        thresh_max=Hparam(1., 'Thresholds are at most this; for SVHN the paper has 0.95.', low=0, high=1),
        quantile=Hparam(0., 'Quantile of max p that moves tau (USB\'s use_quantile: 0.8); 0: mean.', low=0, high=1),
    )
    del HPARAMS['confidence']

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        if p.thresh_min > p.thresh_max:
            raise InputError(f'--thresh_min={p.thresh_min} --thresh_max={p.thresh_max}: the first is larger')

    def targets(self, logits_weak):
        p, weak = self.params, tf.stop_gradient(tf.nn.softmax(logits_weak))
        labels, confidence = tf.argmax(weak, -1), tf.reduce_max(weak, -1)
        observed = dict(tau=trackers.quantile(confidence, p.quantile) if p.quantile else tf.reduce_mean(confidence),
                        p_model=tf.reduce_mean(weak, 0), histogram=tf.reduce_mean(tf.one_hot(labels, p.nclass), 0))
        tau, p_model, histogram = [self.follow(name, value, 1 / p.nclass) for name, value in observed.items()]
        thresholds = tf.clip_by_value(tau * p_model / tf.reduce_max(p_model), p.thresh_min, p.thresh_max)
        mask = tf.cast(confidence >= tf.gather(thresholds, labels), tf.float32)
        self.track(class_use.ClassUse(p.nclass)).observe(labels, mask, thresholds)
        self.state = tau, p_model, histogram, mask
        return labels, mask

    def unlabeled_losses(self, logits_weak, logits_strong):
        terms, monitors = super().unlabeled_losses(logits_weak, logits_strong)
        tau, *weak = self.state
        fair = self.params.ent_loss_ratio, fairness.fairness_loss(*weak, logits_strong)
        return {**terms, 'fair': fair}, {**monitors, 'monitors/tau': tau}


if __name__ == '__main__':
    train.run(FreeMatch, dataset='cifar10.3@40-1')
