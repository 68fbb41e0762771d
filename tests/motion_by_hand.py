"""Motion by hand."""

import math

import numpy as np


def loop_motion(image, degrees, radius, sigma):
    weights = [math.exp(-i * i / (2 * sigma ** 2)) for i in range(2 * radius + 1)]
    out = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        dx = math.ceil(i * math.cos(math.radians(degrees)) - 0.5)
        dy = math.ceil(i * math.sin(math.radians(degrees)) - 0.5)
        for y in range(32):
            for x in range(32):
                out[y, x] += weight / sum(weights) * image[min(max(y + dy, 0), 31), min(max(x + dx, 0), 31)]
    return out
