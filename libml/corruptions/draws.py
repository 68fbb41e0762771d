"""Random draws of numpy for many images at once, each image with draws of its own."""

from libml.draws import fold

import numpy as np


class ImageDraws:
    """Random draws for images; each is a function of (seed, name, position of the image) alone.

    Draws of one image follow each other: two calls of a method give two draws. Every method returns one array, image by
    image along axis 0.
    """

    def __init__(self, seed, name, positions):
        key = fold(seed, name) % 2 ** 64
        self.generators = [np.random.Generator(np.random.Philox(key=[key, position])) for position in positions]

    def normal(self, mean, std, shape):
        """float64 [n, *shape]."""
        return np.stack([generator.normal(mean, std, shape) for generator in self.generators])

    def uniform(self, low, high, shape):
        """float64 [n, *shape] in [low, high)."""
        return np.stack([generator.uniform(low, high, shape) for generator in self.generators])

    def integers(self, low, high, shape):
        """int64 [n, *shape], low <= value < high."""
        return np.stack([generator.integers(low, high, shape) for generator in self.generators])

    def poisson(self, mean):
        """float64 [n, ...], counts with the expectations `mean` [n, ...]."""
        return np.stack([generator.poisson(m) for generator, m in zip(self.generators, mean)]).astype(np.float64)
