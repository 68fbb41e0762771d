"""What MixMatch and ReMixMatch share: training on mixtures of labelled and unlabelled images, with Adam."""

import tensorflow as tf

from libml import layers, models, schedules


class MixedModel(models.MultiModel):
    """A MultiModel on mixtures of labelled images and several views of unlabelled ones with guessed labels."""

    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=(0.002, 'Learning rate of Adam.'),
        train_kimg=(65536, 'Length of training in kimg (1,024 images).', False),
        wd=(0.02, 'Weight decay: every step multiplies the kernels by 1 - wd * lr.'),
        beta=(0.5, 'Concentration of the Beta distribution that MixUp\'s weights are drawn from; 0: no mixing.'),
        warmup_kimg=(1024, 'kimg over which the weight of the loss on unlabelled images rises from 0.', False),
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

    def adam(self, loss, statistics, before=(), after=None):
        """train_op with Adam and weight decay."""
        p = self.params
        return self.train_op(loss, tf.compat.v1.train.AdamOptimizer(p.lr), statistics, p.wd * p.lr, before, after)
