"""The registry of corruptions: parameters, what an image's bytes depend on, and bad input."""

from libml.corruptions import arrays
from libml.corruptions import table as corruptions
from libml.utils import InputError

import numpy as np
import pytest


def test_names_and_tables():
    assert tuple(corruptions.CORRUPTIONS) == arrays.NAMES and len(arrays.NAMES) == 19
    assert len(arrays.BENCHMARK) == 15
    assert all(len(entry) == 6 for entry in corruptions.CORRUPTIONS.values())
    # Parameter by parameter, severity 1 to 5, of those whose tests take the parameters from the table.
    published = dict(
        glass_blur=[(.05, .25, .4, .25, .4), (1, 1, 1, 1, 1), (1, 1, 1, 2, 2)],
        motion_blur=[(6, 6, 6, 8, 9), (1, 1.5, 2, 2, 2.5)],
        snow=[(.1, .1, .15, .25, .3), (.2, .2, .3, .3, .3), (1, 1, 1.75, 2.25, 1.25), (.6, .5, .55, .6, .65),
              (8, 10, 10, 12, 14), (3, 4, 4, 6, 12), (.95, .9, .9, .85, .8)],
        elastic_transform=[(0, 1.6, 2.56, 3.2, 3.2), (0, 6.4, 1.92, 1.28, .96), (2.56, 2.24, 1.92, 1.6, .96)],
        spatter=[(.62, .65, .65, .65, .65), (.1, .1, .3, .1, .1), (.7, .8, 1, .7, .5), (.7, .7, .69, .69, .68),
                 (.5, .5, .5, .6, .6), (0, 0, 0, 1, 1)])
    for name, columns in published.items():
        assert list(corruptions.CORRUPTIONS[name][1:]) == list(zip(*columns)), name


@pytest.mark.parametrize('name', arrays.NAMES)
def test_seeds_positions_and_severities(pictures, monkeypatch, name):
    whole = {severity: corruptions.apply(name, pictures, severity, seed=3) for severity in (1, 5)}
    assert whole[5].shape == pictures.shape and whole[5].dtype == np.uint8
    # An image's bytes depend on its position only: not on the others, nor on how many are treated at once.
    monkeypatch.setattr(corruptions, 'CHUNK', 5)
    np.testing.assert_array_equal(corruptions.apply(name, pictures, 5, seed=3), whole[5])
    np.testing.assert_array_equal(corruptions.apply(name, pictures[17:18], 5, seed=3, first=17), whole[5][17:18])
    is_random = name not in ('defocus_blur', 'zoom_blur', 'brightness', 'contrast', 'pixelate', 'jpeg_compression',
                             'gaussian_blur', 'saturate')
    for other in (corruptions.apply(name, pictures, 5, seed=4), corruptions.apply(name, pictures, 5, seed=3, first=1)):
        assert (other != whole[5]).any() == is_random
        assert not is_random or (other != whole[5]).any((1, 2, 3)).mean() > 0.9
    distance = {s: np.abs(out.astype(int) - pictures).mean() for s, out in whole.items()}
    assert name == 'elastic_transform' or distance[5] > 1.2 * distance[1] > 0
    assert (whole[5] != pictures).any((1, 2, 3)).all() or name == 'spatter'


def test_bad_input(pictures):
    with pytest.raises(InputError, match="unknown corruption 'rain': choose from gaussian_noise, .*, saturate"):
        corruptions.apply('rain', pictures, 1)
    for severity in (0, 6, 2.5, '3'):
        with pytest.raises(InputError, match=f'severity {severity}: choose'):
            corruptions.apply('fog', pictures, severity)
    for images in (pictures[:, :28, :28], pictures[..., :1], pictures / 255, np.zeros([2, 96, 96, 3], np.uint8)):
        with pytest.raises(InputError, match='defined for uint8 .n, 32, 32, 3.'):
            corruptions.apply('fog', images, 1)
    assert corruptions.apply('fog', pictures[:0], 1).shape == (0, 32, 32, 3)
