"""CTAugment: image operations whose strengths are drawn in proportion to how well the network copes with them.

A policy gives every image `depth` operations with parameters in [0, 1]. The range of each parameter is cut into bins,
and each bin has a rate: a moving average of how much probability the network gave to the true class of images that
were distorted with a parameter from this bin (Berthelot et al. 2020, ReMixMatch, section 3.2; FixMatch, appendix;
google-research/fixmatch libml/ctaugment.py @d4985a1).
"""

import collections
import dataclasses
import functools
import operator

from libml.images import operations
from libml.images.pixels import to_float

import numpy as np
import tensorflow as tf

# Operations per image: each is a part of the graph, which would else be built for ever.
DEEPEST = 100

# ops: int32 [b, depth], indices of OPERATIONS. params: float64 [b, depth, 2] in [0, 1], of which an operation uses
# the first one or both or none; float32 would put some of them on the other side of a threshold.
Policy = collections.namedtuple('Policy', 'ops params')

# image_op: name in operations.OPERATIONS. bins: how many, one number for each parameter. arguments: function of
# (parameters float64 [m, 2], height, width, center) -> list of the arguments [m] of it.
Operation = collections.namedtuple('Operation', 'image_op bins arguments')


def _nothing(p, height, width, center):
    return []


def _amount(p, height, width, center):
    return [p[:, 0]]


def _factor(p, height, width, center):
    return [0.1 + 1.9 * p[:, 0]]


def _square(p, height, width, center):
    return [1 + _int(0.499 * p[:, 0] * min(height, width)), *center]


def _bits(p, height, width, center):
    return [1 + _int(7.999 * p[:, 0])]


def _crop_and_method(p, height, width, center):
    # Crops are fractions of the size (unlike translations below). tf.round is half to even, as in Image.crop.
    return [_int(tf.round(0.25 * p[:, 0] * size)) for size in (width, height)] + [_int(5.99 * p[:, 1])]


def _degrees(p, height, width, center):
    return [_int(tf.round(45 * (2 * p[:, 0] - 1)))]


def _slope(p, height, width, center):
    return [0.3 * (2 * p[:, 0] - 1)]


def _threshold(p, height, width, center):
    return [_int(255.999 * p[:, 0])]


def _int(value):
    return tf.cast(value, tf.int32)


# In the order of the original. Kept from it: translations go by 0.3 (2p - 1) of one pixel, not of the width, so the
# nearest pixel is always the same one, and they are drawn, credited and printed like the others but do nothing.
OPERATIONS = {
    'autocontrast': Operation('autocontrast', (17,), _amount),
    'blur': Operation('blur', (17,), _amount),
    'brightness': Operation('brightness', (17,), _factor),
    'color': Operation('color', (17,), _factor),
    'contrast': Operation('contrast', (17,), _factor),
    'cutout': Operation('cutout', (17,), _square),
    'equalize': Operation('equalize', (17,), _amount),
    'invert': Operation('invert', (17,), _amount),
    'identity': Operation('identity', (), _nothing),
    'posterize': Operation('posterize', (8,), _bits),
    'rescale': Operation('rescale', (17, 6), _crop_and_method),
    'rotate': Operation('rotate', (17,), _degrees),
    'sharpness': Operation('sharpness', (17,), _factor),
    'shear_x': Operation('shear_x', (17,), _slope),
    'shear_y': Operation('shear_y', (17,), _slope),
    'smooth': Operation('smooth', (17,), _amount),
    'solarize': Operation('solarize', (17,), _threshold),
    'translate_x': Operation('identity', (17,), _nothing),
    'translate_y': Operation('identity', (17,), _nothing),
}


class Layout:
    """Operations, and where their rates are: one row of bins for each parameter.

    Attributes:
        operations: dict name -> Operation.
        names: tuple of their names, which Policy.ops counts.
        rows: tuple of the (operation, index of the parameter) of each row.
        bins: int32 [rows], how many bins each row has.
        row_of: int32 [operations, 2], the row of each parameter, -1 where there is none.
        mask: bool [rows, bins], true where a row has a bin; [19, 17] of OPERATIONS.
    """

    def __init__(self, operations):
        self.operations = operations
        self.names = tuple(operations)
        self.rows = tuple((name, k) for name, operation in operations.items() for k in range(len(operation.bins)))
        self.bins = np.array([operations[name].bins[k] for name, k in self.rows], np.int32)
        self.row_of = np.array([[self.rows.index((name, k)) if (name, k) in self.rows else -1 for k in range(2)]
                                for name in self.names], np.int32)
        self.mask = np.arange(self.bins.max()) < self.bins[:, None]

    def initial_rates(self):
        """float32 [rows, bins]: 1 for every bin, 0 where a row has fewer bins."""
        return self.mask.astype(np.float32)


