"""ReMixMatch: Semi-Supervised Learning with Distribution Alignment and Augmentation Anchoring (arXiv:1911.09785).

python remixmatch.py --dataset=cifar10.3@250-1 --K=8                          # folder CTAReMixMatch_K8_...
python remixmatch.py --dataset=cifar10.3@40-1 --w_rot=2 --warmup_kimg=8192
python remixmatch.py --dataset=stl10.3@1000-1 --K=4 --scales=4 --augment=d.x.d
python remixmatch.py --dataset=cifar10.3@250-1 --K=8 --nouse_xe --w_match=75  # also --w_kl=0, --w_rot=0, --nouse_dm
python remixmatch.py --dataset=cifar10.3@250-1 --K=8 --nocta                  # without CTAugment: folder ReMixMatch_...
python remixmatch.py --dataset=cifar10.3@250-1 --K=8 --augment=d.d.rac        # RandAugment in place of CTAugment
python remixmatch.py --dataset=cifar10.3@250-1 --K=8 --cta_version=fixmatch   # CTAugment of FixMatch's repository
python remixmatch.py --dataset=cifar10.3@250-1 --K=8 --recipe=fixmatch        # all of FixMatch's repository
"""

from libml import layers, losses, trackers, train
from libml.augment import cta_learner, tokens
from libml.hparams import Hparam
from libml.methods import adam_models, rotation
from libml.utils import InputError

import tensorflow as tf

REDUX = ('swap', 'mean', '1st')
T = 0.5  # sharpens guessed labels
BATCHES = 128  # that the distributions of guesses and targets are averages over
EPSILON = 1e-6


