"""Base of AdaMatch and its baselines: labelled images of a source, unlabelled ones of a target, two views each."""

from libml import data_domain, data_pair, losses, schedules, train
from libml.augment import cta_learner, domain_tokens
from libml.hparams import Hparam, picture_flags
from libml.methods import momentum_model, pseudo_labels
from libml.utils import InputError

import tensorflow as tf

SETTINGS = ('give --dataset=<name>.<seed>@<labels>-<valid> for semi-supervised learning, or --source=<name> '
            '--target=<name> for adaptation')

ALL_CHECKPOINTS = 1 << 30
# --arch in adamatch@7a0b40c, whose networks are sized for 32, 64 and 128 pixels.
OLD_ARCHS = {'wrn28-2': dict(filters=32, scales=3), 'wrn28-4': dict(filters=64, scales=3),
             'wrn34-2': dict(filters=32, scales=4), 'wrn40-2': dict(filters=32, scales=5)}


class DomainModel(momentum_model.MomentumModel):
    """A MomentumModel on pairs (weak, strong) of labelled and of `uratio` times as many unlabelled images.

    Three settings with one method: --source and --target name two domains (unsupervised adaptation); with
    --target='name(k,seed=s)' k images of each class of the target are labelled, too; --dataset names one dataset, of
    which few images are labelled. Images are in the library's [-1, 1] (adamatch@7a0b40c: (byte - 127.5) / 128).

    Attributes:
        labeled_target: Subset of the labelled images of the target.
    """

    DATASETS = data_pair.PAIR_DATASETS
    UNMIXED = True
    LOOP_FLAGS = {name: spec for name, spec in train.LOOP_FLAGS.items() if name != 'p_unlabeled'}
    LOOP_FLAGS.update(
        dataset=Hparam('', 'Semi-supervised learning: dataset <name>.<seed>@<labels>-<valid>.'),
        source=Hparam('', 'Adaptation: domain of the labelled images; no_<name> is its whole family without it.'),
        target=Hparam('', 'Adaptation: domain of the unlabelled images; <name>(k,seed=s) labels k of each class, too.'),
    )
    HPARAMS = dict(
        momentum_model.MomentumModel.HPARAMS,
        lr=Hparam(0.03, 'Learning rate of momentum 0.9 at the start.', above=0),
        lr_decay=Hparam(0.25, 'The learning rate falls to this fraction along a cosine.', low=0, high=1),
        wd=Hparam(0.001, 'Weight of half the sum of squares of the kernels.', low=0),
        uratio=Hparam(3, 'Unlabelled images for each labelled one.', low=1),
        train_kimg=Hparam(8192, 'Length of training in kimg (1,024 labelled images); the schedules follow it.', False,
                          above=0),
        augment=Hparam('CTA(sm,sm,probe=1)', 'Views of every image: ' + domain_tokens.GRAMMAR
                       + f'; of {", ".join(domain_tokens.PRIMITIVES)}.', False),
        ema=Hparam(0.999, 'Decay of the moving averages; short runs want less (0.99).', False, low=0, below=1),
        show_rates=cta_learner.SHOW_RATES,
    )
    # It counted in mimg (2^20 images), and kept all checkpoints for 0.
    OLD_FLAGS = dict(train_mimg=('train_kimg', lambda mimg: mimg << 10), logdir=('train_dir', str),
                     keep_ckpts=('keep_ckpt', lambda keep: keep or ALL_CHECKPOINTS))
    # Of adamatch@7a0b40c.
    BN_EPSILON = 1e-6
    BN_UNBIASED = False
    BN_AVERAGED = True

    @classmethod
    def load_dataset(cls, args):
        dataset, source, target = args['dataset'], args['source'], args['target']
        imbalance = {flag: args[flag] for flag in ('imbalance_labeled', 'imbalance_unlabeled')}
        # A run records the name of its dataset: for a pair it is made of both.
        if source and target and dataset in ('', f'{source}_to_{target}'):
            if any(imbalance.values()):
                raise InputError(f'--source={source} --target={target}: two domains cannot be skewed: leave out '
                                 + ' and '.join(f'--{flag}' for flag in imbalance))
            return cls.load_domains(args)
        if dataset and not source and not target:
            return cls.DATASETS[dataset](args['data_dir'], args['whiten'], **imbalance, **picture_flags(args))
        raise InputError(f'--dataset={dataset} --source={source} --target={target}: {SETTINGS}')

    @classmethod
    def load_domains(cls, args):
        """The DomainDataSet that the flags `args` name."""
        return data_domain.load(args['source'], args['target'], args['data_dir'], args['whiten'],
                                **picture_flags(args))

    def resolve_params(self):
        p = self.params
        if p.arch in OLD_ARCHS:
            p.update(arch='resnet', repeat=4, **OLD_ARCHS[p.arch])
        super().resolve_params()
        p.augment = self.program.text
        # A resumed run must have the datasets that no_<name> stood for when it began.
        p.sources = ','.join(getattr(self.dataset, 'sources', ()))
        # A dataset of semi-supervised learning has none.
        self.labeled_target = getattr(self.dataset, 'labeled_target', self.dataset.labeled.take(0))

    def make_program(self):
        return domain_tokens.parse(self.params.augment)

    def labeled_subsets(self):
        """Of the source and, if it has any, of the target."""
        subsets = super().labeled_subsets()
        return {**subsets, 'labeled_target': self.labeled_target} if len(self.labeled_target) else subsets

    def pairs(self):
        """The batch of a step (MultiModel.inputs): xt [b, 2, h, w, c], y [b * uratio, 2, h, w, c]."""
        return self.inputs(self.views(), self.rows * self.params.uratio)

    def logits(self, name, parts):
        """Logits of several [n_i, 2, h, w, c] from one training pass called `name`: list of [n_i, 2, C]."""
        images = tf.concat([tf.reshape(part, [-1, *part.shape[2:]]) for part in parts], 0)
        sizes = [2 * part.shape[0] for part in parts]
        logits = tf.split(self.classifier(self.replicas.by_parts(images, sizes), True, name=name).logits, sizes)
        return [tf.reshape(z, [-1, 2, self.params.nclass]) for z in logits]

    def learning_rate(self):
        """Scalar: lr * cos(arccos(lr_decay) progress)."""
        return self.params.lr * schedules.cosine_to(self.progress(), self.params.lr_decay)

    def optimizer(self, lr):
        """Momentum 0.9, not Nesterov's."""
        return tf.compat.v1.train.MomentumOptimizer(lr, self.MOMENTUM)


class PseudoLabelModel(DomainModel):
    """A DomainModel whose confident predictions on weak views are the labels of strong views."""

    HPARAMS = dict(DomainModel.HPARAMS,
                   confidence=Hparam(0.9, 'Smallest probability of a weak prediction that is trained on.', low=0,
                                     high=1))

    def pseudo_label_loss(self, targets, threshold, logits_strong):
        """Mean cross entropy of strong logits [n, C] with the classes of targets [n, C], those below the threshold
        counting as 0; and the share of the others. The unlabelled images of the batch are the last of the n."""
        labels, mask = tf.argmax(targets, -1), tf.cast(tf.reduce_max(targets, -1) >= threshold, tf.float32)
        loss = losses.masked_xe(logits_strong, labels, mask)
        pseudo_labels.watch(self, labels, mask)
        return tf.reduce_mean(loss), tf.reduce_mean(mask)


def labeled_loss(logits, label):
    """Scalar: mean cross entropy of logits [b, 2, C], of both views, with labels [b]."""
    return sum(tf.reduce_mean(losses.masked_xe(logits[:, view], label, 1.)) for view in range(2)) / 2
