"""FixMatch whose strong views are a cutout alone."""

from fixmatch import FixMatch
from libml import ctaugment, train
from libml.image_pixels import to_float


class AB_FixMatch_OnlyCutOut(FixMatch):
    """Strong views are the weak augmentation and a cutout. (The original goes on to train rates that nothing uses.)"""

    USES_CTAUGMENT = False

    def strong_view(self, images, draws):
        """float32 [b, h, w, c]: a square of half the side is grey."""
        weak = self.weak_part(self.strong_field)(images, draws.within('d'))
        return to_float(ctaugment.cutout(weak, draws.within('cutout')))


if __name__ == '__main__':
    train.run(AB_FixMatch_OnlyCutOut, dataset='cifar10.3@250-1')
