"""Models trained with Adam and decoupled weight decay: MixMatch, ReMixMatch and the baselines of their comparison."""

from libml import layers, losses, models, schedules
from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.hparams import Hparam

import tensorflow as tf

# Entries of HPARAMS that stand in several scripts; their defaults are the scripts' own.
BETA = Hparam(0.5, 'Concentration of the Beta distribution that MixUp\'s weights are drawn from; 0: no mixing.',
              low=0)
WARMUP_POS = Hparam(0.4, 'Share of train_kimg over which the weight of the loss on unlabelled images rises from 0.',
                    low=0, high=1)
CONSISTENCY_WEIGHT = Hparam(1., 'Weight of the loss on unlabelled images.', low=0)
INERT_SMOOTHING = Hparam(0.1, 'Does nothing but stand in the run\'s name, as in the original.', low=0, high=1)


class AdamModel(models.MultiModel):
    """A MultiModel trained with Adam at a constant rate and decoupled weight decay. (mixmatch@1011a1d, its scripts)"""

    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=Hparam(0.002, 'Learning rate of Adam.', above=0),
        train_kimg=Hparam(65536, 'Length of training in kimg (1,024 labelled images); a warm-up may follow it.', False,
                          above=0),
        wd=Hparam(0.02, 'Weight decay: every step multiplies the kernels by 1 - wd * lr.', low=0),
    )

    def weak_view(self):
        """View: the dataset's mirror and shift. Its draws have no scope but the view's place."""
        return View(Weak(self.dataset.mirror, self.dataset.shift), scope='')

    def adam_step(self, batch, terms, statistics, monitors=None, tune=None):
        """MultiModel.train_step with Adam and weight decay.

        Args:
            tune: name of a classifier pass: `tune_op` moves the running batch-norm statistics by it. There is none
                with CTAugment: tuning leaves its rates as they are, and its streams end with an error when the rates
                are more than cta_rates.LAG batches old.
        """
        p = self.params
        ops = self.train_step(batch, terms, tf.compat.v1.train.AdamOptimizer(p.lr), statistics, p.wd * p.lr, monitors)
        if tune and not self.learner:
            ops.tune_op = self.tune_op(tune)
        return ops


class MixedModel(AdamModel):
    """An AdamModel on mixtures of labelled images and several views of unlabelled ones with guessed labels."""

    HPARAMS = dict(
        AdamModel.HPARAMS,
        beta=BETA,
        warmup_kimg=Hparam(1024, 'kimg over which the weight of the loss on unlabelled images rises from 0.', False,
                           low=0),
    )

    def mixed(self, images, targets, mode='xxy.yxy'):
        """Mixes images and targets, and classifies the interleaved mixtures in passes named mixed0, mixed1 ...

        Args:
            images: the labelled ones, then each view of the unlabelled ones: list of [b, h, w, c].
            targets: theirs, list of [b, C].
            mode: one of layers.MixMode.MODES.
        Returns:
            logits and targets of the mixtures in the order of `images`, lists of [b, C].
        """
        p = self.params
        images, targets = layers.MixMode(mode)(images, targets, [p.beta, p.beta], self.draws.within('mixmode'))
        logits = [self.classifier(part, training=True, name=f'mixed{i}').logits
                  for i, part in enumerate(layers.interleave(images, p.batch))]
        return layers.interleave(logits, p.batch), targets

    def ramp(self):
        """Scalar: how much of its weight a loss on unlabelled images has at this step, from 0 to 1."""
        return schedules.warmup(self.step.read_value(), self.params.warmup_kimg)


class BaselineModel(AdamModel):
    """Cross entropy of labelled images plus weighted losses of unlabelled ones, which the subclass states.

    The running batch-norm statistics follow the labelled pass, whose name is `x`. (mixmatch@1011a1d, its scripts)
    """

    def views(self):
        """One weak view of each image."""
        weak = self.weak_view().at('view0')
        return Views(weak, weak)

    def labeled_part(self, x, onehot):
        """Images and targets of the labelled loss: [b, h, w, c], [b, C] -> the same."""
        return x, onehot

    def unlabeled_losses(self, y):
        """The losses of unlabelled images.

        Args:
            y: [b, h, w, c], or [b, views, h, w, c] where there are several views.
        Returns:
            terms of MultiModel.train_step.
        """
        raise NotImplementedError

    def ramp(self):
        """Scalar from 0 at the start to 1 after the share `warmup_pos` of training; 1 throughout if that is 0."""
        pos = self.params.warmup_pos
        return schedules.warmup_pos(self.step.read_value(), pos, self.length() if pos else 0)

    def algorithm(self):
        batch = self.inputs(self.views())
        images, targets = self.labeled_part(batch.xt, tf.one_hot(batch.label, self.params.nclass))
        xe = tf.reduce_mean(losses.xe(self.classifier(images, training=True, name='x').logits, targets))
        terms = {'xe': (1., xe), **(self.unlabeled_losses(batch.y) if batch.y is not None else {})}
        self.classifier(batch.x, training=True, name='tune')  # On images that are not mixed.
        return self.adam_step(batch, terms, 'x', tune='tune')
