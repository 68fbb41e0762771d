"""Mean teachers are better role models (arXiv:1703.01780).

python mean_teacher.py --dataset=cifar10.3@250-5000 --wd=0.2
python mean_teacher.py --dataset=cifar10.3@250-1 --recipe=fixmatch    # as in FixMatch's table
"""

from libml import train
from pi_model import PiModel


class MeanTeacher(PiModel):
    """A Pi-model whose teacher has the averaged weights, with the batch's own batch-norm statistics."""

    HPARAMS = dict(
        PiModel.HPARAMS,
        consistency_weight=PiModel.HPARAMS['consistency_weight']._replace(default=50.),
        smoothing=PiModel.HPARAMS['smoothing']._replace(default=0.001),
    )
    LOSS = 'mt'

    def teacher(self, y):
        return self.classifier(y, training=True, getter=self.ema.getter, name='teacher').logits


if __name__ == '__main__':
    train.run(MeanTeacher)
