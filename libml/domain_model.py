"""What AdaMatch and its baselines share: labelled images of a source, unlabelled ones of a target, two views each."""

from libml import augment_domain, cta_learner, data_domain, data_pair, losses, models, schedules, train
from libml.hparams import Hparam
from libml.utils import InputError

import tensorflow as tf
from easydict import EasyDict

SETTINGS = ('give --dataset=<name>.<seed>@<labels>-<valid> for semi-supervised learning, or --source=<name> '
            '--target=<name> for adaptation')


class DomainModel(models.MultiModel):
    """A MultiModel on pairs (weak, strong) of labelled and of `uratio` times as many unlabelled images.

    Three settings with one method: --source and --target name two domains (unsupervised adaptation); with
    --target='name(k,seed=s)' k images of each class of the target are labelled, too; --dataset names one dataset, of
    which few images are labelled. Images are in the library's [-1, 1] (adamatch@7a0b40c: (byte - 127.5) / 128).

    Attributes:
        views: the augment_domain.Views of --augment.
        learner: the cta_learner.Learner, or None without CTAugment.
    """

    DATASETS = data_pair.PAIR_DATASETS
    LOOP_FLAGS = {name: spec for name, spec in train.LOOP_FLAGS.items() if name != 'p_unlabeled'}
    LOOP_FLAGS.update(
        dataset=Hparam('', 'Semi-supervised learning: dataset <name>.<seed>@<labels>-<valid>.'),
        source=Hparam('', 'Adaptation: domain of the labelled images; no_<name> is its whole family without it.'),
        target=Hparam('', 'Adaptation: domain of the unlabelled images; <name>(k,seed=s) labels k of each class, too.'),
    )
    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=Hparam(0.03, 'Learning rate of momentum 0.9 at the start.'),
        lr_decay=Hparam(0.25, 'The learning rate falls to this fraction along a cosine.'),
        wd=Hparam(0.001, 'Weight of half the sum of squares of the kernels.'),
        uratio=Hparam(3, 'Unlabelled images for each labelled one.'),
        train_kimg=Hparam(8192, 'Length of training in kimg (1,024 labelled images); the schedules follow it.', False),
        augment=Hparam('CTA(sm,sm,probe=1)', 'Views of every image: ' + augment_domain.GRAMMAR
                       + f'; of {", ".join(augment_domain.PRIMITIVES)}.', False),
        ema=Hparam(0.999, 'Decay of the moving averages; short runs want less (0.99).', False),
    )
    MOMENTUM = 0.9
    # Of adamatch@7a0b40c.
    BN_EPSILON = 1e-6
    BN_UNBIASED = False
    BN_AVERAGED = True

    @classmethod
    def load_dataset(cls, args):
        dataset, source, target = args['dataset'], args['source'], args['target']
        # A run records the name of its dataset: for a pair it is made of both.
        if source and target and dataset in ('', f'{source}_to_{target}'):
            return data_domain.load(source, target, args['data_dir'], args['whiten'])
        if dataset and not source and not target:
            return cls.DATASETS[dataset](args['data_dir'], args['whiten'])
        raise InputError(f'--dataset={dataset} --source={source} --target={target}: {SETTINGS}')

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        self.check_range('uratio', low=1)
        self.check_range('lr_decay', low=0, high=1)
        self.views = augment_domain.parse(p.augment)
        p.augment = self.views.text
        # What no_<name> stood for when the run began must not change when it goes on.
        p.sources = ','.join(getattr(self.dataset, 'sources', ()))
        # A dataset of semi-supervised learning has none.
        self.labeled_target = getattr(self.dataset, 'labeled_target', self.dataset.labeled.take(0))

    def path_components(self):
        name, *rest = super().path_components()
        return [name, self.views.text, *rest]

    def two_views(self, images, draws):
        """uint8 [b, h, w, c] -> float32 [b, 2, h, w, c]: the weak and the strong view, drawn independently."""
        strong = self.views.strong
        if self.learner:
            strong = self.learner.strong(strong.bytes(images, draws.within('strong')), draws.within('cta'))
        else:
            strong = strong(images, draws.within('strong'))
        return tf.stack([self.views.weak(images, draws.within('weak')), strong], 1)

    def image_batch(self, images, draws):
        """dict of what a stream of images without probes gives: `image` [b, 2, h, w, c]."""
        return {'image': self.two_views(images, draws)}

    def probe_batch(self, images, draws):
        """dict of the probes of labelled images; empty without CTAugment."""
        if not self.learner:
            return {}
        # They start from the same weak views that are trained on.
        return self.learner.probe(self.views.weak.bytes(images, draws.within('weak')), draws.within('probe'))

    def labeled_batch(self, images, draws):
        """dict of what a stream of labelled images gives: `image` [b, 2, h, w, c] and the probes."""
        return {**self.image_batch(images, draws), **self.probe_batch(images, draws)}

    def labeled_streams(self, augment):
        """The streams of labelled images: of the source and, if there are any, of the target."""
        subsets = dict(labeled=self.dataset.labeled, labeled_target=self.labeled_target)
        return [self.stream(name, subset, augment) for name, subset in subsets.items()
                if name == 'labeled' or len(subset)]

    def inputs(self, unlabeled=True):
        """EasyDict of placeholders whose defaults are the streams.

        Args:
            unlabeled: whether there is y.
        Returns:
            x [n, h, w, c] (for classify ops), xt [b, 2, h, w, c] and label [b] (source, or labelled images), tt and
            label_t of the same shapes (only with labelled target images), y [b * uratio, 2, h, w, c]; lists of what is
            labelled, `labeled` and `labels`; `probes`, ops and params of the policies behind the default of x.
        """
        p = self.params
        self.learner = cta_learner.Learner(self.views.cta, self.views.probe) if self.views.cta else None
        batch = EasyDict(labeled=[], labels=[])
        streams = self.labeled_streams(self.labeled_batch)
        for stream, image, label in zip(streams, ('xt', 'tt'), ('label', 'label_t')):
            batch[image], batch[label] = with_default(stream.image, image), with_default(stream.label, label)
            batch.labeled, batch.labels = batch.labeled + [batch[image]], batch.labels + [batch[label]]
        if unlabeled:
            stream = self.stream('unlabeled', self.dataset.unlabeled, self.image_batch, p.batch * p.uratio)
            batch.y = with_default(stream.image, 'y')
        return self.with_probes(batch, streams)

    def with_probes(self, batch, streams):
        """A batch with the placeholder x, by default the probes of `streams` or else xt, and with `probes`."""
        names = ('x', 'ops', 'params') if self.learner else ()
        batch.probes = {name: tf.concat([stream[name] for stream in streams], 0) for name in names}
        x = batch.probes['x'] if self.learner else batch.xt[:, 0]
        batch.x = tf.compat.v1.placeholder_with_default(x, [None, *x.shape[1:]], 'x')
        return batch

    def logits(self, name, parts):
        """Logits of several [n_i, 2, h, w, c] from one training pass called `name`: list of [n_i, 2, C]."""
        images = tf.concat([tf.reshape(part, [-1, *part.shape[2:]]) for part in parts], 0)
        logits = tf.split(self.classifier(images, True, name=name).logits, [2 * part.shape[0] for part in parts])
        return [tf.reshape(z, [-1, 2, self.params.nclass]) for z in logits]

    def learning_rate(self):
        """Scalar: lr * cos(arccos(lr_decay) progress)."""
        return self.params.lr * schedules.cosine_to(self.progress(), self.params.lr_decay)

    def step_ops(self, batch, loss, statistics, scalars, monitors, alignment=None):
        """The EasyDict of ops of a model that minimises `loss` by momentum (not Nesterov's).

        Args:
            batch: of `inputs`.
            loss: scalar without weight decay.
            statistics: name of the pass that the running batch-norm statistics follow.
            scalars, monitors: tag -> scalar; weight decay and the learning rate are added.
            alignment: an alignment.Alignment to update, or None.
        """
        lr, wd = self.learning_rate(), self.l2()
        loss += self.params.wd * wd
        optimizer = tf.compat.v1.train.MomentumOptimizer(lr, self.MOMENTUM)
        classify = self.classify_ops(batch.x)
        before, after = self.rates_update(batch, classify.classify_op)
        before = before + (alignment.new_values() if alignment else [])

        def updates():
            return (after() if after else []) + (alignment.updates() if alignment else [])

        return EasyDict(
            batch, **classify, loss=loss,
            train_op=self.train_op(loss, optimizer, statistics, before=before, after=updates),
            losses={**scalars, 'losses/wd': wd}, monitors={**monitors, 'monitors/lr': lr})

    def rates_update(self, batch, p_probe):
        """Arguments `before` and `after` of train_op for CTAugment's rates; p_probe [n, C] are predictions for x."""
        if not self.learner:
            return [], None
        return self.learner.update(self.batch_number(), p_probe, tf.concat(batch.labels, 0), batch.probes)

    def report(self, session):
        if not self.learner:
            return super().report(session)
        with self.graph.as_default():
            return self.learner.report(session, self.batch_number())


