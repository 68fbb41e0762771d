"""MultiModel: a classifier of any architecture, its batch-norm statistics, and the order of the updates of one step."""

from libml import data_pair, ema, step_order
from libml.augment import cta_learner
from libml.draws import Draws
from libml.hparams import Hparam
from libml.networks import archs, nn
from libml.train import Model
from libml.training import evaluate, initial_weights, start_warnings
from libml.utils import InputError

import tensorflow as tf
from easydict import EasyDict


class MultiModel(Model):
    """A Model whose network is chosen by `--arch`. Subclasses build their graph with the methods below.

    Attributes:
        program: what --augment names, such as an augment.tokens.Program, or None.
        draws: Draws of this step: what a graph draws at random within a step.
        ema: the moving averages of the weights.
        learner: the cta_learner.Learner of a program with CTAugment, or None.
        trackers: list of the state that `train_step` updates (trackers.py).
        truth: true classes [rows] of the unlabelled images of a batch, for monitors alone; None where not known.
        watched: dict tag -> scalar of further monitors of `train_step`.
        started_from: lines that say what --init gave, of a session with new variables.
    """

    DATASETS = data_pair.DATASETS
    HPARAMS = dict(
        Model.HPARAMS,
        **archs.HPARAMS,
        accumulate=Hparam(1, 'Micro-batches of a step, whose gradients are averaged: for a batch that memory cannot '
                          'hold. Batch norm, and what follows predictions, sees a micro-batch at a time.', False,
                          low=1),
        init=Hparam('', 'What the network starts with: a run folder, a checkpoint, an .npz of variables by name, or a '
                    'Keras file of ResNet50V2 (.h5).', False),
        ema=Hparam(0.999, 'Decay of the moving average of the weights.', low=0, below=1),
        batch_norm=Hparam('joint', 'On several workers: joint, statistics of all rows, as on one; own, of the rows of '
                          'each worker, with fewer exchanges.', False),
        report_raw=Hparam(False, 'All reports have the accuracies of the live weights, too. Else only the first ones '
                          f'have them, of {evaluate.LAG} / (1 - ema) steps.', False),
    )
    # Of batch norm: what is added to the variance of a network without a number of its own, whether the running
    # variance follows the unbiased one of the batch, and whether the averaged network has averaged statistics too.
    BN_EPSILON = 1e-3
    BN_UNBIASED = True
    BN_AVERAGED = False
    # Whether a pass of the network over several batches of streams has each of their rows as it is: then a worker makes
    # only its own images. A pass over rows of several batches must say so with replicas.by_parts.
    UNMIXED = False

    def own_defaults(self, params):
        """The momentum of batch norm that belongs to the network, if one does."""
        arch = str(params.get('arch', self.HPARAMS['arch'].default))
        return {'bn_momentum': archs.BN_MOMENTUM[arch]} if arch in archs.BN_MOMENTUM else {}

    def resolve_params(self):
        super().resolve_params()
        self.params.scales = self.params.scales or archs.scales(self.params.arch, self.dataset.width)
        self.check_choice('precision', archs.PRECISIONS)
        self.check_choice('batch_norm', ('joint', 'own'))
        self.replicas.joint = self.params.batch_norm == 'joint'
        if self.params.batch % self.params.accumulate:
            raise InputError(f'--accumulate={self.params.accumulate}: give a divisor of --batch={self.params.batch}')
        if self.params.init and self.params.get('pretrained'):
            raise InputError(f'--init={self.params.init} --pretrained={self.params.pretrained}: give one of them')
        self.program = self.make_program()

    def check_head(self):
        """InputError if the network's last layer is not the dense one in the scope archs.HEAD."""
        if self.params.arch in archs.NO_HEAD:
            raise InputError(f'--arch={self.params.arch}: {type(self).__name__} needs a network whose only dense layer '
                             'is its last: choose another')

    def make_program(self):
        """The program of --augment; None for models without this flag."""
        return None

    def path_components(self):
        """As the original: how images are augmented stands in the folders above the run's name."""
        name, *rest = super().path_components()
        return [*(self.program.components(self.dataset) if self.program else [name]), *rest]

    def model(self):
        self.draws = Draws(self.params.seed, self.step.read_value())
        self.ema = self.averages()
        self.batch_norms = {}
        self.trackers = []
        self.learner = self.truth = None
        self.watched = {}
        self.started_from = []
        if self.program and self.program.cta:
            # Where a checkpoint lacks the rates they are initialised after the step was restored.
            first = tf.cond(self.step.is_initialized(), self.batch_number, lambda: tf.constant(0, tf.int64))
            self.learner = cta_learner.Learner(self.program.cta, self.probe_period(), first)
        ops = self.algorithm()
        if self.params.accumulate > 1 and not self.part_op:
            raise InputError(f'--accumulate={self.params.accumulate}: {type(self).__name__} takes whole batches only')
        return ops

    def named_hparams(self):
        """Micro-batches change what batch norm sees, and so do workers that do not tell each other."""
        return (super().named_hparams() + ['accumulate'] * (self.params.accumulate > 1)
                + ['batch_norm'] * (self.params.batch_norm != 'joint'))

    def averages(self):
        """The averages of the weights that are evaluated: an ema.WeightAverage."""
        return ema.MovingAverage(self.params.ema, self.BN_AVERAGED)

    def probe_period(self):
        """CTAugment's rates follow the probes of every so many batches."""
        return self.program.probe

    def views(self):
        """The views.Views of this model's images."""
        return self.program.views(self.learner)

    def track(self, tracker):
        """Has `train_step` update a tracker (trackers.py); returns it."""
        self.trackers.append(tracker)
        return tracker

    def algorithm(self):
        """Builds the graph of one algorithm; returns the EasyDict of ops."""
        raise NotImplementedError

    def stream(self, name, subset, augment, batch=None):
        """The next batch of a new stream over `subset` (streams.Streams.add); `batch` is the model's unless given."""
        if not len(subset):
            raise InputError(f'dataset {self.dataset.name} has no {name} images, and {type(self).__name__} needs them')
        self.shown[name] = subset, augment
        batch = batch or self.rows
        return self.streams.add(name, subset, batch, augment, self.replicas.own(batch) if self.UNMIXED else None)

    def labeled_subsets(self):
        """dict name of a stream -> Subset of labelled images."""
        return {'labeled': self.dataset.labeled}

    def inputs(self, views, rows=None):
        """The batch of a step: placeholders whose defaults are the streams, and classifiers of `x`.

        Args:
            views: a views.Views; without unlabelled views there is no unlabelled stream.
            rows: unlabelled images in a batch; as many as labelled ones unless given.
        Returns:
            EasyDict:
                x: [n, h, w, c], n not fixed, what `classify_raw` and `classify_op` classify: by default CTAugment's
                    probes, else the labelled images;
                xt, label: labelled images to train on, [b, h, w, c] or [b, views, h, w, c], and their classes [b];
                    without CTAugment and with a single view, xt is what is fed to x;
                y: unlabelled images [rows, h, w, c] or [rows, views, h, w, c], or None;
                index: int32 [rows], places of y's images in the unlabelled subset, or None;
                labeled, labels, indices: lists of all that is like xt, label and index, one entry for each of
                    `labeled_subsets`; the second entries are also called tt and label_t;
                probes: dict probe, probe_ops, probe_strengths of the streams (Learner.probe); {} without CTAugment;
                classify_raw, classify_op: of `classify_ops`.
        """
        streams = [self.stream(name, subset, views.of_labeled) for name, subset in self.labeled_subsets().items()]
        batch = EasyDict(probes=cta_learner.joined_probes(streams), y=None, index=None, labeled=[], labels=[],
                         indices=[])
        first = streams[0].image
        single = first.shape.rank == 4
        if single and not batch.probes:
            batch.x = placeholder(first, 'x', rows=None)
            streams[0].image = tf.ensure_shape(batch.x, first.shape)
        for stream, image, label in zip(streams, ('xt', 'tt'), ('label', 'label_t')):
            batch[image], batch[label] = placeholder(stream.image, image), placeholder(stream.label, label)
            batch.labeled, batch.labels = batch.labeled + [batch[image]], batch.labels + [batch[label]]
            batch.indices = batch.indices + [placeholder(stream.index, f'{label}_index')]
        if 'x' not in batch:
            batch.x = placeholder(batch.probes.get('probe', batch.xt if single else batch.xt[:, 0]), 'x', rows=None)
        if views.unlabeled:
            stream = self.stream('unlabeled', self.dataset.unlabeled, views.of_unlabeled, rows)
            batch.y, batch.index = placeholder(stream.image, 'y'), placeholder(stream.index, 'index')
            if self.dataset.labels_known:
                self.truth = stream.label
        return EasyDict(batch, **self.classify_ops(batch.x))

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
        """Runs the network in the variable scope `scope`. If `nclass` is None, it has no head and `logits` is None.

        `params` describes the network where it is another than this model's.
        """
        p = params or self.params
        epsilon = p.bn_epsilon or archs.BN_EPSILON.get(p.arch, self.BN_EPSILON)
        part = self.replicas.part(x)
        batch_norm = nn.BatchNorm(p.bn_momentum, epsilon, self.BN_UNBIASED, part.gather)
        if name:
            self.batch_norms[name] = batch_norm
        x = part.rows(x)
        if self.dataset.whitened:
            x = (x - self.dataset.mean) / self.dataset.std
        x = tf.cast(x, archs.PRECISIONS[p.precision])
        with tf.compat.v1.variable_scope(scope, reuse=tf.compat.v1.AUTO_REUSE, custom_getter=getter):
            out = archs.build(p.arch, x, training, batch_norm, nclass, p.scales, p.filters, p.repeat,
                              p.get('dropout', 0.), part.draws(self.draws.within(name)) if name else None)
        return part.gathered(out, batch_norm)

    def classify_ops(self, x):
        """EasyDict classify_raw, classify_op: float32 [b, C], softmax with live and with averaged weights; unless
        BN_AVERAGED, both with the live running batch-norm statistics (kept: published numbers are of this network)."""
        return EasyDict(classify_raw=tf.nn.softmax(self.classifier(x, training=False).logits),
                        classify_op=tf.nn.softmax(self.classifier(x, training=False, getter=self.ema.getter).logits))

    def of_probes(self, batch):
        """[b, C]: probabilities of CTAugment's probes by the averaged weights, as `classify_op` in a step."""
        if self.replicas.count == 1:
            return batch.classify_op
        probes = tf.ensure_shape(batch.x, batch.probes['probe'].shape)  # Of a fixed number of rows: it is split.
        self.replicas.by_parts(probes, [self.rows] * (probes.shape[0] // self.rows))
        return tf.nn.softmax(self.classifier(probes, training=False, getter=self.ema.getter).logits)

    def batch_number(self):
        """int64 scalar: the number of the batch of this step, or of the micro-batch, from 0."""
        return self.step.read_value() // self.rows

    def kernels(self):
        """The variables that weight decay applies to: kernels in scopes that start with `classify`."""
        return [v for v in tf.compat.v1.trainable_variables('classify') if 'kernel' in v.op.name]

    def l2(self):
        """Scalar: half the sum of squares of the kernels."""
        return tf.add_n([tf.nn.l2_loss(kernel) for kernel in self.kernels()])

    def tune_op(self, statistics):
        """Op that moves the running batch-norm statistics by one batch and nothing else."""
        return tf.group(self.batch_norms[statistics].updates())

    def train_step(self, batch, terms, optimizer, statistics, decay=0., monitors=None):
        """One step of training on a sum of losses: the ops of an algorithm.

        All losses and monitors are computed before anything is updated. CTAugment's rates and what was given to `track`
        are updated with the step.

        Args:
            batch: of `inputs`.
            terms: dict name -> (weight, scalar). The loss is the sum of weight * scalar; a term of weight None is only
                logged. The tags are `losses/<name>`.
            optimizer, statistics, decay: of step_order.train_op.
            monitors: dict tag -> scalar to log.
        Returns:
            EasyDict: `batch` with loss, train_op, losses and monitors.
        """
        monitors = {**(monitors or {}), **self.watched}
        loss = sum(weight * value for weight, value in terms.values() if weight is not None)
        losses = {f'losses/{name}': value for name, (_, value) in terms.items()}
        if self.learner:
            self.learner.observe(self.batch_number(), self.of_probes(batch), tf.concat(batch.labels, 0), batch.probes)
            self.track(self.learner)
        train_op = step_order.train_op(self, loss, optimizer, statistics, decay,
                                       [*losses.values(), *monitors.values()])
        return EasyDict(batch, loss=loss, train_op=train_op, losses=losses, monitors=monitors)

    def fresh(self, session):
        """Starts the network with the weights of --init."""
        if self.params.init:
            self.started_from = initial_weights.load(session, self, self.params.init)

    def starts_from_others(self):
        return bool(self.params.init) or type(self).fresh is not MultiModel.fresh

    def warnings(self, train_nimg):
        return [*self.started_from, *start_warnings.lines(self, train_nimg)]

    def report(self, session):
        if not self.learner:
            return super().report(session)
        with self.graph.as_default():
            table, values = self.learner.report(session, self.batch_number())
        return table if self.params.show_rates else '', values


def placeholder(tensor, name, **shape):
    """A placeholder whose default is a tensor, of its shape; with rows=None of any number of rows."""
    rows = shape.get('rows', tensor.shape[0])
    return tf.compat.v1.placeholder_with_default(tensor, [rows, *tensor.shape[1:]], name)
