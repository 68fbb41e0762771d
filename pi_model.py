"""Pi-model: Temporal Ensembling for Semi-Supervised Learning (arXiv:1610.02242).

python pi_model.py --dataset=cifar10.3@250-5000 --consistency_weight=20
python pi_model.py --dataset=cifar10.3@250-1 --recipe=fixmatch    # as in FixMatch's table
"""

from libml import losses, train
from libml.augment.views import Views
from libml.methods import adam_models
from libml.methods.adam_models import CONSISTENCY_WEIGHT, INERT_SMOOTHING, WARMUP_POS

import tensorflow as tf


class PiModel(adam_models.BaselineModel):
    """The prediction on one view of an unlabelled image follows that on another."""

    HPARAMS = dict(
        adam_models.BaselineModel.HPARAMS,
        consistency_weight=CONSISTENCY_WEIGHT._replace(default=10.),
        smoothing=INERT_SMOOTHING,
        warmup_pos=WARMUP_POS,
    )
    LOSS = 'pm'

    def views(self):
        """Two views of each unlabelled image, weak ones unless --augment says otherwise."""
        labeled, weak, strong = self.kinds()
        return Views(labeled.at('view0'), (weak.at('view0'), strong.at('view1')))

    def teacher(self, y):
        """Logits [b, C] of the views [b, h, w, c] that the student follows."""
        return self.classifier(y, training=True, name='teacher').logits

    def unlabeled_losses(self, y):
        teacher = tf.stop_gradient(self.teacher(y[:, 0]))
        student = self.classifier(y[:, 1], training=True, name='student').logits
        loss = tf.reduce_mean(losses.mse_from_logits(teacher, student))
        return {self.LOSS: (self.ramp() * self.params.consistency_weight, loss)}


if __name__ == '__main__':
    train.run(PiModel)
