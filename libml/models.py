"""MultiModel: a classifier of any architecture, its batch-norm statistics, and the order of the updates of one step."""

from libml import archs, ema, nn
from libml.augment import Weak
from libml.draws import Draws
from libml.hparams import Hparam
from libml.train import Model
from libml.utils import InputError, ilog2

import tensorflow as tf
from easydict import EasyDict

PRECISIONS = dict(float32=tf.float32, bfloat16=tf.bfloat16)


class MultiModel(Model):
    """A Model whose network is chosen by `--arch`. Subclasses build their graph with the methods below.

    Attributes:
        weak: the weak augmentation of the dataset, uint8 [b, h, w, c], Draws -> the same.
        draws: Draws of this step: what a graph draws at random within a step.
        ema: the moving averages of the weights.
    """

    HPARAMS = dict(
        Model.HPARAMS,
        arch=Hparam('resnet', f'Network: {", ".join(sorted(archs.ARCHS))}.'),
        filters=Hparam(32, 'Filters of the first scale.'),
        repeat=Hparam(4, 'Residual blocks in a scale.'),
        scales=Hparam(0, 'Scales of the network; 0 means ceil(log2(width)) - 2.'),
        ema=Hparam(0.999, 'Decay of the moving average of the weights.'),
        bn_momentum=Hparam(0.999, 'Momentum of the running batch-norm statistics; short runs want less (0.99, 0.9).',
                           False),
        precision=Hparam('float32', 'Type of activations and convolutions: float32 or bfloat16.', False),
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
        self.check_choice('precision', PRECISIONS)
        self.weak = Weak(self.dataset.mirror, self.dataset.shift)

    def check_head(self):
        """InputError if the network's last layer is not the dense one in the scope archs.HEAD."""
        if self.params.arch in archs.NO_HEAD:
            raise InputError(f'--arch={self.params.arch}: {type(self).__name__} needs a network whose only dense layer '
                             'is its last: choose another')

    def model(self):
        self.draws = Draws(self.params.seed, self.step.read_value())
        self.ema = ema.MovingAverage(self.params.ema, self.BN_AVERAGED)
        self.batch_norms = {}
        return self.algorithm()

    def algorithm(self):
        """Builds the graph of one algorithm; returns the EasyDict of ops."""
        raise NotImplementedError

    def stream(self, name, subset, augment, batch=None):
        """The next batch of a new stream over `subset` (streams.Streams.add); `batch` is the model's unless given."""
        if not len(subset):
            raise InputError(f'dataset {self.dataset.name} has no {name} images, and {type(self).__name__} needs them')
        return self.streams.add(name, subset, batch or self.params.batch, augment)

    def placeholders(self, image, unlabeled, label):
        """Placeholders `x`, `y`, `labels` of any number of rows; what is not fed comes from the streams.

        Args:
            image, unlabeled, label: tensors of the streams, [b, h, w, c], [b, ...], [b]; None gives None.
        """
        return [None if default is None else
                tf.compat.v1.placeholder_with_default(default, [None] + default.shape[1:].as_list(), name)
                for default, name in ((image, 'x'), (unlabeled, 'y'), (label, 'labels'))]

    def open_streams(self, labeled_batch, unlabeled_batch=None, rows=None):
        """The streams `labeled` and `unlabeled`, and placeholders over them.

        Args:
            labeled_batch, unlabeled_batch: what the streams do with their images (Streams.add); without the second
                there is no unlabelled stream.
            rows: unlabelled images in a batch; as many as labelled ones unless given.
        Returns:
            x [n, h, w, c] over the labelled stream's `x`, or `image` if it gives none; y [rows, ...] or None; label
            [b]; and the EasyDict of the labelled stream.
        """
        labeled = self.stream('labeled', self.dataset.labeled, labeled_batch)
        images = None
        if unlabeled_batch:
            images = self.stream('unlabeled', self.dataset.unlabeled, unlabeled_batch, rows).image
        x, y, label = self.placeholders(labeled.get('x', labeled.image), images, labeled.label)
        y = None if y is None else tf.ensure_shape(y, images.shape)
        return x, y, tf.ensure_shape(label, labeled.label.shape), labeled

    def classifier(self, x, training, getter=None, name=None):
        """Runs the network.

        Args:
            x: float32 [b, h, w, c] in [-1, 1].
            training: whether batch norm uses the batch's statistics.
            getter: custom getter of the variables, such as self.ema.getter.
            name: of this pass: names its random draws (shake; `dropout` of models that have it), and its batch-norm
                statistics for `train_op` and `tune_op`.
        Returns:
            EasyDict: logits float32 [b, C], embeds float32 [b, F] (the globally pooled features).
        """
        return self.network('classify', self.params.nclass, x, training, getter, name)

    def network(self, scope, nclass, x, training, getter=None, name=None, params=None):
        """Runs the network of `classifier` in a variable scope; without its head, logits are None, if nclass is None.

        `params` describes the network where it is another than this model's.
        """
        p = params or self.params
        batch_norm = nn.BatchNorm(p.bn_momentum, self.BN_EPSILON, self.BN_UNBIASED)
        if name:
            self.batch_norms[name] = batch_norm
        if self.dataset.whitened:
            x = (x - self.dataset.mean) / self.dataset.std
        x = tf.cast(x, PRECISIONS[p.precision])
        with tf.compat.v1.variable_scope(scope, reuse=tf.compat.v1.AUTO_REUSE, custom_getter=getter):
            return archs.build(p.arch, x, training, batch_norm, nclass, p.scales, p.filters, p.repeat,
                               p.get('dropout', 0.), self.draws.within(name) if name else None)

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

    def l2(self):
        """Scalar: half the sum of squares of the kernels."""
        return tf.add_n([tf.nn.l2_loss(kernel) for kernel in self.kernels()])

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
            # Added: a network without batch norm has no updates, and the optimizer must still come first.
            last = last + self.batch_norms[statistics].updates() + (after() if after else [])
        return self.end_of_step(last, statistics)

    def end_of_step(self, last, statistics):
        """Op that, after the ops `last`, moves the averages and then the step counter.

        Args:
            last: list of ops.
            statistics: name of a classifier pass, for the running batch-norm statistics that there are.
        """
        with tf.control_dependencies(last):
            moving = [v for v, _ in self.batch_norms[statistics].batch_stats] if self.BN_AVERAGED else []
            last = last + self.ema.update(tf.compat.v1.trainable_variables() + moving)
        with tf.control_dependencies(last):
            return self.step.assign_add(self.params.batch, read_value=False)
