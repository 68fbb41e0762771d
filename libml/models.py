"""MultiModel: a classifier of any architecture, its batch-norm statistics, and the order of the updates of one step."""

import tensorflow as tf
from easydict import EasyDict

from libml import archs, ema, nn
from libml.draws import Draws
from libml.train import Model
from libml.utils import InputError, ilog2

PRECISIONS = dict(float32=tf.float32, bfloat16=tf.bfloat16)


class MultiModel(Model):
    """A Model whose network is chosen by `--arch`. Subclasses build their graph with the methods below.

    Attributes:
        draws: Draws of this step: what a graph draws at random within a step.
        ema: the moving averages of the weights.
    """

    HPARAMS = dict(
        Model.HPARAMS,
        arch=('resnet', f'Network: {", ".join(sorted(archs.ARCHS))}.'),
        filters=(32, 'Filters of the first scale.'),
        repeat=(4, 'Residual blocks in a scale.'),
        scales=(0, 'Scales of the network; 0 means ceil(log2(width)) - 2.'),
        ema=(0.999, 'Decay of the moving average of the weights.'),
        bn_momentum=(0.999, 'Momentum of the running batch-norm statistics; short runs want less (0.99, 0.9).', False),
        precision=('float32', 'Type of activations and convolutions: float32 or bfloat16.', False),
    )
    # Of batch norm: what is added to the variance, whether the running variance follows the unbiased one of the batch,
    # and whether the averaged network has averaged statistics too.
    BN_EPSILON = 1e-3
    BN_UNBIASED = True
    BN_AVERAGED = False

    def resolve_params(self):
        super().resolve_params()
        if not self.params.scales:
            self.params.scales = max(1, ilog2(self.dataset.width) - 2)
        if self.params.precision not in PRECISIONS:
            raise InputError(f'--precision={self.params.precision}: choose one of {", ".join(PRECISIONS)}')

    def model(self):
        self.draws = Draws(self.params.seed, self.step.read_value())
        self.ema = ema.MovingAverage(self.params.ema, self.BN_AVERAGED)
        self.batch_norms = {}
        return self.algorithm()

    def algorithm(self):
        """Builds the graph of one algorithm; returns the EasyDict of ops."""
        raise NotImplementedError

    def stream(self, name, subset, augment, batch=None):
        """The next batch of a new stream over `subset` (data.Streams.add); `batch` is the model's unless given."""
        if not len(subset):
            raise InputError(f'dataset {self.dataset.name} has no {name} images, and {type(self).__name__} needs them')
        return self.streams.add(name, subset, batch or self.params.batch, augment)

    def placeholders(self, image, unlabeled, label):
        """Placeholders `x`, `y`, `labels` of any number of rows; what is not fed comes from the streams.

        Args:
            image, unlabeled, label: tensors of the streams, [b, h, w, c], [b, ...], [b].
        """
        return [tf.compat.v1.placeholder_with_default(default, [None] + default.shape[1:].as_list(), name)
                for default, name in ((image, 'x'), (unlabeled, 'y'), (label, 'labels'))]

    def classifier(self, x, training, getter=None, name=None):
        """Runs the network.

        Args:
            x: float32 [b, h, w, c] in [-1, 1].
            training: whether batch norm uses the batch's statistics.
            getter: custom getter of the variables, such as self.ema.getter.
            name: of this pass: names its random draws, and its batch-norm statistics for `train_op` and `tune_op`.
        Returns:
            EasyDict: logits float32 [b, C], embeds float32 [b, F] (the globally pooled features).
        """
        p = self.params
        batch_norm = nn.BatchNorm(p.bn_momentum, self.BN_EPSILON, self.BN_UNBIASED)
        if name:
            self.batch_norms[name] = batch_norm
        if self.dataset.mean.any() or (self.dataset.std != 1).any():
            x = (x - self.dataset.mean) / self.dataset.std
        x = tf.cast(x, PRECISIONS[p.precision])
        with tf.compat.v1.variable_scope('classify', reuse=tf.compat.v1.AUTO_REUSE, custom_getter=getter):
            return archs.build(p.arch, x, training, batch_norm, p.nclass, p.scales, p.filters, p.repeat,
                               draws=self.draws.within(name) if name else None)

    def classify_ops(self, x):
        """EasyDict classify_raw, classify_op: float32 [b, C], softmax with live and with averaged weights; unless
        BN_AVERAGED, both with the live running batch-norm statistics (kept: published numbers are of this network)."""
        return EasyDict(classify_raw=tf.nn.softmax(self.classifier(x, training=False).logits),
                        classify_op=tf.nn.softmax(self.classifier(x, training=False, getter=self.ema.getter).logits))

    def batch_number(self):
        """int64 scalar: the number of the batch of this step, from 0."""
        return self.step.read_value() // self.params.batch

    def kernels(self):
        """The variables that weight decay applies to: kernels in scopes that start with `classify`."""
        return [v for v in tf.compat.v1.trainable_variables('classify') if 'kernel' in v.op.name]

    def tune_op(self, statistics):
        """Op that moves the running batch-norm statistics by one batch and nothing else."""
        return tf.group(self.batch_norms[statistics].updates())

    def train_op(self, loss, optimizer, statistics, decay=0., before=(), after=None):
        """One step: gradients, optimizer, weight decay, batch-norm statistics, moving averages, step counter.

        Each waits for the one before: two runs are equal to the bit.

        Args:
            loss: scalar to minimise.
            optimizer: a tf.compat.v1.train.Optimizer.
            statistics: name of the classifier pass that the running batch-norm statistics follow.
            decay: every kernel is multiplied by 1 - decay after the optimizer's step (decoupled weight decay).
            before: tensors to compute before anything is updated.
            after: function without arguments that makes further update ops, run with those of batch norm.
        """
        variables = tf.compat.v1.trainable_variables()
        # As one tuple: no variable changes before all that this step reads has been read.
        gradients = tf.tuple(tf.gradients(loss, variables), control_inputs=before)
        last = [optimizer.apply_gradients(zip(gradients, variables))]
        if decay:
            with tf.control_dependencies(last):
                last = [v.assign(v.read_value() * (1 - decay), read_value=False) for v in self.kernels()]
        with tf.control_dependencies(last):
            last = self.batch_norms[statistics].updates() + (after() if after else [])
        with tf.control_dependencies(last):
            moving = [v for v, _ in self.batch_norms[statistics].batch_stats] if self.BN_AVERAGED else []
            last = last + self.ema.update(variables + moving)
        with tf.control_dependencies(last):
            return self.step.assign_add(self.params.batch, read_value=False)