class ReMixMatch(adam_models.MixedModel):
    """MixMatch whose guesses get the class distribution of the labels and are the labels of strongly augmented images.

    Its published commands are for its own repository, Adam with decoupled weight decay (remixmatch@f7061eb).
    """

    FIXMATCH = dict(adam_models.MixedModel.FIXMATCH, cta_version='fixmatch')
    HPARAMS = dict(
        adam_models.MixedModel.HPARAMS,
        **cta_learner.REMIXMATCH_HPARAMS,
        augment=tokens.AUGMENT,
        beta=adam_models.MixedModel.HPARAMS['beta']._replace(default=0.75),
        warmup_kimg=Hparam(1024, 'kimg over which w_kl and w_match rise from 0.', low=0),
        # Not in the name: in the original it is no flag.
        ema=Hparam(0.999, 'Decay of the moving average of the weights; short runs want less (0.99).', False, low=0,
                   below=1),
        K=Hparam(1, 'Strong views of each unlabelled image.', low=1, high=100),
        cta=Hparam(True, 'Strong views by CTAugment; stands in the run\'s name as CTAReMixMatch.', False),
        redux=Hparam('', 'Guess for a view: `1st`, the weak view\'s; `swap`, the next view\'s; `mean`, that of all '
                     'views. Unless given, 1st with CTAugment and swap without.'),
        use_dm=Hparam(True, 'Align the distribution of guesses with the distribution of the labels.'),
        use_xe=Hparam(True, 'Loss on unlabelled images: cross entropy, else squared distance.'),
        w_kl=Hparam(0.5, 'Weight of the loss on a strong view before mixing.', low=0),
        w_match=Hparam(1.5, 'Weight of the loss on unlabelled images.', low=0),
        w_rot=Hparam(0.5, 'Weight of the loss on rotated images.', low=0),
    )

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        p.redux = p.redux or ('1st' if self.program.cta else 'swap')
        self.check_choice('redux', REDUX)
        if p.w_rot > 0 and (self.rows % rotation.TURNS or self.dataset.height != self.dataset.width):
            raise InputError(f'--w_rot={p.w_rot}: it rotates quarters of a batch: give a --batch (here {p.batch}) that '
                             'is a multiple of 4 and square images, or --w_rot=0')

    def method_name(self):
        """Tells whether there is CTAugment, as in the original's names."""
        name = super().method_name()
        return name.replace('ReMixMatch', 'CTAReMixMatch', 1) if self.program.cta else name

    def make_program(self):
        return tokens.Program(self.params, self.dataset, cta=self.params.cta)

    def views(self):
        return self.program.views_of_remixmatch(self.learner, self.params.K)

    def view_logits(self, views):
        """Logits [b, C] of the first views, as many of the K + 1 as guesses and the loss before mixing need."""
        p = self.params
        needed = 1 + (p.w_kl > 0) if p.redux == '1st' else len(views)
        return [self.classifier(view, training=True, name=f'guess{i}').logits for i, view in enumerate(views[:needed])]

    def guess(self, logits, n):
        """Class probabilities [n * b, C] of n views from logits [b, C] of each, or of the first ones."""
        p = [tf.nn.softmax(z) for z in logits]
        each = dict(swap=p[1:] + p[:1], mean=[tf.add_n(p) / len(p)] * n)
        each['1st'] = p[:1] * n
        return tf.concat(each[self.params.redux], 0)

    def target(self, p, p_data, p_model):
        """Guesses p [m, C] aligned and sharpened: [m, C], constant (arXiv:1911.09785, section 3.1)."""
        if self.params.use_dm:
            p = layers.renorm(p * (EPSILON + p_data) / (EPSILON + p_model))
        return tf.stop_gradient(layers.renorm(p ** (1 / T)))

    def terms(self, xt, onehot, views, logits, target):
        """The losses, terms of MultiModel.train_step: xe, xeu or l2u, and kl and rot if they have a weight.

        Args:
            xt, onehot: labelled images [b, h, w, c] and their labels [b, C]; views: list of K + 1 [b, h, w, c].
            logits: what view_logits gave; target: [(K + 1) * b, C].
        """
        p, ramp = self.params, self.ramp()
        mixed, targets = self.mixed([xt] + views, [onehot] + tf.split(target, len(views)))
        unlabeled = losses.xe if p.use_xe else losses.brier
        found = {'xe': (1., losses.xe(mixed[0], targets[0])),
                 'xeu' if p.use_xe else 'l2u': (p.w_match * ramp, unlabeled(tf.concat(mixed[1:], 0),
                                                                            tf.concat(targets[1:], 0)))}
        if p.w_kl > 0:
            # As the original: the target of the weak view for the first strong one.
            found['kl'] = p.w_kl * ramp, losses.xe(logits[1], target[:self.rows])
        if p.w_rot > 0:
            images, turns = rotation.rotate_quarters(views[1])
            embeds = self.classifier(images, training=True, name='rotated').embeds
            found['rot'] = p.w_rot, rotation.rotation_loss(embeds, turns)
        return {name: (weight, tf.reduce_mean(loss)) for name, (weight, loss) in found.items()}

    def algorithm(self):
        p = self.params
        batch = self.inputs(self.views())
        views, onehot = tf.unstack(batch.y, axis=1), tf.one_hot(batch.label, p.nclass)
        prior = self.track(trackers.PData(p.nclass, self.dataset.p_unlabeled))
        model, targets = [self.track(trackers.PMovingAverage(name, p.nclass, BATCHES))
                          for name in ('p_model', 'p_target')]
        p_data, p_model, p_target = prior(), model(), targets()

        logits = self.view_logits(views)
        guess = self.guess(logits, len(views))
        target = self.target(guess, p_data, p_model)
        for tracker, observed in ((prior, onehot), (model, guess), (targets, target)):
            tracker.observe(observed)
        terms = self.terms(batch.xt, onehot, views, logits, target)
        # Batch norm follows the last of the interleaved batches, unlike MixMatch's.
        return self.recipe_step(batch, terms, f'mixed{len(views)}', matching(p_data, p_model, p_target))


def matching(p_data, p_model, p_target):
    """Monitors of class distributions float32 [C]: dict tag -> scalar, as the original's summaries."""
    monitors = {tag: tf.reduce_sum(tf.math.xlogy(p_data, p_data) - tf.math.xlogy(p_data, p))
                for tag, p in (('metrics/kld', p_model), ('metrics/kld_target', p_target))}
    for i, (ratio, value) in enumerate(zip(tf.unstack(p_model / p_data), tf.unstack(p_model))):
        monitors.update({f'matching/class{i}_ratio': ratio, f'matching/val{i}': value})
    return monitors


if __name__ == '__main__':
    train.run(ReMixMatch)
