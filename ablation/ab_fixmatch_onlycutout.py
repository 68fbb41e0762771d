"""FixMatch whose strong views are a cutout alone."""

import dataclasses
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from fixmatch import FixMatch
from libml import train
from libml.augment import ctaugment, tokens
from libml.augment.views import View
from libml.images.pixels import to_float


def only_cutout(images, draws):
    """uint8 [b, h, w, c], Draws -> float32 in [-1, 1]: a square of half the side is grey."""
    return to_float(ctaugment.cutout(images, draws))


class AB_FixMatch_OnlyCutOut(FixMatch):
    """Strong views are the weak augmentation and a cutout. (The original also trains rates that nothing uses.)"""

    def make_program(self):
        return tokens.Program(self.params, self.dataset, cta=False)

    def views(self):
        views = super().views()
        strong = View(self.program.strong.weak, only_cutout, name='cutout')
        return dataclasses.replace(views, unlabeled=(views.unlabeled[0], strong.at('view1')))


if __name__ == '__main__':
    train.run(AB_FixMatch_OnlyCutOut, dataset='cifar10.3@250-1')