LAYOUT = Layout(OPERATIONS)


def cutout(images, draws):
    """A square of half the shorter side around a uniform centre becomes byte 127: uint8 [b, h, w, c] -> the same."""
    height, width = images.shape[1:3]
    full = tf.ones([tf.shape(images)[0], 2], tf.float64)
    center = _center(images, draws, 'cutout')
    return operations.OPERATIONS['cutout'](images, *_square(full, height, width, center))


@dataclasses.dataclass(frozen=True)
class CTAugment:
    """The augmenter; all methods are pure functions, the rates (float32 [rows, bins]) are kept by the caller.

    Attributes:
        depth: operations per image.
        th: bins whose weight is below this fraction of the largest one are not drawn.
        decay: of the moving averages.

    A subclass may have another LAYOUT of other operations, and other `segments`; SEGMENTS says how many a row has, and
    EDGE how a parameter becomes the number of its bin.
    """

    LAYOUT = LAYOUT
    SEGMENTS = LAYOUT.bins
    # Kept from the original: 0.999 puts 1 in the last bin, but also the values just above a bin's lower end in the bin
    # before it.
    EDGE = 0.999

    depth: int = 2
    th: float = 0.8
    decay: float = 0.99

    @property
    def name(self):
        """Component of the path of a run: CTAugment_depth2_th0.80_decay0.990."""
        return f'CTAugment_depth{self.depth}_th{self.th:.2f}_decay{self.decay:.3f}'

    def strong(self, images, rates, draws, final_cutout=True):
        """Images for training: a policy drawn by the rates, then a cutout. uint8 -> float32 [b, h, w, c] in [-1, 1].

        In FixMatch applied to the weakly augmented unlabelled images; ReMixMatch leaves out the final cutout.
        """
        images = self.apply(images, self.sample(draws, tf.shape(images)[0], rates), draws)
        return to_float(cutout(images, draws) if final_cutout else images)

    def probe(self, images, draws):
        """Images that test the bins, and their policies: uint8 [b, h, w, c] -> float32 [b, h, w, c], Policy."""
        policy = self.sample_probe(draws, tf.shape(images)[0])
        return to_float(self.apply(images, policy, draws)), policy

    def sample(self, draws, n, rates):
        """Policies of n images: uniform operations, segments by their probability, uniform parameters within one."""
        ops, offset = self._sample_ops(draws, n), self._uniform(draws, 'offset', n)
        rows = tf.maximum(tf.gather(tf.constant(self.LAYOUT.row_of), ops), 0)
        upper = tf.cumsum(tf.cast(self.segments(rates), tf.float64), axis=1)
        # A segment is drawn if the draw falls between its predecessor's upper end and its own: never one of weight 0.
        drawn = self._uniform(draws, 'bin', n) * tf.gather(upper[:, -1], rows)
        segment = tf.reduce_sum(tf.cast(tf.gather(upper, rows) <= drawn[..., None], tf.int32), -1)
        count = tf.gather(tf.constant(self.SEGMENTS, tf.float64), rows)
        return Policy(ops, (tf.cast(segment, tf.float64) + offset) / count)

    def sample_probe(self, draws, n):
        """Policies of n images to be probed: uniform operations and parameters, whatever the rates."""
        return Policy(self._sample_ops(draws, n), self._uniform(draws, 'parameter', n))

    def apply(self, images, policy, draws):
        """Applies the operations of each image in order: uint8 [b, h, w, c], Policy -> uint8 [b, h, w, c]."""
        known = self.LAYOUT.operations.values()
        # One of each image operation; those with the same take the same arguments.
        functions = {operation.image_op: operation for operation in sorted(known, key=operator.attrgetter('image_op'))}
        index = tf.constant([list(functions).index(operation.image_op) for operation in known])
        functions = [_on_rows(operation) for operation in functions.values()]
        for slot in range(self.depth):
            center = _center(images, draws, f'slot{slot}')
            images, = operations.apply_each(functions, tf.gather(index, policy.ops[:, slot]),
                                           images, policy.params[:, slot], *center)
        return images

    def update(self, rates, policy, proximity):
        """The rates after a batch of probes: r <- decay r + (1 - decay) proximity for each, in the batch's order.

        Done at once: with m probes of one bin, r <- decay^m r + (1 - decay) sum_j decay^(m - j) proximity_j.

        Args:
            rates: float32 [rows, bins].
            policy: Policy of b images.
            proximity: float32 [b] in [0, 1], the probability that the network gave to the true class.
        Returns:
            float32 [rows, bins].
        """
        cells, proximity = self.observed(policy, proximity)
        order = tf.range(tf.size(cells))
        later = tf.equal(cells[:, None], cells) & (order[:, None] < order)
        remaining = tf.reduce_sum(tf.cast(later, tf.float64), 1)
        decay = tf.constant(self.decay, tf.float64)
        gains, hits = self.per_cell((1 - decay) * decay ** remaining * proximity, cells)
        after = decay ** hits * tf.cast(rates, tf.float64) + gains
        return tf.cast(after, tf.float32)

    def observed(self, policy, proximity):
        """Cells of the rates that the parameters of a Policy of b images lie in, and their images' proximity [b].

        Returns:
            int32 [m], row * bins + bin, -1 where an operation has no such parameter; float64 [m].
        """
        rows = tf.gather(tf.constant(self.LAYOUT.row_of), policy.ops)
        bins = tf.gather(tf.constant(self.LAYOUT.bins, tf.float64), tf.maximum(rows, 0))
        cells = tf.where(rows < 0, -1, rows * self.LAYOUT.mask.shape[1] + _int(policy.params * bins * self.EDGE))
        proximity = tf.broadcast_to(tf.cast(proximity, tf.float64)[:, None, None], tf.shape(cells))
        return tf.reshape(cells, [-1]), tf.reshape(proximity, [-1])

    def per_cell(self, values, cells):
        """Sums of `values` and how many they are in each cell: [m] and the cells [m] of `observed` -> two [rows, bins].
        """
        # Cells of -1 are left out of the sums.
        sums = [tf.math.unsorted_segment_sum(parts, cells, self.LAYOUT.mask.size)
                for parts in (values, tf.ones_like(values))]
        return [tf.reshape(found, self.LAYOUT.mask.shape) for found in sums]

    def weights(self, rates):
        """Weights of the bins, float32 [rows, bins]: 1 for the best of a row, 0 below the threshold and where is none.
        """
        weights = tf.where(self.LAYOUT.mask, tf.cast(rates, tf.float32) + (1 - self.decay), 0.)
        weights /= tf.reduce_max(weights, 1, keepdims=True)
        return tf.where(weights < self.th, 0., weights)

    def segments(self, rates):
        """Weights of the segments of equal width that parameters are drawn from, [rows, bins]: here the bins."""
        return self.weights(rates)

    def probabilities(self, rates):
        """Probabilities that the segments are drawn, float32 [rows, bins]: every row sums to 1."""
        weights = self.segments(rates)
        return weights / tf.reduce_sum(weights, 1, keepdims=True)

    def table(self, weights):
        """Text of the weights (the value of `weights`, an array), one line per operation, sorted by name."""
        lines, layout = [], self.LAYOUT
        for name, operation in sorted(layout.operations.items()):
            parts = [weights[layout.rows.index((name, k)), :bins] for k, bins in enumerate(operation.bins)]
            lines.append(f'{name:16}    ' + ' / '.join(' '.join(f'{w:.2f}' for w in part) for part in parts))
        return '\n'.join(lines)

    def _sample_ops(self, draws, n):
        return draws.uniform('op', [n, self.depth], 0, len(self.LAYOUT.names), tf.int32)

    def _uniform(self, draws, name, n):
        return draws.uniform(name, [n, self.depth, 2], dtype=tf.float64)


def _center(images, draws, name):
    """x and y, int32 [b] each: a uniform pixel."""
    n, (height, width) = tf.shape(images)[:1], images.shape[1:3]
    return [draws.uniform(f'{name}/{axis}', n, 0, size, tf.int32) for axis, size in (('x', width), ('y', height))]


@functools.cache
def _on_rows(operation):
    """The image operation of an Operation as a function for apply_each of (images, parameters, center x, center y)."""
    def function(images, params, x, y):
        arguments = operation.arguments(params, *images.shape[1:3], (x, y))
        return [operations.OPERATIONS[operation.image_op](images, *arguments)]

    return function
