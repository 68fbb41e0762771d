"""What the baselines of MixMatch's comparison share: labelled loss, weighted unlabelled ones, Adam, weight decay."""

from libml import adam_model, losses, schedules
from libml.augment import Views, single
from libml.hparams import Hparam

import tensorflow as tf
from easydict import EasyDict

# Entries of HPARAMS that stand in several scripts; their defaults are the scripts' own.
CONSISTENCY_WEIGHT = 'Weight of the loss on unlabelled images.'
WARMUP_POS = Hparam(0.4, 'Share of train_kimg over which the weight of the loss on unlabelled images rises from 0.')
INERT = 'Does nothing but stand in the run\'s name, as in the original.'
# What must not be negative, and what is a share.
NOT_NEGATIVE = ('beta', 'consistency_weight', 'entmin_weight', 'vat', 'vat_eps')
SHARES = ('smoothing', 'threshold', 'warmup_pos')


class BaselineModel(adam_model.AdamModel):
    """Cross entropy of labelled images plus weighted losses of unlabelled ones, which the subclass states.

    The running batch-norm statistics follow the labelled pass, whose name is `x`. (mixmatch@1011a1d, its scripts)
    """

    VIEWS = 1  # augmentations of each unlabelled image; 0: none is used.

    def resolve_params(self):
        super().resolve_params()
        self.check_range(*(name for name in NOT_NEGATIVE if name in self.params), low=0)
        self.check_range(*(name for name in SHARES if name in self.params), low=0, high=1)

    def labeled_part(self, x, onehot):
        """Images and targets of the labelled loss: [b, h, w, c], [b, C] -> the same."""
        return x, onehot

    def unlabeled_losses(self, y):
        """The losses of unlabelled images.

        Args:
            y: [b, h, w, c], or [b, VIEWS, h, w, c] where there are several views.
        Returns:
            dict: name -> (weight, scalar loss); the tag is `losses/<name>`.
        """
        raise NotImplementedError

    def ramp(self):
        """Scalar from 0 at the start to 1 after the share `warmup_pos` of training; 1 throughout if that is 0."""
        pos = self.params.warmup_pos
        return schedules.warmup_pos(self.step.read_value(), pos, self.length() if pos else 0)

    def inputs(self):
        """Placeholders over the streams.

        Returns:
            x [n, h, w, c] to evaluate, xt [b, h, w, c] (here x) to train on, y [b, ...] as for unlabeled_losses or
            None, label [b], and the EasyDict of the labelled stream.
        """
        weak = self.weak
        views = Views([weak] * self.VIEWS, self.VIEWS > 1) if self.VIEWS else None
        x, y, label, labeled = self.open_streams(single(weak), views)
        return x, tf.ensure_shape(x, labeled.image.shape), y, label, labeled

    def algorithm(self):
        p = self.params
        x, xt, y, label, _ = self.inputs()
        images, targets = self.labeled_part(xt, tf.one_hot(label, p.nclass))
        xe = tf.reduce_mean(losses.xe(self.classifier(images, training=True, name='x').logits, targets))
        parts = self.unlabeled_losses(y) if self.VIEWS else {}
        loss = xe + sum(weight * part for weight, part in parts.values())
        self.classifier(x, training=True, name='tune')  # Tuning is on images as they are, also where `x` is mixed.
        return EasyDict(
            self.classify_ops(x), x=x, y=y, label=label, loss=loss,
            train_op=self.adam(loss, 'x'),
            tune_op=self.tune_op('tune'), monitors={},
            losses={'losses/xe': xe, **{f'losses/{name}': part for name, (_, part) in parts.items()}})
