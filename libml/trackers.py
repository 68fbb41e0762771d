"""State that follows training step by step: variables that a step reads, and assigns after all of it is computed.

A tracker has `observe`, which builds the next values from what a step computed (Alignment does so when it is made),
`new_values`, the tensors to compute before any variable of the step changes, and `updates`, the ops that assign them.
MultiModel.train_op runs both.
cta_learner.Learner is one, too. Nothing here has a gradient. The state is in the checkpoints. One that
lacks it, such as the original FixMatch's without CTAugment's rates, is trained on with the initial values.
"""

import numpy as np
import tensorflow as tf

BATCHES = 128  # of which Alignment's unlabelled distribution is the mean
EPSILON = 1e-6
STATE = 'state'  # the graph's collection of the variables that `state_variable` makes


def state_variable(name, initial):
    """A resource variable that is not trainable, and that a checkpoint to train on may lack (checkpoint.resume).

    Args:
        initial: array or tensor, its value before training. A tensor may depend on what a checkpoint has restored.
    """
    return tf.compat.v1.get_variable(name, initializer=initial, trainable=False, use_resource=True,
                                     collections=[tf.compat.v1.GraphKeys.GLOBAL_VARIABLES, STATE])


def renorm(v):
    """v divided by its sum over the last axis."""
    return v / tf.reduce_sum(v, -1, keepdims=True)


def quantile(values, share):
    """The quantile of values [n], n static, at `share` in [0, 1], linear between the two nearest of them: scalar."""
    place = share * (values.shape[0] - 1)
    low = tf.sort(values)[int(place):][:2]
    return low[0] + (place - int(place)) * (low[-1] - low[0])


def last_rows(index, sure=True):
    """Places of rows that a scatter can take, int64 [m]: of several with one index, as at the seam of two epochs, the
    last. Rows of index [b] that are not `sure`, bool [b], do not count."""
    rows = tf.range(tf.size(index))
    later = tf.equal(index[:, None], index) & sure & (rows[:, None] < rows)
    return tf.where(sure & ~tf.reduce_any(later, 1))[:, 0]


class Tracker:
    """A variable with a rule for its next value; subclasses call `_follow` in their `observe`.

    Args:
        name: of the variable.
        initial: float32 array or tensor, its value before training. An array is in every graph file.

    Attributes:
        variable: the resource variable, not trainable.
    """

    def __init__(self, name, initial):
        self.variable = state_variable(name, initial if tf.is_tensor(initial) else np.asarray(initial, np.float32))
        self._next = None

    def _follow(self, value):
        self._next = tf.stop_gradient(value)
        return self._next

    def new_values(self):
        """Tensors to compute before the step's updates: those that `updates` assigns."""
        return [self._next]

    def updates(self):
        """Ops that assign the new values to the variables."""
        return [self.variable.assign(self._next, read_value=False)]


class Average(Tracker):
    """Exponential moving average: v <- decay * v + (1 - decay) * observation.

    Args:
        name: of the variable.
        initial: float32 array, its value before training.
        decay: in [0, 1].
    """

    def __init__(self, name, initial, decay=0.999):
        super().__init__(name, initial)
        self.decay = decay

    def observe(self, value):
        """Returns the next value, of the shape of the variable, after an observation of that shape."""
        return self._follow(self.decay * self.variable.read_value() + (1 - self.decay) * value)


class Queue(Tracker):
    """The newest rows that were observed, the oldest first; `initial` [size, ...] are those before training."""

    def observe(self, rows):
        """Returns the next queue, which ends with rows [n, ...], n at most its size."""
        return self._follow(tf.concat([self.variable.read_value()[rows.shape[0]:], rows], 0))


class PMovingAverage(Queue):
    """Class distribution averaged over the last `buf_size` batches. (remixmatch@f7061eb libml/layers.py)

    Args:
        name: of the variable [buf_size, nclass], which starts uniform.
        nclass: number of classes.
        buf_size: number of batches remembered.
    """

    def __init__(self, name, nclass, buf_size):
        super().__init__(name, np.full([buf_size, nclass], 1 / nclass))

    def __call__(self):
        """float32 [nclass], sums to one."""
        return renorm(tf.reduce_mean(self.variable, 0))

    def observe(self, p):
        """Returns the next window [buf_size, nclass], which ends with the mean over rows of p [b, nclass]."""
        return super().observe(tf.reduce_mean(p, 0, keepdims=True))


class PData:
    """Class distribution of the data: given, or followed with momentum 0.999. (remixmatch@f7061eb libml/layers.py)

    Args:
        nclass: number of classes.
        p_unlabeled: array [nclass] of weights, or None to follow what is observed, in the variable `p_data`.

    Attributes:
        has_update: whether it follows what is observed.
    """

    def __init__(self, nclass, p_unlabeled=None):
        self.has_update = p_unlabeled is None
        if self.has_update:
            self._average = Average('p_data', np.full([nclass], 1 / nclass))
        else:
            self._given = tf.constant(p_unlabeled, tf.float32)

    def __call__(self):
        """float32 [nclass], sums to one."""
        return renorm(tf.convert_to_tensor(self._average.variable if self.has_update else self._given))

    def observe(self, entry):
        """Returns the next distribution [nclass], after a batch of labels or predictions, entry [b, nclass]."""
        return self._average.observe(tf.reduce_mean(entry, 0)) if self.has_update else self._given

    def new_values(self):
        """As Tracker.new_values."""
        return self._average.new_values() if self.has_update else []

    def updates(self):
        """As Tracker.updates."""
        return self._average.updates() if self.has_update else []


