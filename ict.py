"""Interpolation Consistency Training for Semi-Supervised Learning (arXiv:1903.03825).

python ict.py --dataset=cifar10.3@250-5000 --beta=0.75 --consistency_weight=1000
"""

from libml import layers, losses, train
from libml.methods import adam_models

import tensorflow as tf


class ICT(adam_models.BaselineModel):
    """The prediction on a mixture of unlabelled images follows the mixture of the mean teacher's predictions.

    (The original also draws a second view of each image, the third token of --augment, and never uses it.)
    """

    FIXMATCH = dict(augment='d.d.d')
    HPARAMS = dict(
        adam_models.BaselineModel.HPARAMS,
        beta=adam_models.BETA,
        consistency_weight=adam_models.CONSISTENCY_WEIGHT._replace(default=50.),
        warmup_pos=adam_models.WARMUP_POS,
    )

    def unlabeled_losses(self, y):
        p = self.params
        teacher = tf.nn.softmax(self.classifier(y, training=True, getter=self.ema.getter, name='teacher').logits)
        y, targets = layers.mix_reversed([y, tf.stop_gradient(teacher)], p.beta, self.draws.within('mix_y'))
        student = self.classifier(y, training=True, name='student').logits
        return {'mt': (self.ramp() * p.consistency_weight, tf.reduce_mean(losses.brier(student, targets)))}


if __name__ == '__main__':
    train.run(ICT)
