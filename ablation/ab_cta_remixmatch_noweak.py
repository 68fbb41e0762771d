"""ReMixMatch without a weak view: guesses are of strongly augmented images, too.

python ablation/ab_cta_remixmatch_noweak.py --dataset=cifar10.3@250-1 --K=8
"""

from libml import train
from remixmatch import ReMixMatch


class ABReMixMatchNoWeak(ReMixMatch):
    """All K + 1 views are strong; with CTAugment the run's name has ABCTAReMixMatchNoWeak, as in the original."""

    def weak_view(self, images, draws):
        """float32 [b, h, w, c]: a strong view, drawn apart from the others."""
        return self.strong_view(images, draws)


if __name__ == '__main__':
    train.run(ABReMixMatchNoWeak)