class PseudoLabelModel(DomainModel):
    """A DomainModel whose confident predictions on weak views are the labels of strong views."""

    HPARAMS = dict(DomainModel.HPARAMS,
                   confidence=Hparam(0.9, 'Smallest probability of a weak prediction that is trained on.'))

    def resolve_params(self):
        super().resolve_params()
        self.check_range('confidence', low=0, high=1)

    def pseudo_label_loss(self, targets, threshold, logits_strong):
        """Mean cross entropy of strong logits [n, C] with the classes of targets [n, C], those below the threshold
        counting as 0; and the share of the others."""
        mask = tf.cast(tf.reduce_max(targets, -1) >= threshold, tf.float32)
        loss = losses.masked_xe(logits_strong, tf.argmax(targets, -1), mask)
        return tf.reduce_mean(loss), tf.reduce_mean(mask)


def with_default(tensor, name):
    """A placeholder of a tensor's shape, whose default the tensor is."""
    return tf.compat.v1.placeholder_with_default(tensor, tensor.shape, name)


def labeled_loss(logits, label):
    """Scalar: mean cross entropy of logits [b, 2, C], of both views, with labels [b]."""
    return sum(tf.reduce_mean(losses.masked_xe(logits[:, view], label, 1.)) for view in range(2)) / 2
