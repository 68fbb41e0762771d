"""MixMatch: A Holistic Approach to Semi-Supervised Learning (arXiv:1905.02249).

python mixmatch.py --dataset=cifar10.3@250-5000 --wd=0.02 --beta=0.75 --w_match=75
"""

from libml import layers, losses, mixed_model, train
from libml.augment import Views, single
from libml.hparams import Hparam

import tensorflow as tf
from easydict import EasyDict


class MixMatch(mixed_model.MixedModel):
    """Guesses the labels of unlabelled images, sharpens the guess, mixes all images, and trains on the mixture."""

    HPARAMS = dict(
        mixed_model.MixedModel.HPARAMS,
        w_match=Hparam(100., 'Weight of the loss on unlabelled images.'),
        T=Hparam(0.5, 'Temperature that sharpens guessed labels; 1 leaves them.', False),
        mixmode=Hparam('xxy.yxy', f'What is mixed with what: {" ".join(layers.MixMode.MODES)}.', False),
        nu=Hparam(2, 'Augmentations of each unlabelled image.', False),
        use_ema_guess=Hparam(False, 'Guess labels with the averaged weights.', False),
    )

    def resolve_params(self):
        super().resolve_params()
        self.check_range('nu', low=1)
        self.check_positive('T')

    def guess(self, y):
        """Labels of unlabelled images: list of nu views [b, h, w, c] -> float32 [b, C], constant (eqs. 6 and 7)."""
        getter = self.ema.getter if self.params.use_ema_guess else None
        logits = [self.classifier(view, training=True, getter=getter, name=f'guess{i}').logits
                  for i, view in enumerate(y)]
        p = tf.add_n([tf.nn.softmax(z) for z in logits]) / len(logits)
        return tf.stop_gradient(layers.renorm(p ** (1 / self.params.T)))

    def inputs(self):
        """Placeholders over the streams.

        Returns:
            x [n, h, w, c] to evaluate, xt [b, h, w, c] (here x) and y [b, nu, h, w, c] to train on, label [b], and the
            EasyDict of the labelled stream.
        """
        weak = self.weak
        x, y, label, labeled = self.open_streams(single(weak), Views([weak] * self.params.nu))
        return x, tf.ensure_shape(x, labeled.image.shape), y, label, labeled

    def algorithm(self):
        p = self.params
        x, xt, y, label, _ = self.inputs()
        views = tf.unstack(y, axis=1)
        targets = [tf.one_hot(label, p.nclass)] + [self.guess(views)] * p.nu
        logits, targets = self.mixed([xt] + views, targets, p.mixmode)

        xe = tf.reduce_mean(losses.xe(logits[0], targets[0]))
        l2u = tf.reduce_mean(losses.brier(tf.concat(logits[1:], 0), tf.concat(targets[1:], 0)))
        loss = xe + p.w_match * self.ramp() * l2u
        return EasyDict(
            self.classify_ops(x), x=x, y=y, label=label, loss=loss, train_op=self.adam(loss, 'mixed0'),
            tune_op=self.tune_op('mixed0'), losses={'losses/xe': xe, 'losses/l2u': l2u}, monitors={})


if __name__ == '__main__':
    train.run(MixMatch)
