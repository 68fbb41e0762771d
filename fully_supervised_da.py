"""Supervised training on two domains that are both labelled: AdaMatch's fully supervised baseline (arXiv:2106.04732).

python fully_supervised_da.py --source=mnist --target=usps                                # all labels of both
python fully_supervised_da.py --source=mnist --test_extra=usps,svhn_noextra,mnist_m       # of one, tested on more
"""

import dataclasses

from libml import data_domain, train
from libml.hparams import Hparam, picture_flags
from libml.methods import domain_model
from libml.utils import InputError

import tensorflow as tf


class FullySupervisedDA(domain_model.DomainModel):
    """Cross entropy of both views of both domains, in one pass; nothing is unlabelled.

    (adamatch@7a0b40c fully_supervised/baseline.py)
    """

    LOOP_FLAGS = dict(
        domain_model.DomainModel.LOOP_FLAGS,
        source=Hparam('', 'Domain, all of whose training images are labelled; no_<name> is its whole family without '
                      'it.'),
        target=Hparam('', 'The other such domain; the source unless given: then each batch has two parts of it.'),
        test_extra=Hparam('', 'Comma-separated domains to test on, too.'),
    )
    del LOOP_FLAGS['dataset']
    HPARAMS = dict(domain_model.DomainModel.HPARAMS)
    del HPARAMS['uratio']

    @classmethod
    def load_dataset(cls, args):
        # Without a source it is another dataset that a run of this method is evaluated on.
        args = {'dataset': '', **args, 'target': args['target'] or args['source']}
        if not args['source'] and not args['dataset']:
            raise InputError('--source=: give the domain to train on, such as mnist, or no_<name> for a whole family '
                             'but <name>')
        return super().load_dataset(args)

    @classmethod
    def load_domains(cls, args):
        return data_domain.load_labeled(args['source'], args['target'], args['test_extra'], args['data_dir'],
                                        args['whiten'], **picture_flags(args))

    def views(self):
        return dataclasses.replace(super().views(), unlabeled=None)

    def algorithm(self):
        batch = self.inputs(self.views())
        logits = tf.concat(self.logits('joint', batch.labeled), 0)
        xe = domain_model.labeled_loss(logits, tf.concat(batch.labels, 0))
        return self.momentum_step(batch, {'xe': (1., xe)}, 'joint')


if __name__ == '__main__':
    train.run(FullySupervisedDA)
