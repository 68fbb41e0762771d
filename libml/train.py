"""A model with its graph, its run folder and its training."""

import contextlib
import os

from libml import memory, schedules
from libml.hparams import DATA_FLAGS, LOOP_FLAGS, Hparam
from libml.streams import Streams
from libml.training import checkpoint, evaluate, fingerprint, gpus, leftovers
from libml.training.command import run  # noqa: F401 (what a script calls)
from libml.training.loop import KIMG, Loop, in_kimg
from libml.training.run_folder import NoFolder, RunFolder, check_component, class_path
from libml.utils import InputError
from libml.workers import identity
from libml.workers.replicas import Single

import tensorflow as tf
from easydict import EasyDict


class Model:
    """One algorithm on one dataset: its graph, its run folder and its training.

    A subclass names its hyper-parameters in HPARAMS, name -> hparams.Hparam, and builds its graph in `model()`, which
    returns an EasyDict of ops: the placeholders `x`, `y`, `label`, then `train_op`, `loss`, `classify_raw`,
    `classify_op`, maybe `tune_op`, and `losses` and `monitors` (tag -> scalar).

    Attributes:
        given: dict of the hyper-parameters that have other values than their defaults.
        shown: dict name of a stream -> its Subset and its function of (images, Draws), for pictures of its views.
        confusion: int64 [C, C] of the last `evaluate`, on the test images; None before.

    Args:
        train_dir: folder of all run folders.
        dataset: a data.DataSet.
        replicas: the workers.replicas.Workers of this run; one process alone unless given.
        params: hyper-parameters that are not as by default.

    DATASETS is what `--dataset` is looked up in, such as data_pair.DATASETS; LOOP_FLAGS are flags that are no
    hyper-parameters; OLD_FLAGS are names that flags had in the original (old_flags.define).
    Raises:
        InputError: an unknown hyper-parameter or a value that cannot be.
    """

    DATASETS = None
    LOOP_FLAGS = LOOP_FLAGS
    OLD_FLAGS = {}
    part_op = None  # of a micro-batch that is not the last of its step
    HPARAMS = dict(
        batch=Hparam(64, 'Labelled images in a batch.', low=1),
        lr=Hparam(0.0001, 'Learning rate.', above=0),
        train_kimg=Hparam(16384, 'Length of training in kimg (1,024 images).', False, above=0),
        seed=Hparam(1, 'Seed of every random draw of the run.', False, low=0, high=2 ** 32 - 1),
        rerun=Hparam('', 'Additional component of the run folder\'s path, to keep repeats apart.', False),
    )

    def __init__(self, train_dir, dataset, replicas=None, **params):
        unknown = sorted(set(params) - set(self.HPARAMS))
        if unknown:
            raise InputError(f'{type(self).__name__} has no hyper-parameter {unknown[0]}: it has '
                             f'{", ".join(sorted(self.HPARAMS))}')
        self.replicas = replicas or Single()
        self.train_dir = train_dir
        self.dataset = dataset
        defaults = {**{name: spec.default for name, spec in self.HPARAMS.items()}, **self.own_defaults(params)}
        self.params = EasyDict({name: spec.checked(name, params.get(name, defaults[name]))
                                for name, spec in self.HPARAMS.items()})
        self.given = {name: value for name, value in self.params.items() if value != defaults[name]}
        self.resolve_params()
        self.depends_on_length = False
        self.depends_on_reports = False
        self.shown = {}
        self.confusion = None
        self.folder = (RunFolder if self.replicas.chief else NoFolder)(os.path.join(train_dir, *self.path_components()))
        gpus.make_deterministic()
        self.graph = tf.Graph()
        with self.graph.as_default(), memory.needed_for(self.params):
            # Initial values are drawn from the graph's seed and the variable's name (nn.py).
            tf.compat.v1.set_random_seed(self.params.seed)
            self.step = tf.compat.v1.train.get_or_create_global_step()
            self.streams = Streams(self.params.seed)
            self.ops = self.model()
            self.replicas.chain(self.ops)
            self.fingerprint = fingerprint.variable()
            self.variables = tf.compat.v1.global_variables()
            self.saver = checkpoint.saver(self.variables)
            self.initializer = tf.compat.v1.global_variables_initializer()
            floats = [v for v in self.variables if v.dtype.is_floating]
            self.all_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(v)) for v in floats])

    @classmethod
    def registry(cls, args):
        """What --dataset is looked up in, with the flags `args` (name -> value)."""
        del args
        return cls.DATASETS

    @classmethod
    def load_dataset(cls, args):
        """The DataSet that the flags `args` (name -> value) name."""
        constructor = cls.registry(args)[args['dataset']]
        return constructor(**{name: args[name] for name in DATA_FLAGS if name in args})

    def own_defaults(self, params):
        """dict of defaults that follow from other hyper-parameters, of which `params` are given, unchecked."""
        del params
        return {}

    def resolve_params(self):
        """Checks what the bounds in HPARAMS cannot say of self.params, and adds what follows from the dataset."""
        check_component('--rerun', self.params.rerun)
        self.params.nclass = self.dataset.nclass

    def check_choice(self, name, choices):
        """InputError if this hyper-parameter is none of the texts `choices`."""
        if self.params[name] not in choices:
            raise InputError(f'--{name}={self.params[name]}: choose one of {", ".join(choices)}')

    def path_components(self):
        """Folders between train_dir and the run's files."""
        return [name for name in (self.dataset.folder, self.params.rerun, self.experiment_name()) if name]

    def method_name(self):
        """Name of the method in folders, tables, console and TensorBoard."""
        return type(self).__name__

    def named_hparams(self):
        """Names of the hyper-parameters that are part of the run's name."""
        return [name for name, spec in self.HPARAMS.items() if spec.named] + ['nclass']

    def experiment_name(self):
        """Last component of the run folder: the method and its named hyper-parameters, sorted, as name and value."""
        return '_'.join([self.method_name()] + [name + str(self.params[name]) for name in sorted(self.named_hparams())])

    @property
    def rows(self):
        """Labelled images in a batch of the graph: all of a step, or with --accumulate a part of them."""
        return self.params.batch // self.params.get('accumulate', 1)

    def model(self):
        """Builds the graph; returns the EasyDict of ops."""
        raise NotImplementedError

    def length(self):
        """Returns train_kimg, for a schedule. Side effect: this run cannot be resumed with another --train_kimg."""
        self.depends_on_length = True
        return self.params.train_kimg

    def progress(self):
        """Returns the finished part of the training, from 0 to 1, float32 scalar. Side effect: see `length`."""
        return schedules.progress(self.first_step(), self.length())

    def first_step(self):
        """int64 scalar: images seen before this step, also in its later micro-batches."""
        step, batch = self.step.read_value(), self.params.batch
        return step if self.rows == batch else step // batch * batch

    @contextlib.contextmanager
    def session(self, path=None, training=False):
        """A session with fresh variables, or with the variables of the checkpoint with prefix `path`.

        That needs the network and its averages only, unless it is for training on: then all workers have the chief's.
        """
        replicas = self.replicas if training else Single()
        with (memory.needed_for(self.params), self.graph.as_default(), self.streams.reading(),
              replicas.session(self.graph) as session):
            if path:
                restore = checkpoint.resume if training else checkpoint.restore_network
                restore(session, self, path)
            else:
                session.run(self.initializer)
                if replicas.chief:
                    self.fresh(session)
            replicas.share(session, self.variables)
            yield session

    def fresh(self, session):
        """Called in a session whose variables have their initial values: puts others there, such as pretrained ones."""

    def check_start(self):
        """Called before a run without a checkpoint writes its first file: raises InputError if it cannot start."""
        with memory.needed_for(self.params):
            memory.check_graph(self.graph)
        if self.starts_from_others():  # They may be missing or of another kind.
            with self.session():
                pass

    def starts_from_others(self):
        """Whether `fresh` takes weights of another run or file."""
        return type(self).fresh is not Model.fresh

    def train(self, train_nimg, report_nimg, save_nimg=64 * KIMG, keep_ckpt=50, report_images=0):
        """Trains until `train_nimg` images, from the newest checkpoint of the run folder if there is one.

        Args:
            train_nimg, report_nimg, save_nimg: images until the end, between reports, between checkpoints.
            keep_ckpt: how many checkpoints are kept.
            report_images: how many images reports show in TensorBoard, see report_pictures.py; 0 for no picture.
        Returns:
            the signal.Signals that ended it before its length, or None.
        Raises:
            InputError: the run folder is of other arguments, in use, without its checkpoints, or cannot be written;
                the model does not fit into memory.
            Diverged: a loss or a weight is not finite; the last good checkpoint stays.
            Lost: another worker is gone.
        """
        loop_args = dict(train_dir=str(self.train_dir), report_kimg=in_kimg(report_nimg),
                         save_kimg=in_kimg(save_nimg), keep_ckpt=int(keep_ckpt), report_images=int(report_images))
        for name, value in loop_args.items():
            self.LOOP_FLAGS[name].checked(name, value)
        if self.depends_on_length and train_nimg != self.params.train_kimg * KIMG:
            print(f'Schedules follow train_kimg={self.params.train_kimg}, and training ends at kimg '
                  f'{in_kimg(train_nimg)}: until kimg {self.params.train_kimg} the run counts as unfinished')
        elif train_nimg > 0:
            self.params.train_kimg = in_kimg(train_nimg)
        args = {**self.arguments(), **loop_args}
        self.replicas.start(identity.of(self, args))
        if self.replicas.chief and not checkpoint.all_in(self.folder.tf):
            self.check_start()
        shaping = dict(train_kimg=self.depends_on_length, report_kimg=self.depends_on_reports)
        with self.folder.locked():
            found = leftovers.newest(self.folder, lambda last, step: last // report_nimg < step // report_nimg
                                     or last < step and train_nimg <= step)
            number = self.folder.open(args, [name for name, shapes in shaping.items() if shapes], found, self.HPARAMS)
            self.print_config()
            for line in leftovers.lines(self.folder, found):
                print(line)
            with self.session(found, training=True) as session:
                fingerprint.write(session, self.fingerprint, number)
                with Loop(self, session, save_nimg, keep_ckpt, report_images) as loop:
                    loop.run(train_nimg, report_nimg)
                    return loop.stopped_by

    def arguments(self):
        """dict of what args.json says of this model: where its data come from, its hyper-parameters and its names."""
        return {**self.dataset.origin, **self.params, 'dataset': self.dataset.name, 'model': class_path(type(self)),
                'method': self.method_name()}

    def print_config(self):
        """Prints the run's settings and the sizes of the network's variables."""
        evaluate.print_config(self)

    def accuracies(self, session, op):
        """As evaluate.accuracies."""
        return evaluate.accuracies(self, session, op)

    def evaluate(self, session):
        """Accuracies of a report: dict tag -> percent, as evaluate.of_report; sets `confusion`."""
        found, self.confusion = evaluate.of_report(self, session)
        return found

    def settle(self, session):
        """Brings variables that follow from others up to date; called before every evaluation and every checkpoint."""

    def after_report(self, session, scalars):
        """Called after a report with its tag -> float; what is kept for the next one must be in variables."""

    def finished(self, session):
        """Whether training ends before its length; asked between reports."""
        del session
        return False

    def ended(self, session):
        """Called when training has come to its end (not at a signal): puts other weights in place if the last ones are
        not the result. Returns the accuracies of the result, as `evaluate`, or None: the last weights are it."""
        del session
        return None

    def warnings(self, train_nimg):
        """Lines to print at the start of a training to `train_nimg` images: what is likely to be wrong with it."""
        del train_nimg
        return []

    def report(self, session):
        """Additions of an algorithm to a report: text for the console, list of tf.compat.v1.Summary.Value."""
        del session
        return '', []

    def eval_checkpoint(self, path):
        """As evaluate.eval_checkpoint."""
        return evaluate.eval_checkpoint(self, path)
