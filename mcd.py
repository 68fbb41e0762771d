"""Maximum Classifier Discrepancy for Unsupervised Domain Adaptation (arXiv:1712.02560), as in AdaMatch's comparison.

python mcd.py --source=mnist --target=usps
"""

import dataclasses

from libml import losses, step_order, train
from libml.augment.views import Views
from libml.hparams import Hparam
from libml.methods import domain_model
from libml.networks import archs, nn

import tensorflow as tf
from easydict import EasyDict

HEADS = (archs.HEAD, 'classify_2/')


class MCD(domain_model.DomainModel):
    """Two classifiers disagree on the target as much as they can, the network below them makes them agree.

    Three phases in each step, each with a momentum of its own and on the weights that the one before left: all learn
    the labelled images; the classifiers move apart on unlabelled ones; the network moves them together, `wu` times.
    Images are weak views, so that --augment counts for its weak part alone. The original has a flag `wd` and does not
    use it; here it is the weight decay of the first phase.
    """

    HPARAMS = dict(
        domain_model.DomainModel.HPARAMS,
        wu=Hparam(1, 'How many times in a step the network is moved towards agreement.', low=0),
    )
    del HPARAMS['show_rates']

    def resolve_params(self):
        super().resolve_params()
        self.check_head()

    def make_program(self):
        """Without CTAugment: nothing would use its rates."""
        return dataclasses.replace(super().make_program(), cta=None)

    def views(self):
        """The weak view, [b, 1, h, w, c]."""
        weak = (self.program.weak,)
        return Views(weak, weak)

    def both(self, name, images):
        """The logits of both classifiers for images [n, h, w, c], [n, C] each, from one training pass called `name`."""
        out = self.classifier(images, True, name=name)
        with tf.compat.v1.variable_scope('classify_2', reuse=tf.compat.v1.AUTO_REUSE):
            return out.logits, nn.dense(out.embeds, self.params.nclass, nn.glorot_normal)

    def supervised(self, name, batch):
        """Scalar: mean cross entropy of the labelled images, summed over the classifiers."""
        images, label = tf.concat(batch.labeled, 0)[:, 0], tf.concat(batch.labels, 0)
        self.replicas.by_parts(images, [self.rows] * len(batch.labeled))
        return sum(tf.reduce_mean(losses.masked_xe(logits, label, 1.)) for logits in self.both(name, images))

    def discrepancy(self, name, batch):
        """Scalar: mean over unlabelled images and classes of the difference of the classifiers' probabilities."""
        first, second = [tf.nn.softmax(logits) for logits in self.both(name, batch.y[:, 0])]
        return tf.reduce_mean(tf.abs(first - second))

    def phase(self, optimizer, loss, variables, statistics=None):
        """Ops that minimise a loss over some variables, then move the running statistics that follow a pass."""
        gradients = self.replicas.mean(tf.tuple(tf.gradients(loss, variables)))
        last = [optimizer.apply_gradients(zip(gradients, variables))]
        with tf.control_dependencies(last):
            return last + (self.batch_norms[statistics].updates() if statistics else [])

    def algorithm(self):
        batch, lr = self.pairs(), self.learning_rate()
        optimizers = [tf.compat.v1.train.MomentumOptimizer(lr, self.MOMENTUM, name=f'Momentum{i}') for i in (1, 2, 3)]
        xe = self.supervised('labeled', batch)
        wd = self.l2()
        loss = xe + self.params.wd * wd
        variables = tf.compat.v1.trainable_variables()
        heads = [v for v in variables if v.op.name.startswith(HEADS)]
        network = [v for v in variables if not v.op.name.startswith(HEADS)]
        last = self.phase(optimizers[0], loss, variables, 'labeled')
        # What is built after a phase reads the weights that it left.
        with tf.control_dependencies(last):
            xe2, dis2 = self.supervised('labeled2', batch), self.discrepancy('unlabeled2', batch)
            last = self.phase(optimizers[1], xe2 - dis2, heads)
        dis3 = []
        for i in range(self.params.wu):
            with tf.control_dependencies(last):
                dis3.append(self.discrepancy(f'unlabeled3_{i}', batch))
                last = self.phase(optimizers[2], dis3[-1], network, f'unlabeled3_{i}')
        scalars = {'losses/xe': xe, 'losses/xe2': xe2, 'losses/dis2': dis2, 'losses/wd': wd}
        if dis3:
            scalars['losses/dis3'] = tf.add_n(dis3) / len(dis3)
        return EasyDict(batch, loss=loss, losses=scalars,
                        monitors={'monitors/lr': lr}, train_op=step_order.end_of_step(self, last, 'labeled'))


if __name__ == '__main__':
    train.run(MCD)
