"""The 19 corruptions of CIFAR-10-C, five severities each, made from any 32x32 colour pictures.

Benchmarking Neural Network Robustness to Common Corruptions and Perturbations (arXiv:1903.12261); parameters and
definitions are of the 32x32 sets. The published arrays were made without a seed, so arrays made here agree with
them in distribution only; frost, for which the original needs its photographs, is made by formula and not comparable.
"""

from libml.corruptions import blur, digital, noise, spatter, weather
from libml.corruptions.arrays import SHAPE, check_names, check_severities
from libml.corruptions.draws import ImageDraws
from libml.corruptions.filters import to_bytes
from libml.utils import InputError

import numpy as np

CHUNK = 500  # images corrupted at once: floats of them take 12 MB

# name -> the function and its parameters of severity 1 to 5. Lengths are pixels, values are of [0, 1].
CORRUPTIONS = dict(
    gaussian_noise=(noise.gaussian, (.04,), (.06,), (.08,), (.09,), (.10,)),
    shot_noise=(noise.shot, (500,), (250,), (100,), (75,), (50,)),
    impulse_noise=(noise.impulse, (.01,), (.02,), (.03,), (.05,), (.07,)),
    defocus_blur=(blur.defocus, (.3, .4), (.4, .5), (.5, .6), (1, .2), (1.5, .1)),
    glass_blur=(blur.glass, (.05, 1, 1), (.25, 1, 1), (.4, 1, 1), (.25, 1, 2), (.4, 1, 2)),
    motion_blur=(blur.motion, (6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    zoom_blur=(blur.zoom, (1.06,), (1.11,), (1.16,), (1.21,), (1.26,)),
    snow=(weather.snow, (.1, .2, 1, .6, 8, 3, .95), (.1, .2, 1, .5, 10, 4, .9), (.15, .3, 1.75, .55, 10, 4, .9),
          (.25, .3, 2.25, .6, 12, 6, .85), (.3, .3, 1.25, .65, 14, 12, .8)),
    frost=(weather.frost, (1, .2), (1, .3), (.9, .4), (.85, .4), (.75, .45)),
    fog=(weather.fog, (.2, 3), (.5, 3), (.75, 2.5), (1, 2), (1.5, 1.75)),
    brightness=(digital.brightness, (.05,), (.1,), (.15,), (.2,), (.3,)),
    contrast=(digital.contrast, (.75,), (.5,), (.4,), (.3,), (.15,)),
    elastic_transform=(digital.elastic, (0, 0, 2.56), (1.6, 6.4, 2.24), (2.56, 1.92, 1.92), (3.2, 1.28, 1.6),
                       (3.2, .96, .96)),
    pixelate=(digital.pixelate, (30,), (28,), (27,), (24,), (20,)),
    jpeg_compression=(digital.jpeg, (80,), (65,), (58,), (50,), (40,)),
    speckle_noise=(noise.speckle, (.06,), (.1,), (.12,), (.16,), (.2,)),
    gaussian_blur=(blur.gaussian, (.4,), (.6,), (.7,), (.8,), (1,)),
    spatter=(spatter.spatter, (.62, .1, .7, .7, .5, False), (.65, .1, .8, .7, .5, False),
             (.65, .3, 1, .69, .5, False), (.65, .1, .7, .69, .6, True), (.65, .1, .5, .68, .6, True)),
    saturate=(digital.saturate, (.3, 0), (.1, 0), (1.5, 0), (2, .1), (2.5, .2)),
)


def apply(name, images, severity, seed=0, first=0):
    """Images under one corruption.

    What happens to an image is a function of (seed, name, severity, its position): not of the others.

    Args:
        name: a key of CORRUPTIONS.
        images: uint8 [n, 32, 32, 3] (enlarge.to_32_color makes them from smaller or grey ones).
        severity: 1 to 5.
        seed: int.
        first: position of the first image in its set; the others follow.
    Returns:
        uint8 [n, 32, 32, 3].
    Raises:
        InputError: an unknown name or severity, or images of another shape.
    """
    check_names([name])
    check_severities([severity])
    if images.dtype != np.uint8 or images.shape[1:] != SHAPE:
        raise InputError(f'images {images.dtype} {list(images.shape)}: corruptions are defined for uint8 '
                         '[n, 32, 32, 3]')
    function, *parameters = CORRUPTIONS[name]
    out = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        chunk = images[start:start + CHUNK]
        positions = range(first + start, first + start + len(chunk))
        x = function(chunk, ImageDraws(seed, f'{name}/{severity}', positions), *parameters[severity - 1])
        out[start:start + CHUNK] = x if x.dtype == np.uint8 else to_bytes(x)
    return out
