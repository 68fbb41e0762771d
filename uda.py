"""UDA: Unsupervised Data Augmentation for Consistency Training (arXiv:1904.12848), as in FixMatch's comparison.

python uda.py --dataset=cifar10.3@250-1 --temperature=0.4
"""

import math

from libml import losses, pair_model, train
from libml.hparams import Hparam

import tensorflow as tf
from easydict import EasyDict


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
        temperature=Hparam(1., 'Sharpens the weak predictions; the paper uses 0.4.'),
        tsa=Hparam('no', f'Training signal annealing: {", ".join(TSA)}.'),
        tsa_pos=Hparam(8, 'Annealing lasts min(train_kimg, 16384) * 2^tsa_pos images.'),
        we=Hparam(0., 'Weight of the entropy of the weak predictions.'),
        wu=Hparam(1., 'Weight of the loss on unlabelled images.'),
    )

    def resolve_params(self):
        super().resolve_params()
        self.check_choice('tsa', TSA)
        self.check_positive('temperature')

    def threshold(self):
        """Scalar: labelled images that are given their class with more probability than this are left out."""
        p = self.params
        t = tf.cast(self.step.read_value(), tf.float32) / (min(self.length(), 16384) * math.pow(2, p.tsa_pos))
        return tf.minimum(TSA[p.tsa](t), 1) * (1 - 1 / p.nclass) + 1 / p.nclass

    def labeled_loss(self, logits, label):
        """Cross entropy over the labelled images that are kept: scalar, and which are kept, float32 [b]."""
        p_true = tf.gather(tf.nn.softmax(logits), label, axis=1, batch_dims=1)
        keep = tf.stop_gradient(tf.cast(p_true <= self.threshold(), tf.float32))
        return tf.reduce_sum(losses.masked_xe(logits, label, keep)) / tf.maximum(tf.reduce_sum(keep), 1), keep

    def algorithm(self):
        p = self.params
        x, xt, y, label, _ = self.inputs()
        logits_x, logits_weak, logits_strong = self.forward([xt, y[:, 0], y[:, 1]])
        xe, keep = self.labeled_loss(logits_x, label)
        confidence = tf.reduce_max(tf.nn.softmax(logits_weak), -1)
        mask = tf.stop_gradient(tf.cast(confidence >= p.confidence, tf.float32))
        targets = tf.stop_gradient(logits_weak / p.temperature)
        xeu = tf.reduce_mean(mask * losses.kl_divergence_from_logits(targets, logits_strong))
        entropy = tf.reduce_mean(losses.entropy_from_logits(logits_weak))
        wd = self.l2()
        loss = xe + p.wu * xeu + p.we * entropy + p.wd * wd
        lr = self.learning_rate()
        return EasyDict(
            self.classify_ops(x), x=x, xt=xt, y=y, label=label, loss=loss,
            train_op=self.train_op(loss, self.optimizer(lr), 'train'),
            losses={'losses/xe': xe, 'losses/xeu': xeu, 'losses/entropy': entropy, 'losses/wd': wd,
                    'losses/mask_sup': tf.reduce_mean(keep)},
            monitors={'monitors/lr': lr, 'monitors/mask': tf.reduce_mean(mask),
                      'monitors/conf_weak': tf.reduce_mean(confidence),
                      'monitors/conf_strong': tf.reduce_mean(tf.reduce_max(tf.nn.softmax(logits_strong), -1))})


if __name__ == '__main__':
    train.run(UDA, dataset='cifar10.3@250-1')
