"""FlexMatch: Boosting Semi-Supervised Learning with Curriculum Pseudo Labeling (arXiv:2110.08263).

FixMatch whose threshold for class c follows how many of the N unlabelled images were last given c for sure:

    sigma(c) = number of images whose last prediction of at least tau was c                      (5)
    beta(c) = sigma(c) / max(max sigma, N - sum sigma); without warm-up sigma(c) / max sigma      (11), (6)
    T(c) = tau M(beta(c)) with M(x) = x / (2 - x); trained on where max p >= T(argmax p)          (7), (12), (8)

python flexmatch.py --dataset=cifar10.3@40-1
python flexmatch.py --dataset=cifar10.3@40-1 --augment=d.d.usb
"""

from fixmatch import FixMatch
from libml import trackers, train
from libml.hparams import Hparam
from libml.methods.class_use import ClassUse

import tensorflow as tf

MAPPINGS = dict(convex=lambda beta: beta / (2 - beta), linear=tf.identity)


class FlexMatch(FixMatch):
    """The thresholds of the step before choose the images; then the marks follow predictions of at least tau."""

    HPARAMS = dict(
        FixMatch.HPARAMS,
        mapping=Hparam('convex', f'M, from how far a class is learned to its threshold: {", ".join(MAPPINGS)}.'),
        warmup=Hparam(True, 'Thresholds stay low while most images were never given a class for sure.'),
    )

    def resolve_params(self):
        super().resolve_params()
        self.check_choice('mapping', MAPPINGS)

    def targets(self, logits_weak):
        p = self.params
        # Marks are one state of the run, in its checkpoints. In USB each process has its own and saves the first's.
        marks = self.track(trackers.Marks(len(self.dataset.unlabeled), p.nclass, p.warmup))
        thresholds = p.confidence * MAPPINGS[p.mapping](marks.beta.read_value())
        labels, sure = super().targets(logits_weak)
        confidence = tf.stop_gradient(tf.reduce_max(tf.nn.softmax(logits_weak), -1))
        # Kept from the code of both, here and for the marks: >=, where the paper has >.
        mask = tf.cast(confidence >= tf.gather(thresholds, labels), tf.float32)
        marks.observe(self.batch.index, labels, sure > 0)
        self.track(ClassUse(p.nclass)).observe(labels, mask, thresholds)
        self.unused = marks.counts.read_value()[0] / len(self.dataset.unlabeled)
        return labels, mask

    def unlabeled_losses(self, logits_weak, logits_strong):
        terms, monitors = super().unlabeled_losses(logits_weak, logits_strong)
        return terms, {**monitors, 'monitors/unused': self.unused}


if __name__ == '__main__':
    train.run(FlexMatch, dataset='cifar10.3@40-1')
