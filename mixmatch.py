"""MixMatch: A Holistic Approach to Semi-Supervised Learning (arXiv:1905.02249).

python mixmatch.py --dataset=cifar10.3@250-5000 --wd=0.02 --beta=0.75 --w_match=75
"""

# libml comes before TensorFlow: it sets its log level.
from libml import layers, losses, models, schedules, train
from libml.augment import Views, single
from libml.utils import InputError

import tensorflow as tf
from easydict import EasyDict


class MixMatch(models.MultiModel):
    """Guesses the labels of unlabelled images, sharpens the guess, mixes all images, and trains on the mixture."""

    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=(0.002, 'Learning rate of Adam.'),
        train_kimg=(65536, 'Length of training in kimg (1,024 images).', False),
        wd=(0.02, 'Weight decay: every step multiplies the kernels by 1 - wd * lr.'),
        beta=(0.5, 'Concentration of the Beta distribution that MixUp\'s weights are drawn from; 0: no mixing.'),
        w_match=(100., 'Weight of the loss on unlabelled images.'),
        T=(0.5, 'Temperature that sharpens guessed labels; 1 leaves them.', False),
        mixmode=('xxy.yxy', f'What is mixed with what: {" ".join(layers.MixMode.MODES)}.', False),
        nu=(2, 'Augmentations of each unlabelled image.', False),
        warmup_kimg=(1024, 'kimg over which the weight of the loss on unlabelled images rises from 0.', False),
        use_ema_guess=(False, 'Guess labels with the averaged weights.', False),
    )

    def resolve_params(self):
        super().resolve_params()
        if self.params.nu < 1:
            raise InputError(f'--nu={self.params.nu}: at least 1 augmentation is needed')
        if self.params.T <= 0:
            raise InputError(f'--T={self.params.T}: a temperature is larger than 0')

    def guess(self, y):
        """Labels of unlabelled images: list of nu views [b, h, w, c] -> float32 [b, C], constant (eqs. 6 and 7)."""
        getter = self.ema.getter if self.params.use_ema_guess else None
        logits = [self.classifier(view, training=True, getter=getter, name=f'guess{i}').logits
                  for i, view in enumerate(y)]
        p = tf.add_n([tf.nn.softmax(z) for z in logits]) / len(logits)
        return tf.stop_gradient(layers.renorm(p ** (1 / self.params.T)))

    def algorithm(self):
        p, data = self.params, self.dataset
        labeled = self.stream('labeled', data.labeled, single(data.weak))
        unlabeled = self.stream('unlabeled', data.unlabeled, Views([data.weak] * p.nu))
        x, y, label = self.placeholders(labeled.image, unlabeled.image, labeled.label)

        views = tf.unstack(tf.ensure_shape(y, unlabeled.image.shape), axis=1)
        onehot = tf.one_hot(tf.ensure_shape(label, [p.batch]), p.nclass)
        images, targets = layers.MixMode(p.mixmode)(
            [tf.ensure_shape(x, labeled.image.shape)] + views, [onehot] + [self.guess(views)] * p.nu,
            [p.beta, p.beta], self.draws.within('mixmode'))
        logits = [self.classifier(part, training=True, name=f'mixed{i}').logits
                  for i, part in enumerate(layers.interleave(images, p.batch))]
        logits = layers.interleave(logits, p.batch)

        xe = tf.reduce_mean(losses.xe(logits[0], targets[0]))
        l2u = tf.reduce_mean(losses.brier(tf.concat(logits[1:], 0), tf.concat(targets[1:], 0)))
        loss = xe + p.w_match * schedules.warmup(self.step.read_value(), p.warmup_kimg) * l2u
        return EasyDict(
            self.classify_ops(x), x=x, y=y, label=label, loss=loss,
            train_op=self.train_op(loss, tf.compat.v1.train.AdamOptimizer(p.lr), 'mixed0', p.wd * p.lr),
            tune_op=self.tune_op('mixed0'), losses={'losses/xe': xe, 'losses/l2u': l2u}, monitors={})


if __name__ == '__main__':
    train.run(MixMatch)
