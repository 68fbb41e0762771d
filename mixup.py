"""mixup: Beyond Empirical Risk Minimization (arXiv:1710.09412), with guessed labels for unlabelled images.

python mixup.py --dataset=cifar10.3@250-5000 --beta=0.75
"""

from libml import layers, losses, train
from libml.methods import adam_models

import tensorflow as tf


class Mixup(adam_models.BaselineModel):
    """Trains on mixtures of labelled images, and on mixtures of unlabelled ones with the labels guessed for them."""

    FIXMATCH = dict(augment='d.d')
    HPARAMS = dict(adam_models.BaselineModel.HPARAMS, beta=adam_models.BETA)

    def labeled_part(self, x, onehot):
        return layers.mix_reversed([x, onehot], self.params.beta, self.draws.within('mix_x'))

    def unlabeled_losses(self, y):
        guess = tf.nn.softmax(self.classifier(y, training=True, name='guess').logits)
        y, targets = layers.mix_reversed([y, tf.stop_gradient(guess)], self.params.beta, self.draws.within('mix_y'))
        logits = self.classifier(y, training=True, name='mixed').logits
        return {'xeu': (1., tf.reduce_mean(losses.xe(logits, targets)))}


if __name__ == '__main__':
    train.run(Mixup)
