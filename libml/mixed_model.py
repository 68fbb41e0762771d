"""What MixMatch and ReMixMatch share: training on mixtures of labelled and unlabelled images, with Adam."""

from libml import adam_model, layers, schedules
from libml.hparams import Hparam


class MixedModel(adam_model.AdamModel):
    """An AdamModel on mixtures of labelled images and several views of unlabelled ones with guessed labels."""

    HPARAMS = dict(
        adam_model.AdamModel.HPARAMS,
        beta=adam_model.BETA,
        warmup_kimg=Hparam(1024, 'kimg over which the weight of the loss on unlabelled images rises from 0.', False),
    )

    def resolve_params(self):
        super().resolve_params()
        self.check_range('beta', low=0)

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
