"""UDA: Unsupervised Data Augmentation for Consistency Training (arXiv:1904.12848), as in FixMatch's comparison.

python uda.py --dataset=cifar10.3@250-1 --temperature=0.4
"""

import math

from libml import losses, train
from libml.hparams import Hparam
from libml.methods import pair_model, pseudo_labels

import tensorflow as tf


def linear(t):
    """t."""
    return t


def exp(t):
    """exp(5 (t - 1))."""
    return tf.exp(5 * (t - 1))


def log(t):
    """1 - exp(-5 t)."""
    return 1 - tf.exp(-5 * t)


def no(t):
    """1: no annealing."""
    return tf.ones_like(t)


TSA = dict(no=no, exp=exp, linear=linear, log=log)


class UDA(pair_model.PairModel):
    """Predictions on strongly augmented images follow the sharpened ones on weakly augmented images."""

    HPARAMS = dict(
        pair_model.PairModel.HPARAMS,
        augment=pair_model.PairModel.HPARAMS['augment']._replace(default='d.d.rac'),
        confidence=pair_model.CONFIDENCE,
        temperature=Hparam(1., 'Sharpens the weak predictions; the paper uses 0.4.', above=0),
        tsa=Hparam('no', f'Training signal annealing: {", ".join(TSA)}.'),
        tsa_pos=Hparam(8, 'Annealing lasts min(train_kimg, 16384) * 2^tsa_pos images.', low=0, high=32),
        we=Hparam(0., 'Weight of the entropy of the weak predictions.', low=0),
        wu=Hparam(1., 'Weight of the loss on unlabelled images.', low=0),
    )

    def resolve_params(self):
        super().resolve_params()
        self.check_choice('tsa', TSA)

    def threshold(self):
        """Scalar: labelled images that are given their class with more probability than this are left out."""
        p = self.params
        t = tf.cast(self.first_step(), tf.float32) / (min(self.length(), 16384) * math.pow(2, p.tsa_pos))
        return tf.minimum(TSA[p.tsa](t), 1) * (1 - 1 / p.nclass) + 1 / p.nclass

    def labeled_losses(self, logits, label):
        """Cross entropy over the labelled images that are kept, and their share."""
        p_true = tf.gather(tf.nn.softmax(logits), label, axis=1, batch_dims=1)
        keep = tf.stop_gradient(tf.cast(p_true <= self.threshold(), tf.float32))
        xe = tf.reduce_sum(losses.masked_xe(logits, label, keep)) / tf.maximum(tf.reduce_sum(keep), 1)
        return {'xe': (1., xe), 'mask_sup': (None, tf.reduce_mean(keep))}

    def unlabeled_losses(self, logits_weak, logits_strong):
        p = self.params
        confidence = tf.reduce_max(tf.nn.softmax(logits_weak), -1)
        mask = tf.stop_gradient(tf.cast(confidence >= p.confidence, tf.float32))
        pseudo_labels.watch(self, tf.argmax(logits_weak, -1), mask)
        targets = tf.stop_gradient(logits_weak / p.temperature)
        xeu = tf.reduce_mean(mask * losses.kl_divergence_from_logits(targets, logits_strong))
        entropy = tf.reduce_mean(losses.entropy_from_logits(logits_weak))
        conf_strong = tf.reduce_max(tf.nn.softmax(logits_strong), -1)
        monitors = dict(mask=mask, conf_weak=confidence, conf_strong=conf_strong)
        return ({'xeu': (p.wu, xeu), 'entropy': (p.we, entropy)},
                {f'monitors/{name}': tf.reduce_mean(value) for name, value in monitors.items()})


if __name__ == '__main__':
    train.run(UDA, dataset='cifar10.3@250-1')
