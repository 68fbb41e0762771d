"""CTAugment as in ReMixMatch: labelled images under it too, several views of unlabelled ones, no cutout after it."""

from libml import cta_model

import tensorflow as tf


class ManyViews(cta_model.CTAViews):
    """A model on labelled images under learned policies, and on one weak and `strong_views` strong views of others.

    A mixin for a MultiModel that trains on the `xt`, `y` and `label` of its `inputs` with one call of its `train_op`,
    which then moves the rates, too. (remixmatch@f7061eb cta/lib/train.py)

    Attributes:
        strong_views: int.
    """

    FINAL_CUTOUT = False

    def resolve_params(self):
        super().resolve_params()
        self.strong_views = self.params.get('K', 1)

    def labeled_batch(self, images, draws):
        out = super().labeled_batch(images, draws)
        if not self.learner or self.labeled_field.strong:
            return out
        weak = self.weak_part(self.labeled_field)(images, draws.within('d'))
        return {**out, 'image': self.learner.strong(weak, draws.within('cta'), self.FINAL_CUTOUT)}

    def unlabeled_batch(self, images, draws):
        """image: float32 [b, 1 + strong_views, h, w, c], first the weak view."""
        weak = self.weak_view(images, draws.within('view0'))
        # All in one call: CTAugment's many operations are in the graph once.
        strong = self.strong_view(tf.tile(images, [self.strong_views, 1, 1, 1]), draws.within('view1'))
        return {'image': tf.stack([weak] + tf.split(strong, self.strong_views), 1)}

    def inputs(self):
        """As ViewsModel.inputs; `x` is the probes."""
        found = super().inputs()
        self.x, self.xt, _, self.label, self.labeled = found
        return found

    def train_op(self, loss, optimizer, statistics, decay=0., before=(), after=None):
        """As MultiModel.train_op, with the update of the rates."""
        averaged = self.classifier(self.x, training=False, getter=self.ema.getter).logits
        rates_before, rates_after = self.rates_update(tf.nn.softmax(averaged), self.label, self.labeled)

        def updates():
            return [op for function in (after, rates_after) if function for op in function()]

        return super().train_op(loss, optimizer, statistics, decay, [*before, *rates_before], updates)

    def algorithm(self):
        """The ops of the other base class, with `xt`; without `tune_op`: rates that stand still let no stream go on."""
        ops = super().algorithm()
        ops.pop('tune_op', None)
        ops.xt = self.xt
        return ops
