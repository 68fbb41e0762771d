"""Dash: Semi-Supervised Learning with Dynamic Thresholding (arXiv:2109.00650).

FixMatch on images whose pseudo-label has, by the weak view, a loss of at most rho = max(1.0001 rho_hat 1.27^-k, 0.05).
A warm-up ends with the labelled loss rho_hat; k counts `drop_kimg` since. Labels become hard when rho is 0.05.

python dash.py --dataset=cifar10.3@40-1
"""

import math

from fixmatch import FixMatch
from libml import losses, train
from libml.hparams import Hparam
from libml.methods.class_use import ClassUse
from libml.trackers import Average

import tensorflow as tf

FLOOR = 0.05


class Dash(FixMatch):
    """Images of small loss are trained on, and the bound on it falls; labels start soft and become hard."""

    HPARAMS = dict(
        FixMatch.HPARAMS,
        divide_by_selected=Hparam(False, 'Divide the loss by the number of images that are trained on, not of all, as '
                                  'its authors\' code does with --wu=0.9.'),
        drop_kimg=Hparam(640, 'The bound on the loss falls after every so many kimg.', above=0),
        temperature=Hparam(0.5, 'Sharpens soft labels.', above=0),
        warmup_kimg=Hparam(128, 'kimg at the start, part of train_kimg, that train on labelled images alone.',
                           above=0),
    )
    del HPARAMS['confidence']

    def bound(self):
        """Steps since the warm-up, int64 scalar, negative within; rho, float32 scalar."""
        p = self.params
        warmup, one_pass = [math.ceil(n / self.rows) for n in (p.warmup_kimg * 1024, len(self.dataset.labeled))]
        # Of labelled images, as the paper says, in the last pass. USB takes an untrained network's on the test set.
        since, seen = self.batch_number() - warmup, self.batch_number() - max(warmup - one_pass, 0)
        decay = tf.where((seen >= 0) & (since < 0), seen / (seen + 1), 1.)
        rho_hat = self.track(Average('rho_hat', 0., tf.cast(decay, tf.float32)))
        rho_hat.observe(tf.reduce_mean(losses.masked_xe(self.batch.logits_x, self.batch.label, 1.)))
        drops = tf.cast(since * self.rows // round(p.drop_kimg * 1024), tf.float32)
        return since, tf.maximum(1.0001 * rho_hat.variable.read_value() * 1.27 ** -drops, FLOOR)

    def unlabeled_loss(self, logits_weak, logits_strong):
        p, weak, (since, rho) = self.params, tf.stop_gradient(logits_weak), self.bound()
        hard = tf.argmax(weak, -1)
        labels = tf.where(rho > FLOOR, tf.nn.softmax(weak / p.temperature), tf.one_hot(hard, p.nclass))
        mask = tf.cast((losses.xe(weak, labels) <= rho) & (since >= 0), tf.float32)
        self.track(ClassUse(p.nclass)).observe(hard, mask, tf.exp(-rho))
        share = tf.reduce_mean(mask) if p.divide_by_selected else 1.
        return tf.math.divide_no_nan(mask * losses.xe(logits_strong, labels), share), mask


if __name__ == '__main__':
    train.run(Dash, dataset='cifar10.3@40-1')
