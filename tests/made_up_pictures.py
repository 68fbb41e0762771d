"""Folders of pictures that no camera took."""

import numpy as np
from PIL import Image


def pictures(folder, *paths, seed=0, size=(12, 10)):
    """Pictures of noise, all different, in files below a folder (which is made); returns the folder as a text."""
    random = np.random.RandomState(seed)
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.randint(0, 256, [*size, 3]).astype(np.uint8)).save(folder / path)
    return str(folder)
