"""Models trained with Adam and decoupled weight decay: MixMatch, ReMixMatch and the baselines of their comparison.

FixMatch's code has them again, most of them with momentum: --recipe=fixmatch.
"""

from libml import data_pair, layers, losses, schedules
from libml.augment import tokens
from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.hparams import Hparam
from libml.methods import momentum_model

import tensorflow as tf

# Entries of HPARAMS that stand in several scripts; their defaults are the scripts' own.
BETA = Hparam(0.5, 'Concentration of the Beta distribution that MixUp\'s weights are drawn from; 0: no mixing.',
              low=0)
WARMUP_POS = Hparam(0.4, 'Share of train_kimg over which the weight of the loss on unlabelled images rises from 0.',
                    low=0, high=1)
CONSISTENCY_WEIGHT = Hparam(1., 'Weight of the loss on unlabelled images.', low=0)
INERT_SMOOTHING = Hparam(0.1, 'Does nothing but stand in the run\'s name, as in the original.', low=0, high=1)
RECIPES = ('mixmatch', 'fixmatch')


def is_fixmatch(params):
    """Whether hyper-parameters, a dict, name FixMatch's recipe."""
    return params.get('recipe') == 'fixmatch'


class AdamModel(momentum_model.MomentumModel):
    """A model trained with Adam at a constant rate and decoupled weight decay (mixmatch@1011a1d, its scripts), or with
    --recipe=fixmatch as in fixmatch@d4985a1.

    FIXMATCH holds what hyper-parameters are with that recipe unless they are given. Without an `lr` in it, Adam stays.
    """

    FIXMATCH = dict(augment='d.d.d', lr=0.03, wd=0.0005)
    HPARAMS = dict(
        momentum_model.MomentumModel.HPARAMS,
        augment=Hparam('', 'Augmentation of labelled.weak.strong images, or where there is a single view of unlabelled '
                       f'ones, of labelled.unlabelled ones: {tokens.CHOICES}. Unless given, the dataset\'s mirror and '
                       'shift.', False),
        lr=Hparam(0.002, 'Learning rate of Adam.', above=0),
        train_kimg=Hparam(65536, 'Length of training in kimg (1,024 labelled images); a warm-up may follow it.', False,
                          above=0),
        recipe=Hparam('mixmatch', 'mixmatch: as in MixMatch\'s and ReMixMatch\'s code. fixmatch: as in FixMatch\'s, '
                      'for its table. Unlabelled images then include the labelled ones. Unless given, --augment is '
                      'd.d.d (d.d where there is a single view), and --cta_version is fixmatch. All but ICT, Mixup and '
                      'VAT have, in place of Adam, Nesterov momentum 0.9, a rate that falls from --lr (unless given, '
                      '0.03) to 0.195 of it as a cosine, and in the loss --wd (unless given, 0.0005) times half the '
                      'sum of squares of the kernels.', False),
        wd=Hparam(0.02, 'Weight decay: every step multiplies the kernels by 1 - wd * lr.', low=0),
    )

    def own_defaults(self, params):
        return {**super().own_defaults(params), **(self.FIXMATCH if is_fixmatch(params) else {})}

    @classmethod
    def registry(cls, args):
        return data_pair.PAIR_DATASETS if is_fixmatch(args) else super().registry(args)

    def resolve_params(self):
        super().resolve_params()
        if 'recipe' in self.params:
            self.check_choice('recipe', RECIPES)

    def make_program(self):
        """That of --augment, without CTAugment; None without this flag."""
        if not self.params.get('augment'):
            return None
        return tokens.Program(self.params, self.dataset, self.FIXMATCH['augment'].count('.') + 1, cta=False)

    def kinds(self):
        """View of labelled, of weak and of strong images; unless --augment is given all are the dataset's mirror and
        shift, whose draws have no scope but the view's place."""
        if self.program:
            return self.program.labeled, self.program.weak, self.program.strong
        return (View(Weak(self.dataset.mirror, self.dataset.shift), scope=''),) * 3

    def recipe_step(self, batch, terms, statistics, monitors=None, tune=None):
        """MultiModel.train_step as --recipe says: with Adam and decoupled weight decay, or `momentum_step`.

        Args:
            tune: name of a classifier pass: `tune_op` moves the running batch-norm statistics by it. There is none
                with CTAugment: tuning leaves its rates as they are, and its streams end with an error when the rates
                are more than cta_rates.LAG batches old.
        """
        p = self.params
        if is_fixmatch(p) and 'lr' in self.FIXMATCH:
            ops = self.momentum_step(batch, terms, statistics, monitors)
        else:
            adam = tf.compat.v1.train.AdamOptimizer(p.lr)
            ops = self.train_step(batch, terms, adam, statistics, p.wd * p.lr, monitors)
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
                  for i, part in enumerate(layers.interleave(images, self.rows))]
        return layers.interleave(logits, self.rows), targets

    def ramp(self):
        """Scalar: how much of its weight a loss on unlabelled images has at this step, from 0 to 1."""
        return schedules.warmup(self.first_step(), self.params.warmup_kimg)


class BaselineModel(AdamModel):
    """Cross entropy of labelled images plus weighted losses of unlabelled ones, which the subclass states.

    The running batch-norm statistics follow the labelled pass, whose name is `x`. (mixmatch@1011a1d, its scripts)
    """

    def views(self):
        """One weak view of each image."""
        labeled, weak, _ = self.kinds()
        return Views(labeled.at('view0'), weak.at('view0'))

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
        return schedules.warmup_pos(self.first_step(), pos, self.length() if pos else 0)

    def algorithm(self):
        batch = self.inputs(self.views())
        images, targets = self.labeled_part(batch.xt, tf.one_hot(batch.label, self.params.nclass))
        xe = tf.reduce_mean(losses.xe(self.classifier(images, training=True, name='x').logits, targets))
        terms = {'xe': (1., xe), **(self.unlabeled_losses(batch.y) if batch.y is not None else {})}
        self.classifier(batch.x, training=True, name='tune')  # On images that are not mixed.
        return self.recipe_step(batch, terms, 'x', tune='tune')
