"""Base of FixMatch and its relatives: a weak and a strong view of unlabelled images, one forward pass, SGD."""

import re

from libml import data_pair, layers, losses, schedules
from libml.augment import tokens
from libml.hparams import Hparam
from libml.methods import momentum_model
from libml.methods.class_use import ClassUse
from libml.trackers import Average
from libml.training import start_warnings

import numpy as np
import tensorflow as tf

# In the table of methods with a fixed threshold.
CONFIDENCE = Hparam(0.95, 'Smallest probability of a weak prediction that is trained on.', low=0, high=1)
# In the table of methods whose thresholds follow the predictions.
EMA_P = Hparam(0.999, 'Decay of the moving averages of predictions; short runs want less (0.99).', low=0, high=1)
# The learning rate of FixMatch on ImageNet.
STAIRCASE = dict(
    schedule=Hparam('cosine', 'Learning rate: cosine; staircase: rises from 0 in a line, then falls in steps.', False),
    lr_warmup_kimg=Hparam(0., 'kimg in which --schedule=staircase rises to --lr.', False, low=0),
    lr_decay_kimg=Hparam(10240., 'kimg, from the start on, after each of which --schedule=staircase is a tenth.', False,
                         above=0),
)


class PairModel(momentum_model.MomentumModel):
    """A MomentumModel on `uratio` times as many unlabelled images as labelled ones, each as a pair (weak, strong).

    A subclass states its losses on unlabelled images in `unlabeled_losses`.

    Attributes:
        batch: of `inputs`, the batch of the step whose graph is built, with `logits_x`, the labelled logits [b, C].
    """

    DATASETS = data_pair.PAIR_DATASETS
    UNMIXED = True
    HPARAMS = dict(
        momentum_model.MomentumModel.HPARAMS,
        augment=tokens.AUGMENT,
        lr=Hparam(0.03, 'Learning rate of Nesterov momentum; falls to 0.195 of it as a cosine (--schedule).', above=0),
        **STAIRCASE,
        train_kimg=Hparam(65536, 'Length of training in kimg (1,024 labelled images); the learning rate follows it.',
                          False, above=0),
        # Not in the name: in the original it is no flag (FixMatch) or one without effect (UDA).
        ema=Hparam(0.999, 'Decay of the moving average of the weights; short runs want less (0.99).', False, low=0,
                   below=1),
        uratio=Hparam(7, 'Unlabelled images for each labelled one.', low=1),
        ema_statistics=Hparam(False, 'Evaluate the averaged network with averaged batch-norm statistics.', False),
        wd=Hparam(0.0005, 'Weight of half the sum of squares of the kernels.', low=0),
        wd_bias=Hparam(False, 'Weight decay is also of the biases of dense layers.', False),
    )

    def resolve_params(self):
        super().resolve_params()
        self.BN_AVERAGED = self.params.ema_statistics

    def make_program(self):
        return tokens.Program(self.params, self.dataset)

    def learning_rate(self):
        """Scalar: lr times what --schedule says."""
        self.check_choice('schedule', ('cosine', 'staircase'))
        p = self.params
        if p.schedule == 'cosine':
            return super().learning_rate()
        return p.lr * schedules.staircase(self.first_step(), p.lr_warmup_kimg, p.lr_decay_kimg)

    def kernels(self):
        """Those of MultiModel, and with --wd_bias the biases of dense layers."""
        if not self.params.wd_bias:
            return super().kernels()
        return super().kernels() + [v for v in tf.compat.v1.trainable_variables('classify')
                                    if re.search(r'dense(_\d+)?/bias$', v.op.name)]

    def warnings(self, train_nimg):
        p = self.params
        return [*super().warnings(train_nimg), *start_warnings.without_staircase(p.get('schedule'), self.given),
                *start_warnings.long_warmup(p.get('warmup_kimg', 0), train_nimg / 1024)]

    def forward(self, parts):
        """Logits of several batches [n_i, h, w, c] from one pass, named `train`: list of [n_i, C]."""
        return self.outputs(parts)[0]

    def outputs(self, parts):
        """Lists of logits [n_i, C] and features [n_i, F] of batches [n_i, h, w, c] from one pass, named `train`.

        The rows are interleaved as in the original. On one device this changes nothing but their order.
        """
        sizes = [part.shape[0] for part in parts]
        images = tf.concat(parts, 0)
        groups = sum(sizes) // self.rows
        images = self.replicas.by_parts(layers.interleave_rows(images, groups), sizes, groups)
        out = self.classifier(images, training=True, name='train')
        return [tf.split(layers.deinterleave_rows(rows, groups), sizes) for rows in (out.logits, out.embeds)]

    def logits(self, xt, y):
        """Logits of labelled [b, C], weak [n, C] and strong images [n, C]."""
        return self.forward([xt, y[:, 0], y[:, 1]])

    def labeled_losses(self, logits, label):
        """Losses of labelled images, logits [b, C] and label [b]: terms of MultiModel.train_step."""
        return {'xe': (1., tf.reduce_mean(losses.masked_xe(logits, label, 1.)))}

    def unlabeled_losses(self, logits_weak, logits_strong):
        """Losses of unlabelled images, logits [n, C] of both views: terms and monitors of MultiModel.train_step."""
        raise NotImplementedError

    def follow(self, name, value, initial):
        """The moving average of `value`, with decay `ema_p`, after this step; it starts as the number `initial`."""
        return self.track(Average(name, np.full(value.shape, initial), self.params.ema_p)).observe(value)

    def algorithm(self):
        batch = self.batch = self.inputs(self.views(), self.rows * self.params.uratio)
        batch.logits_x, logits_weak, logits_strong = self.logits(batch.xt, batch.y)
        unlabeled, monitors = self.unlabeled_losses(logits_weak, logits_strong)
        terms = {**self.labeled_losses(batch.logits_x, batch.label), **unlabeled}
        return self.momentum_step(batch, terms, 'train', monitors)

    def report(self, session):
        text, values = super().report(session)
        return text, values + [value for part in self.trackers if isinstance(part, ClassUse)
                               for value in part.summaries(session)]
