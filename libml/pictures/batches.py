"""Picture files in batches: what a network classifies."""

import concurrent.futures
import os

from libml.pictures import sources
from libml.pictures.fitting import fitted, in_colors
from libml.pictures.reading import Unreadable, read
from libml.utils import InputError

import numpy as np


def listed(places):
    """Paths of the pictures in files and folders; those of a folder, at any depth, are sorted.

    Raises:
        InputError: nothing is given, or a folder has no picture.
    """
    if not places:
        raise InputError('name a picture or a folder of pictures')
    paths = []
    for place in places:
        inside = sources.unlabeled_folder(place).paths if os.path.isdir(place) else None
        paths += [place] if inside is None else [os.path.join(place, path) for path in inside]
    return paths


def image_of(source, info):
    """uint8 [h, w, c] of a picture, made as those of a dataset with the Description `info`.

    `source` and what is raised are as for reading.read.
    """
    if not info.height:
        pixels = np.array(in_colors(read(source), info.colors))
        return pixels.reshape(*pixels.shape[:2], info.colors)
    return fitted(read(source), info.height, info.width, info.colors, info.fit)


def batches(paths, info, rows, made):
    """Reads pictures, in their order.

    Args:
        paths: list of files.
        info: a Description: height, width, colors and fit that pictures get.
        rows: pictures in a batch.
        made: function of `image_of` a picture that returns uint8 [h, w, c] of one size; several threads call it.
    Yields:
        list of paths; dict path -> why it cannot be read; uint8 [n, h, w, c] of all others, [0] of none.
    """
    def convert(path):
        try:
            return made(image_of(path, info))
        except Unreadable as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), rows):
            chunk = paths[start:start + rows]
            found = list(pool.map(convert, chunk))
            bad = {path: reason for path, reason in zip(chunk, found) if isinstance(reason, str)}
            yield chunk, bad, np.array([image for image in found if not isinstance(image, str)], np.uint8)
