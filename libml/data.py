"""Datasets: what a model needs to know of one, and its subsets, in memory or made on demand."""

import math
import re

from libml.utils import InputError

import numpy as np

# Bytes of images in memory at a time while statistics are taken.
CHUNK = 1 << 25


class Subset:
    """Some images of a dataset: positions in arrays that are shared with its other subsets.

    Attributes:
        pixels: uint8 [N, h, w, c], all images of the arrays; or what makes them when it is indexed with positions
            (datasets.on_demand.OnDemand).
        targets: int32 [N], their labels.
        positions: int64 [n], which of them belong to this subset, in order.
        files: the TFRecord files that the arrays are of, one after the other; empty for arrays made otherwise.
    """

    def __init__(self, pixels, targets, positions, files=()):
        self.pixels = pixels
        self.targets = targets
        self.positions = np.asarray(positions, np.int64)
        self.files = tuple(files)

    def __len__(self):
        return len(self.positions)

    @property
    def images(self):
        """uint8 [n, h, w, c], a copy; or what makes slices of it when they are asked for."""
        return self.pixels[self.positions] if self.in_memory else self.pixels.at(self.positions)

    @property
    def in_memory(self):
        """Whether the images are an array."""
        return isinstance(self.pixels, np.ndarray)

    @property
    def labels(self):
        """int32 [n], a copy."""
        return self.targets[self.positions]

    def take(self, n):
        """The first n images of this subset."""
        return Subset(self.pixels, self.targets, self.positions[:n], self.files)


class DataSet:
    """What a model needs to know of a dataset, and its subsets.

    Attributes:
        name: as on the command line, `cifar10.3@250-5000`.
        labeled, unlabeled, valid, test: Subset. `unlabeled` is empty where all labels are used.
        height, width, colors, nclass: int.
        base: the name without seed and sizes, `cifar10`.
        mirror, shift: settings of its weak augmentation, whether it mirrors and how many pixels it moves at most.
        mean, std: float32 [colors], what the network's input is normalised with (0 and 1 unless whitened).
        p_unlabeled: float32 [nclass] class weights with maximum 1, or None.
        more_tests: dict name -> Subset, further test sets that a report gives the accuracy on.
        labels_known: whether the labels of all unlabelled images are true.
        class_names: tuple of nclass strings, by label; the numbers of the labels unless given.
        origin: dict of the arguments that it was loaded with, as flags name them. A run records it and is opened again
            with it.
        stored: the datasets.descriptions.Description of the test images, and `adaptation` the
            images.adaptation.Adaptation that makes `test` of what is stored; None for arrays made otherwise.
        frame: the images.framing.Frame that makes images of what `adaptation` gives, or None.
    """

    def __init__(self, name, labeled, unlabeled, valid, test, nclass, mirror, shift, whiten=False, p_unlabeled=None,
                 labels_known=True, origin=(), class_names=None):
        self.name = name
        self.base = re.match(r'\w*', name)[0]
        self.labeled = labeled
        self.unlabeled = unlabeled
        self.valid = valid
        self.test = test
        self.height, self.width, self.colors = test.pixels.shape[1:]
        self.nclass = nclass
        self.mirror = mirror
        self.shift = shift
        self.p_unlabeled = p_unlabeled
        self.labels_known = labels_known
        self.origin = dict(origin, whiten=whiten)
        self.class_names = tuple(class_names or map(str, range(nclass)))
        self.more_tests = {}
        self.stored = self.adaptation = self.frame = None
        self.mean = np.zeros(self.colors, np.float32)
        self.std = np.ones(self.colors, np.float32)
        if whiten:
            self.mean, self.std = mean_std([labeled, unlabeled])

    def with_pixels(self, function, shift):
        """The same dataset with other pictures.

        Args:
            function: uint8 [n, h, w, c] -> uint8 [n, ...]; called once for each array of pictures.
            shift: of the new dataset.
        """
        subsets = [self.labeled, self.unlabeled, self.valid, self.test]
        if not self.test.in_memory:
            raise InputError(f'{self.name}: its images are made when they are asked for, and cannot be changed here: '
                             'give neither --size nor --memory=disk')
        pixels = {id(s.pixels): s.pixels for s in subsets}
        changed = {key: function(images) for key, images in pixels.items()}
        subsets = [Subset(changed[id(s.pixels)], s.targets, s.positions, s.files) for s in subsets]
        return DataSet(self.name, *subsets, self.nclass, self.mirror, shift, self.whitened, self.p_unlabeled,
                       self.labels_known, self.origin, self.class_names)

    def check_stored(self):
        """InputError if it does not say how pictures become its images."""
        if not self.stored:
            raise InputError(f'{self.name} does not say how pictures become its images')

    @property
    def folder(self):
        """Its name in the paths of runs: `name`, and how its pictures are framed."""
        return self.name + (self.frame.text() if self.frame else '')

    @property
    def whitened(self):
        """Whether the network's input is normalised."""
        return bool(self.mean.any() or (self.std != 1).any())


def mean_std(subsets, chunk=0):
    """Mean and standard deviation per channel of images scaled to [-1, 1], exactly, from histograms of bytes.

    Returns:
        float32 [c], float32 [c].
    """
    shape = subsets[0].pixels.shape[1:]
    histogram, chunk = np.zeros([shape[-1], 256], np.int64), chunk or max(1, CHUNK // math.prod(shape))
    for subset in subsets:
        for start in range(0, len(subset), chunk):
            pixels = subset.pixels[subset.positions[start:start + chunk]]
            for channel, counts in enumerate(histogram):
                counts += np.bincount(pixels[..., channel].ravel(), minlength=256)
    values = np.arange(256) * (2. / 255) - 1
    weights = histogram / histogram.sum(1, keepdims=True)
    mean = weights @ values
    variance = (weights * np.square(values - mean[:, None])).sum(1)
    return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)
