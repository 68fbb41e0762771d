"""What the baselines of MixMatch's comparison share: labelled loss, weighted unlabelled ones, Adam, weight decay."""

import math

import tensorflow as tf
from easydict import EasyDict

from libml import losses, models, schedules
from libml.augment import Views, single
from libml.utils import InputError

# Entries of HPARAMS that stand in several scripts; their defaults are the scripts' own.
CONSISTENCY_WEIGHT = 'Weight of the loss on unlabelled images.'
WARMUP_POS = (0.4, 'Share of train_kimg over which the weight of the loss on unlabelled images rises from 0.')
BETA = (0.5, 'Concentration of the Beta distribution that MixUp\'s weights are drawn from; 0: no mixing.')
INERT = 'Does nothing but stand in the run\'s name, as in the original.'
# Smallest and largest value of those that have them.
RANGES = dict(beta=(0, math.inf), consistency_weight=(0, math.inf), entmin_weight=(0, math.inf), smoothing=(0, 1),
              threshold=(0, 1), vat=(0, math.inf), vat_eps=(0, math.inf), warmup_pos=(0, 1))


class BaselineModel(models.MultiModel):
    """Cross entropy of labelled images plus weighted losses of unlabelled ones, which the subclass states.

    The running batch-norm statistics follow the labelled pass, whose name is `x`. (mixmatch@1011a1d, its scripts)
    """

    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=(0.002, 'Learning rate of Adam.'),
        train_kimg=(65536, 'Length of training in kimg (1,024 labelled images); a warm-up follows it.', False),
        wd=(0.02, 'Weight decay: every step multiplies the kernels by 1 - wd * lr.'),
    )
    VIEWS = 1  # augmentations of each unlabelled image; 0: none is used.

    def resolve_params(self):
        super().resolve_params()
        for name, (low, high) in RANGES.items():
            value = self.params.get(name, low)
            if not low <= value <= high or math.isinf(value):
                right = f'a number from {low} to {high}' if math.isfinite(high) else f'a number of at least {low}'
                raise InputError(f'--{name}={value}: give {right}')

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
        """Scalar from 0 at the start to 1 after the share `warmup_pos` of training. Makes train_kimg shape training."""
        p = self.params
        self.length_shapes = p.warmup_pos > 0
        return schedules.warmup_pos(self.step.read_value(), p.warmup_pos, p.train_kimg)

    def inputs(self):
        """Placeholders over the streams.

        Returns:
            x [n, h, w, c] to evaluate, xt [b, h, w, c] (here x) to train on, y [b, ...] as for unlabeled_losses or
            None, label [b], and the EasyDict of the labelled stream.
        """
        weak = self.dataset.weak
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
            train_op=self.train_op(loss, tf.compat.v1.train.AdamOptimizer(p.lr), 'x', p.wd * p.lr),
            tune_op=self.tune_op('tune'), monitors={},
            losses={'losses/xe': xe, **{f'losses/{name}': part for name, (_, part) in parts.items()}})