class Alignment:
    """Distribution alignment of AdaMatch and FixMatchDA: corrects pseudo-labels by running class distributions.

    Those of labelled and of unlabelled images are each moved by this step's batch before they are used.

    Labelled: a moving average with momentum 0.999. Unlabelled: the mean of the last 128 batches. Both start uniform.
    Nothing here has a gradient. (AdaMatch, arXiv:2106.04732, section 3; adamatch@7a0b40c)

    Args:
        nclass: number of classes.
        p_labeled: [n, nclass] class probabilities of the labelled images.
        p_unlabeled: [m, nclass] predictions for the unlabelled images.

    Attributes:
        p_labeled, p_unlabeled: float32 [nclass], the updated distributions.
    """

    def __init__(self, nclass, p_labeled, p_unlabeled):
        labeled, unlabeled = PData(nclass), PMovingAverage('p_unlabeled', nclass, BATCHES)
        self.p_labeled = labeled.observe(p_labeled)
        self.p_unlabeled = tf.reduce_mean(unlabeled.observe(p_unlabeled), 0)
        self._parts = labeled, unlabeled

    def __call__(self, p):
        """Predictions [m, nclass] times the ratio of the distributions, again with sum 1."""
        ratio = (EPSILON + self.p_labeled) / (EPSILON + self.p_unlabeled)
        return tf.stop_gradient(renorm(p * ratio))

    def kl(self):
        """Scalar: sum of P_l (log(P_l + 2^-17) - log(P_u + 2^-17)), how far the two are apart."""
        return tf.reduce_sum(self.p_labeled * (tf.math.log(self.p_labeled + 2 ** -17)
                                               - tf.math.log(self.p_unlabeled + 2 ** -17)))

    def new_values(self):
        """As Tracker.new_values."""
        return [value for part in self._parts for value in part.new_values()]

    def updates(self):
        """As Tracker.updates."""
        return [op for part in self._parts for op in part.updates()]


class UniformAlignment(Queue):
    """Distribution alignment of CoMatch and SimMatch: corrects predictions by their mean over the last 32 batches, this
    one included, so that all classes become equally frequent. (CoMatch, arXiv:2011.11183, section 3.3)

    Attributes:
        variable: `p_model` [32, nclass], the mean of each batch; 0 where there was none yet.
    """

    def __init__(self, nclass):
        super().__init__('p_model', np.zeros([32, nclass]))

    def observe(self, p):
        """Returns predictions p [n, nclass] divided by their mean, again with sum 1; constant."""
        rows = super().observe(tf.reduce_mean(p, 0, keepdims=True))
        # As the authors' codes the mean of the rows that there are. In USB missing ones count as 0, and so the epsilon,
        # which those codes lack and a class that is never predicted needs, is up to 32 times as large.
        return tf.stop_gradient(renorm(p / (renorm(tf.reduce_sum(rows, 0)) + EPSILON)))


class Marks:
    """The class that each image was last given for sure, and how far each class is learned (FlexMatch, eq. 5, 6, 11).

    A mark stays until the image is given another class for sure: none becomes unused again.

    Args:
        n: number of images.
        nclass: number of classes.
        warmup: whether beta is relative to the largest count of all, else to that of a class.

    Attributes:
        marks: int32 variable [n], the classes, -1 for images that were given none.
        counts: int32 variable [nclass + 1], how many images have no mark, then how many have each class.
        beta: float32 variable [nclass], the classes' counts divided by the largest, at first 0.
    """

    def __init__(self, n, nclass, warmup=True):
        self.n = n
        self.warmup = warmup
        # Filled in the graph: as an array the marks would be in every graph file.
        self.marks, self.counts, self.beta = [
            state_variable(name, initial) for name, initial in (
                ('marks', tf.fill([n], -1)), ('counts', tf.constant([n] + [0] * nclass)), ('beta', tf.zeros([nclass])))]

    def observe(self, index, labels, sure):
        """Builds the next values, after images at places `index` got `labels`, int [b] each, where `sure`, bool [b].

        Of several rows with one index the last sure one counts.
        """
        kept = last_rows(index, sure)
        index, labels = tf.gather(index, kept), tf.gather(tf.cast(labels, tf.int32), kept)
        # In the counts a class has the place after its number. No work here grows with the number of images.
        old, size = self.marks.sparse_read(index), self.counts.shape[0]
        counts = (self.counts.read_value() + tf.math.bincount(labels + 1, minlength=size, maxlength=size)
                  - tf.math.bincount(old + 1, minlength=size, maxlength=size))
        largest = tf.reduce_max(counts if self.warmup else counts[1:])
        # As USB: with all images in one place, unused or of one class, beta stays as it is.
        beta = tf.where(tf.equal(tf.reduce_max(counts), self.n), self.beta.read_value(),
                        tf.cast(counts[1:] / tf.maximum(largest, 1), tf.float32))
        self._next = index, labels, counts, beta

    def new_values(self):
        """As Tracker.new_values."""
        return list(self._next)

    def updates(self):
        """As Tracker.updates."""
        index, labels, counts, beta = self._next
        return [self.marks.scatter_nd_update(index[:, None], labels), self.counts.assign(counts, read_value=False),
                self.beta.assign(beta, read_value=False)]
