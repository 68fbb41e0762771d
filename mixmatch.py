"""MixMatch: A Holistic Approach to Semi-Supervised Learning (arXiv:1905.02249).

python mixmatch.py --dataset=cifar10.3@250-5000 --wd=0.02 --beta=0.75 --w_match=75
python mixmatch.py --dataset=cifar10.3@250-1 --recipe=fixmatch    # as in FixMatch's table
"""

from libml import layers, losses, train
from libml.augment.views import Views
from libml.hparams import Hparam
from libml.methods import adam_models

import tensorflow as tf


class MixMatch(adam_models.MixedModel):
    """Guesses the labels of unlabelled images, sharpens the guess, mixes all images, and trains on the mixture."""

    HPARAMS = dict(
        adam_models.MixedModel.HPARAMS,
        w_match=Hparam(100., 'Weight of the loss on unlabelled images.', low=0),
        T=Hparam(0.5, 'Temperature that sharpens guessed labels; 1 leaves them.', False, above=0),
        mixmode=Hparam('xxy.yxy', f'What is mixed with what: {" ".join(layers.MixMode.MODES)}.', False),
        nu=Hparam(2, 'Augmentations of each unlabelled image.', False, low=1, high=100),
        use_ema_guess=Hparam(False, 'Guess labels with the averaged weights.', False),
    )

    def guess(self, y):
        """Labels of unlabelled images: list of nu views [b, h, w, c] -> float32 [b, C], constant (eqs. 6 and 7)."""
        getter = self.ema.getter if self.params.use_ema_guess else None
        logits = [self.classifier(view, training=True, getter=getter, name=f'guess{i}').logits
                  for i, view in enumerate(y)]
        p = tf.add_n([tf.nn.softmax(z) for z in logits]) / len(logits)
        return tf.stop_gradient(layers.renorm(p ** (1 / self.params.T)))

    def views(self):
        labeled, weak, strong = self.kinds()
        others = [strong.at(f'view{i}') for i in range(1, self.params.nu)]
        return Views(labeled.at('view0'), (weak.at('view0'), *others))

    def algorithm(self):
        p = self.params
        batch = self.inputs(self.views())
        views = tf.unstack(batch.y, axis=1)
        targets = [tf.one_hot(batch.label, p.nclass)] + [self.guess(views)] * p.nu
        logits, targets = self.mixed([batch.xt] + views, targets, p.mixmode)
        l2u = tf.reduce_mean(losses.brier(tf.concat(logits[1:], 0), tf.concat(targets[1:], 0)))
        terms = {'xe': (1., tf.reduce_mean(losses.xe(logits[0], targets[0]))), 'l2u': (p.w_match * self.ramp(), l2u)}
        return self.recipe_step(batch, terms, 'mixed0', tune='mixed0')


if __name__ == '__main__':
    train.run(MixMatch)
