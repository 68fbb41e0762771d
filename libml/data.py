"""Datasets in memory and the streams of batches that are drawn from them."""

import re

from libml.augment import Weak
from libml.draws import Draws

import numpy as np
import tensorflow as tf
from easydict import EasyDict

# A batch is made while the one before is trained on; two more wait. More would only hold memory.
PARALLEL_BATCHES = 2
PREFETCH = 2


class Subset:
    """Some images of a dataset: positions in arrays that are shared with its other subsets.

    Attributes:
        pixels: uint8 [N, h, w, c], all images of the arrays.
        targets: int32 [N], their labels.
        positions: int64 [n], which of them belong to this subset, in order.
    """

    def __init__(self, pixels, targets, positions):
        self.pixels = pixels
        self.targets = targets
        self.positions = np.asarray(positions, np.int64)

    def __len__(self):
        return len(self.positions)

    @property
    def images(self):
        """uint8 [n, h, w, c], a copy."""
        return self.pixels[self.positions]

    @property
    def labels(self):
        """int32 [n], a copy."""
        return self.targets[self.positions]

    def take(self, n):
        """The first n images of this subset."""
        return Subset(self.pixels, self.targets, self.positions[:n])


class DataSet:
    """A dataset in memory: what a model needs to know of it, and its subsets.

    Attributes:
        name: as on the command line, `cifar10.3@250-5000`.
        labeled, unlabeled, valid, test: Subset. `unlabeled` is empty where all labels are used.
        height, width, colors, nclass: int.
        base: the name without seed and sizes, `cifar10`.
        weak: the weak augmentation of its images, a function of (uint8 [b, h, w, c], Draws).
        mean, std: float32 [colors], what the network's input is normalised with (0 and 1 unless whitened).
        p_unlabeled: float32 [nclass] class weights with maximum 1, or None.
        more_tests: dict name -> Subset, further test sets that a report gives the accuracy on.
        labels_known: whether the labels of all unlabelled images are true.
    """

    def __init__(self, name, labeled, unlabeled, valid, test, nclass, mirror, shift, whiten=False, p_unlabeled=None,
                 labels_known=True):
        self.name = name
        self.base = re.match(r'\w*', name)[0]
        self.labeled = labeled
        self.unlabeled = unlabeled
        self.valid = valid
        self.test = test
        self.height, self.width, self.colors = test.pixels.shape[1:]
        self.nclass = nclass
        self.weak = Weak(mirror, shift)
        self.p_unlabeled = p_unlabeled
        self.labels_known = labels_known
        self.more_tests = {}
        self.mean = np.zeros(self.colors, np.float32)
        self.std = np.ones(self.colors, np.float32)
        if whiten:
            self.mean, self.std = mean_std([labeled, unlabeled])

    @property
    def whitened(self):
        """Whether the network's input is normalised."""
        return bool(self.mean.any() or (self.std != 1).any())


def mean_std(subsets, chunk=8192):
    """Mean and standard deviation per channel of images scaled to [-1, 1], exactly, from histograms of bytes.

    Returns:
        float32 [c], float32 [c].
    """
    histogram = np.zeros([subsets[0].pixels.shape[-1], 256], np.int64)
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


class Streams:
    """The streams of one graph. Batch t of a stream is a pure function of (seed, t, the stream's name).

    Each epoch is a fresh uniform permutation of the subset, epochs follow each other without a gap, and a batch may
    reach over the end of one. Arrays enter the graph as placeholders that are fed once, when the iterators start.
    """

    def __init__(self, seed):
        self.seed = seed
        self.first_batch = tf.compat.v1.placeholder(tf.int64, [], 'first_batch')
        self._feeds = []
        self._initializers = []

    def add(self, name, subset, batch, augment):
        """A new stream.

        Args:
            name: what its random draws are named after.
            subset: a Subset with at least one image.
            batch: images in a batch.
            augment: function of (uint8 [batch, h, w, c], Draws) that returns a dict of tensors.
        Returns:
            EasyDict of the tensors of the next batch: those of `augment`, and `label` int32 [batch].
        """
        pixels, targets = self._placeholder(subset.pixels), self._placeholder(subset.targets)
        positions = self._placeholder(subset.positions)
        n = len(subset)

        # Plain graph code: AutoGraph would spend seconds on translating it to itself.
        @tf.autograph.experimental.do_not_convert
        def epoch(number):
            return tf.data.Dataset.from_tensor_slices(Draws(self.seed, number).permutation(f'{name}/epoch', n))

        @tf.autograph.experimental.do_not_convert
        def load(number, order):
            order = tf.gather(positions, tf.ensure_shape(order, [batch]))
            out = augment(tf.gather(pixels, order), Draws(self.seed, number, f'{name}/'))
            out = dict(out, label=tf.gather(targets, order))
            # Operations on the images that drew them lose sight of how many there are in all.
            return {key: tf.ensure_shape(value, [batch, *value.shape[1:]]) for key, value in out.items()}

        first_image = self.first_batch * batch
        dataset = tf.data.Dataset.range(first_image // n, tf.int64.max).flat_map(epoch)
        dataset = dataset.skip(first_image % n).batch(batch, drop_remainder=True)
        dataset = dataset.enumerate(self.first_batch).map(load, PARALLEL_BATCHES, deterministic=True)
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset.prefetch(PREFETCH).with_options(_options()))
        self._initializers.append(iterator.initializer)
        return EasyDict(iterator.get_next())

    def start(self, session, first_batch):
        """Sets all streams of this graph so that their next batch is number `first_batch`."""
        feed = {placeholder: array for array, placeholder in self._feeds}
        session.run(self._initializers, {**feed, self.first_batch: first_batch})

    def _placeholder(self, array):
        """The placeholder that `array` is fed to: one for each array, however many streams use it."""
        for known, placeholder in self._feeds:
            if known is array:
                return placeholder
        placeholder = tf.compat.v1.placeholder(array.dtype, array.shape)
        self._feeds.append((array, placeholder))
        return placeholder


def _options():
    """Nothing about a stream is left to run-time tuning."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return options
