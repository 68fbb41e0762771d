"""AdaMatch without random logit interpolation."""

from adamatch import AdaMatch
from libml import train


class AdaMatchNoLogitReg(AdaMatch):
    """The logits of labelled images are those beside the unlabelled ones; there is no second pass."""

    def interpolated(self, batch, joint):
        return joint, {}


if __name__ == '__main__':
    train.run(AdaMatchNoLogitReg)
