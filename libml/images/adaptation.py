"""How pictures at the size of a dataset's files become the images of its arrays, which a network takes."""

import typing

from libml.images.enlarge import enlarge

import numpy as np


class Adaptation(typing.NamedTuple):
    """A border of zeros, then an enlargement, then colours; a function of arrays of pictures.

    Attributes:
        border: zeros ((above, below), (left, right)).
        side: height and width after a bicubic enlargement (libml/images/enlarge.py); 0: there is none.
        colors: 3 makes three equal channels of grey; 0 and the pictures' own number leave them.
    """

    border: tuple = ((0, 0), (0, 0))
    side: int = 0
    colors: int = 0

    def __call__(self, images):
        """uint8 [n, h, w, c] -> uint8 [n, H, W, C]; without a copy where nothing changes."""
        if any(map(any, self.border)):
            images = np.pad(images, [(0, 0), *self.border, (0, 0)])
        if self.side:
            images = enlarge(images, self.side)
        return images.repeat(self.colors, 3) if self.colors > images.shape[3] else images
