"""Self-training with Noisy Student (arXiv:1911.04252), as in AdaMatch's comparison: teacher, student, next student ...

python noisy_student.py --source=mnist --target=usps --id=0
python noisy_student.py --source=mnist --target=usps --id=1 --teacher_id=0
"""

import functools
import os

from libml import losses, models, train
from libml.augment import cta_learner
from libml.data import Subset
from libml.hparams import Hparam
from libml.methods import domain_model, pseudo_labels
from libml.training import evaluate
from libml.training.run_folder import check_component
from libml.utils import InputError, expanded, one_line

import numpy as np
import tensorflow as tf
from easydict import EasyDict

PREDICTIONS = 'predictions.npy'
# Images of different parts of the pool are repeated in proportion, rounded to this fraction of the rarest part.
FINENESS = 4


class NoisyStudent(domain_model.DomainModel):
    """Trains on labelled images and on those unlabelled ones that a finished teacher is sure of, with its predictions.

    At its end each run writes the averaged network's predictions for all unlabelled images, in their order, to
    predictions.npy in its folder, float32 [N, C]; the next student's labels. The original refills a pool from batches
    of all streams, and what does not fill a batch waits; here one stream draws from the whole pool in the same
    proportions, so that a batch depends on its number alone.
    """

    HPARAMS = dict(
        domain_model.DomainModel.HPARAMS,
        id=Hparam('', 'Name of this run, the last part of its folder; 0 for the first teacher.', False),
        pseudo_label_file=Hparam('', 'File of predictions to learn from; without one this is a teacher.', False),
        teacher_id=Hparam('', '--id of the run beside this one whose predictions to learn from.', False),
        pseudo_label_th=Hparam(0.9, 'Predictions with more probability than this are learned from.', False,
                               low=0, below=1),
    )

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        check_component('--id', self.params.id)
        check_component('--teacher_id', self.params.teacher_id)
        if not self.dataset.test.in_memory:
            raise InputError(f'{self.dataset.name}: a NoisyStudent holds the images that it trains on in memory: leave '
                             'out --size, and give --memory=ram')
        if not p.id:
            raise InputError(f'--id={p.id}: give this run a name, such as 0 for a teacher and 1 for its student')
        if p.teacher_id == p.id:
            raise InputError(f'--teacher_id={p.teacher_id}: a run cannot learn from itself, --id is the same')

    def path_components(self):
        return [*super().path_components(), self.params.id]

    @functools.cached_property
    def predictions(self):
        """float32 [N, C], the teacher's predictions for all unlabelled images; None for a teacher."""
        p, unlabeled = self.params, self.dataset.unlabeled
        path = expanded(p.pseudo_label_file)
        if p.teacher_id:
            path = os.path.join(os.path.dirname(self.folder.path), p.teacher_id, PREDICTIONS)
        if not path:
            return None
        try:
            with open(path, 'rb') as f:
                found = np.lib.format.read_array(f, allow_pickle=False)
        except Exception as error:  # NumPy raises whatever it stumbles over.
            raise InputError(f'cannot read the predictions {path} (a run writes them when it is finished): '
                             f'{one_line(error)}') from error
        if found.shape != (len(unlabeled), p.nclass):
            raise InputError(f'{path} has shape {found.shape}, not one row for each of {len(unlabeled)} unlabelled '
                             f'images and a column for each of {p.nclass} classes')
        if found.dtype.kind != 'f' or not (found >= 0).all() or not np.allclose(found.sum(1), 1, atol=1e-3):
            raise InputError(f'{path} does not hold probabilities: a row has numbers of at least 0 with the sum 1')
        return found.astype(np.float32)

    def kept(self):
        """bool [N]: the unlabelled images whose predictions are learned from."""
        return self.predictions.max(1) > self.params.pseudo_label_th

    @functools.cached_property
    def pool(self):
        """The images that are trained on.

        Returns:
            Subset whose targets are distributions, float32 [N, C], and whose positions repeat images so that an image
            appears as often as in the original; and how many batches it makes of one batch of each stream.
        """
        unlabeled, p = self.dataset.unlabeled, self.params
        parts = [(part.images, np.eye(p.nclass, dtype=np.float32)[part.labels], 1 / len(part))
                 for part in (self.dataset.labeled, self.labeled_target) if len(part)]
        if self.predictions is not None:
            kept = self.kept()
            if not kept.any():
                raise InputError(f'--pseudo_label_th={p.pseudo_label_th}: no prediction of the teacher is above it')
            parts.append((unlabeled.images[kept], self.predictions[kept], p.uratio / len(unlabeled)))
        images, targets, weights = zip(*parts)
        repeats = np.round(FINENESS * np.array(weights) / min(weights)).astype(int)
        positions = np.repeat(np.arange(sum(map(len, targets))), np.repeat(repeats, list(map(len, targets))))
        batches = sum(weight * len(target) for weight, target in zip(weights, targets))
        return Subset(np.concatenate(images), np.concatenate(targets), positions), batches

    def probe_period(self):
        """Once for a batch of each stream, however many batches the pool makes of it."""
        return self.program.probe * round(self.pool[1])

    def algorithm(self):
        views = self.views()
        stream = self.stream('pool', self.pool[0], views.of_unlabeled)
        if self.predictions is not None:
            pseudo_labels.watch_all(self, self.predictions.argmax(1), self.kept())
        probed = [self.stream(name, subset, views.of_probes) for name, subset in self.labeled_subsets().items()
                  if self.learner]
        batch = EasyDict(xt=models.placeholder(stream.image, 'xt'), label=models.placeholder(stream.label, 'label'),
                         labels=[s.label for s in probed], probes=cta_learner.joined_probes(probed))
        batch.x = models.placeholder(batch.probes.get('probe', batch.xt[:, 0]), 'x', rows=None)
        batch.update(self.classify_ops(batch.x))
        logits, = self.logits('joint', [batch.xt])
        xe = sum(tf.reduce_mean(losses.xe(logits[:, view], batch.label)) for view in range(2)) / 2
        return self.momentum_step(batch, {'xe': (1., xe)}, 'joint')

    def ended(self, session):
        """Writes predictions.npy."""
        p = evaluate.predict(session, self.ops.classify_op, self.ops.x, self.dataset.unlabeled.images)
        with self.folder.written(PREDICTIONS, 'wb') as f:
            np.save(f, p)
        print(f'Predictions for {len(p)} unlabelled images in {os.path.join(self.folder.path, PREDICTIONS)}')
        return None


if __name__ == '__main__':
    train.run(NoisyStudent)
