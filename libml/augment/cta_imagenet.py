"""CTAugment of FixMatch's ImageNet code: other operations, no cutout, rates that follow the mean of a batch.

(google-research/fixmatch@d4985a1 imagenet/augment/ct_augment.py and augment_ops.py.) Every operation has one strength
in 15 bins, also the one that does nothing. Its confidence_threshold is --ath=0.85. Changed: degrees and pixels are
whole; the largest translation is 100 pixels of a side of 224, and in proportion of another.
"""

from libml.augment import ctaugment
from libml.augment.randaugment_imagenet import GREY, PROBABILITY, pixels, threshold
from libml.images.pixels import to_float

import tensorflow as tf

BINS = 15
# The smallest rate that counts, and what the weight of every bin is raised by.
EPSILON = 0.001


def _rest(p, height, width, center):
    # Kept from the original: a strength of 0 is the full effect, and 1 the picture as it was.
    return [1 - p[:, 0]]


def _corner(p, height, width, center):
    return [tf.cast(0.25 * p[:, 0] * size, tf.int32) for size in (width, height)]


def _with_grey(arguments):
    """The same arguments, then the byte of empty pixels."""
    def function(p, height, width, center):
        return [*arguments(p, height, width, center), GREY]

    return function


def _threshold(p, height, width, center):
    return [threshold(tf.cast(256 * p[:, 0], tf.int32))]


def _addition(p, height, width, center):
    return [tf.cast(110 * p[:, 0], tf.int32)]


def _columns(p, height, width, center):
    return [pixels(2 * p[:, 0] - 1, width), GREY]


def _rows(p, height, width, center):
    return [pixels(2 * p[:, 0] - 1, height), GREY]


# What differs from the operations of ctaugment.py: (image operation, arguments).
OTHERS = dict(
    {name: (name, _rest) for name in ('autocontrast', 'equalize', 'invert')},
    **{name: (name, _with_grey(ctaugment.OPERATIONS[name].arguments)) for name in ('rotate', 'shear_x', 'shear_y')},
    rescale=('crop_corner', _corner), solarize=('solarize', _threshold), solarize_add=('solarize_add', _addition),
    translate_x=('translate_x', _columns), translate_y=('translate_y', _rows))


def _operation(name):
    same = ctaugment.OPERATIONS.get(name)
    image_op, arguments = OTHERS.get(name) or (same.image_op, same.arguments)
    return ctaugment.Operation(image_op, (BINS,), arguments)


# In the order of the original.
NAMES = ('autocontrast', 'blur', 'brightness', 'color', 'contrast', 'equalize', 'invert', 'identity', 'posterize',
         'rescale', 'rotate', 'sharpness', 'shear_x', 'shear_y', 'smooth', 'solarize', 'solarize_add', 'translate_x',
         'translate_y')


class ImageNetCTAugment(ctaugment.CTAugment):
    """A CTAugment of these operations; each operation of a strong view is applied half of the time, those of probes
    always."""

    LAYOUT = ctaugment.Layout({name: _operation(name) for name in NAMES})
    SEGMENTS = LAYOUT.bins
    EDGE = 1

    @property
    def name(self):
        """Component of the path of a run: FixMatch's with a suffix."""
        return f'{super().name}_imagenet'

    def strong(self, images, rates, draws, final_cutout=True):
        """As CTAugment.strong; never with a cutout, whatever `final_cutout` is."""
        policy = self.sample(draws, tf.shape(images)[0], rates)
        skip = draws.uniform('apply', tf.shape(policy.ops)) >= PROBABILITY
        ops = tf.where(skip, self.LAYOUT.names.index('identity'), policy.ops)
        return to_float(self.apply(images, policy._replace(ops=ops), draws))

    def update(self, rates, policy, proximity):
        """The rates after a batch of probes: r + (1 - decay) (mean of a bin's proximity - r); see CTAugment.update."""
        cells, proximity = self.observed(policy, proximity)
        sums, hits = self.per_cell(proximity, cells)
        rates = tf.cast(rates, tf.float64)
        return tf.cast(rates + (1 - self.decay) * tf.math.divide_no_nan(sums - hits * rates, hits), tf.float32)

    def weights(self, rates):
        rates = tf.maximum(tf.cast(rates, tf.float32), EPSILON)
        weights = rates / tf.reduce_max(rates, 1, keepdims=True)
        return tf.where(weights < self.th, 0., weights)

    def segments(self, rates):
        return self.weights(rates) + EPSILON
