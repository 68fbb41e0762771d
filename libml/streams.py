"""Streams of batches: batch t is a pure function of (seed, t, the stream's name)."""

import contextlib
import os

from libml import memory
from libml.draws import Draws
from libml.workers.rows import Rows

import numpy as np
import tensorflow as tf
from easydict import EasyDict

# A batch is made while the one before is trained on; two more wait. More would only hold memory.
PARALLEL_BATCHES = 2
PREFETCH = 2


class Streams:
    """The streams of one graph.

    Each epoch is a fresh uniform permutation of the subset, epochs follow each other without a gap, and a batch may
    reach over the end of one. Arrays enter the graph as placeholders that are fed once, when the iterators start.
    """

    def __init__(self, seed):
        self.seed = seed
        self.first_batch = tf.compat.v1.placeholder(tf.int64, [], 'first_batch')
        self._feeds = []
        self._initializers = []
        self._on_demand = []

    def add(self, name, subset, batch, augment, own=None):
        """A new stream.

        Args:
            name: what its random draws are named after.
            subset: a Subset with at least one image.
            batch: images in a batch.
            augment: function of (uint8 [batch, h, w, c], Draws) that returns a dict of tensors.
            own: int array [k], the only rows of a batch whose images are made; all unless given. In the tensors that
                `augment` makes of k images, the other rows are nan.
        Returns:
            EasyDict of the tensors of the next batch: what `augment` returns, `label` int32 [batch], and `index`
            int32 [batch], the places of its images in the subset, from 0 to n - 1: the same in every epoch.
        Raises:
            memory.TooLarge: a batch is larger than this machine's memory.
        """
        memory.check_floats(f'the stream {name}', [batch, *subset.pixels.shape[1:]])
        n, pixels = len(subset), subset.pixels
        positions, targets = self._placeholder(subset.positions), self._placeholder(subset.targets)
        in_memory = subset.in_memory
        array = self._placeholder(pixels) if in_memory else None
        first_image = self.first_batch * batch
        rows, draws = np.arange(batch) if own is None else own, self._draws(name, batch, own)

        # Plain graph code: AutoGraph would spend seconds on translating it to itself.
        @tf.autograph.experimental.do_not_convert
        def epoch(number):
            order = Draws(self.seed, number).permutation(f'{name}/epoch', n)
            done = tf.where(tf.equal(number, first_image // n), first_image % n, 0)
            return tf.data.Dataset.from_tensor_slices(order[done:])

        @tf.autograph.experimental.do_not_convert
        def load(number, index, images=None):
            order = tf.gather(positions, tf.ensure_shape(index, [batch]))
            images = tf.gather(array, order if own is None else tf.gather(order, own)) if in_memory else images
            out = augment(images, draws(number, ''))
            out = dict(out, label=tf.gather(targets, order), index=index)
            # The static number of rows is lost in operations that draw for each image: state it again.
            return {key: tf.ensure_shape(_placed(value, own, batch), [batch, *value.shape[1:]])
                    for key, value in out.items()}

        dataset = tf.data.Dataset.range(first_image // n, tf.int64.max).flat_map(epoch)
        dataset = dataset.batch(batch, drop_remainder=True).enumerate(self.first_batch)
        if not in_memory:
            dataset = self._with_images(dataset, draws, pixels, positions, rows)
        dataset = dataset.map(load, PARALLEL_BATCHES, deterministic=True)
        iterator = tf.compat.v1.data.make_initializable_iterator(dataset.prefetch(PREFETCH).with_options(_options()))
        self._initializers.append(iterator.initializer)
        return EasyDict(iterator.get_next())

    def _draws(self, name, batch, own):
        """Function of (number of a batch, place) that gives a stream's Draws, for the rows `own` of it if not None."""
        def draws(number, place):
            found = Draws(self.seed, number, f'{name}/{place}')
            return found if own is None else Rows(found, own, batch)

        return draws

    def _with_images(self, dataset, draws, pixels, positions, rows):
        """A dataset (number, index, images) of one of (number, index): pictures of an OnDemand one by one, those of
        some rows of a batch."""
        self._on_demand.append(pixels)
        array = None if pixels.of_files else self._placeholder(pixels.contents)

        @tf.autograph.experimental.do_not_convert
        def fetch(number, index):
            order = tf.gather(positions, tf.gather(index, rows))
            frame = pixels.frame
            return pixels.rows(order, array), frame.draws(draws(number, 'frame/'), len(rows)) if frame else ()

        @tf.autograph.experimental.do_not_convert
        def make(row, drawn):
            return pixels.image(row, drawn or None)

        images = dataset.map(fetch, PARALLEL_BATCHES, deterministic=True).unbatch()
        images = images.map(make, os.cpu_count(), deterministic=True).batch(len(rows), drop_remainder=True)
        return tf.data.Dataset.zip((dataset, images)).map(lambda batch, images: (*batch, images))

    @contextlib.contextmanager
    def reading(self):
        """An InputError that names the picture in place of TensorFlow's, where a stream could not make an image."""
        try:
            yield
        except tf.errors.OpError:
            for pixels in self._on_demand:
                pixels.explain()
            raise

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


def _placed(value, own, batch):
    """What was made of some images, [k, ...], as rows `own` of [batch, ...]; what is of all images already as it is."""
    if own is None or value.shape[0] == batch:
        return value
    value = tf.ensure_shape(value, [len(own), *value.shape[1:]])
    # An algorithm that uses an image of another worker all the same is noticed at once.
    nothing = tf.fill([batch, *value.shape[1:]], tf.constant(float('nan'), value.dtype))
    return tf.tensor_scatter_nd_update(nothing, own[:, None], value)


def _options():
    """Nothing about a stream is tuned while it runs, or rewritten at its start, which takes longer than it saves."""
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return options
