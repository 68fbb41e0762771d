"""Consistency training with supervision: a teacher on clean images, then a student on noisy views of the same crops.

python consistency.py --stage=teacher --average=swa
python consistency.py --stage=student --teacher=experiments/cifar10-500/Consistency_<...>_stageteacher

The student is of the teacher's size (another initialisation) or larger, as in Noisy Student (arXiv:1911.04252). After
the Keras example `consistency_training`, which computes averages of the teacher's weights but never uses them, and
draws the crops of the two views apart.
"""

import dataclasses

from libml import data_pair, ema, losses, train
from libml.augment import tokens
from libml.augment.views import View, Views
from libml.augment.weak import Weak
from libml.draws import Draws
from libml.hparams import Hparam
from libml.images import enlarge
from libml.methods import plateau_model
from libml.methods.teacher import SCOPE, Teacher
from libml.training.loop import KIMG
from libml.utils import InputError

import numpy as np
import tensorflow as tf
from easydict import EasyDict

STAGES = ('teacher', 'student')
AVERAGES = ('none', 'ma', 'swa')


class Consistency(plateau_model.PlateauModel):
    """The teacher learns the labels of weakly augmented images. The student learns the labels of the same crops after
    strong augmentation, and there follows the teacher's predictions on the crops themselves.

    With all labels (cifar10-500) there are `batch` images a step. With few (cifar10.1@4000-500) a step of the student
    has `batch` labelled images and `uratio` times as many of all training images: cross entropy is the mean over the
    former, the distance to the teacher that over both. A teacher is trained on labelled images alone.

    The evaluated network, and the one that teaches, has averaged weights and batch-norm statistics of its own. The
    learning rate and the end of training follow, report by report, its loss (teacher) or accuracy (student) on the
    validation images; the weights of the best report are restored in the end.
    """

    DATASETS = data_pair.PAIR_DATASETS
    UNMIXED = True
    LOOP_FLAGS = dict(train.LOOP_FLAGS, enlarge=Hparam(False, 'Enlarge small and grey images to 32x32 colour.'))
    # What shapes a student only.
    STUDENT = dict(
        augment=Hparam('r2_9_0', 'The student\'s noise, a token of: ' + tokens.CHOICES),
        kl_t2=Hparam(False, 'Multiply the distance to the teacher by temperature^2.'),
        temperature=Hparam(10., 'Softens the predictions of teacher and student in the distance between them.',
                           above=0),
        uratio=Hparam(1, 'Images of the whole training set for each labelled one; of no effect where all are '
                      'labelled.', low=1),
        wkl=Hparam(0.5, 'Weight of the distance to the teacher.', low=0),
        wxe=Hparam(0.5, 'Weight of the cross entropy.', low=0),
    )
    HPARAMS = dict(
        plateau_model.PlateauModel.HPARAMS,
        **STUDENT,
        stage=Hparam('teacher', f'{" or ".join(STAGES)}.'),
        teacher=Hparam('', 'Run folder of the student\'s teacher.', False),
        batch=Hparam(128, 'Labelled images in a batch.', low=1),
        lr=Hparam(0.001, 'First learning rate of Adam.', above=0),
        train_kimg=Hparam(4800, 'Longest training in kimg (1,024 labelled images).', False, above=0),
        bn_momentum=Hparam(0.99, 'Momentum of the running batch-norm statistics; short runs want less (0.9).', False,
                           low=0, below=1),
        average=Hparam('none', 'Average of the weights: none, ma (exponential average) or swa (mean of snapshots).'),
        ema=Hparam(0.99, 'Decay of --average=ma.', low=0, below=1),
        swa_start_kimg=Hparam(0, 'First snapshot of --average=swa.', False, low=0),
        swa_period=Hparam(10, 'Steps between snapshots of --average=swa.', False, low=1),
        swa_bn_images=Hparam(4096, 'Training images for the batch-norm statistics of an average.', False, low=1),
        plateau_factor=Hparam(0., 'What the learning rate falls by; 0 means 0.1 for a teacher, 0.5 for a student.',
                              False, low=0, high=1),
    )

    @classmethod
    def load_dataset(cls, args):
        # What args.json calls the size of images that were not framed is no flag.
        dataset = super().load_dataset(dict(args, size=0) if isinstance(args.get('size'), str) else args)
        return enlarged(dataset) if args['enlarge'] else dataset

    def resolve_params(self):
        p, data = self.params, self.dataset
        self.check_choice('stage', STAGES)
        self.check_choice('average', AVERAGES)
        p.plateau_factor = p.plateau_factor or (0.1 if p.stage == 'teacher' else 0.5)
        super().resolve_params()
        if p.swa_bn_images < p.batch:
            raise InputError(f'--swa_bn_images={p.swa_bn_images}: give at least a batch, --batch={p.batch}')
        # For the student: they describe what a teacher takes in.
        if not data.frame:  # With one, --size says it.
            p.size = f'{data.height}x{data.width}x{data.colors}'
        p.whiten = data.whitened
        self.check_stage()

    def check_stage(self):
        """Takes in what only a student has; InputError if a teacher is given any of it."""
        p = self.params
        self.teacher = None
        if p.stage == 'teacher':
            for name, default in dict({name: spec.default for name, spec in self.STUDENT.items()}, teacher='').items():
                if p[name] != default:
                    raise InputError(f'--{name}={p[name]} is for --stage=student, this is --stage=teacher')
            return
        if not p.teacher:
            raise InputError('--stage=student needs --teacher=RUN_FOLDER, the folder of a --stage=teacher')
        mine = self.arguments()
        self.teacher = Teacher(p.teacher, {name: mine[name] for name in ('nclass', 'size', 'whiten', 'dataset')})
        noisy, = tokens.parse(p.augment, self.dataset, counts=(1,))
        self.noise = noisy.strong
        if not self.noise:
            raise InputError(f'--augment={p.augment} adds no noise to the crop; give a token that does, such as r2_9_0')

    def named_hparams(self):
        """A teacher's name leaves out what affects a student only."""
        return [name for name in super().named_hparams() if self.teacher or name not in self.STUDENT]

    def views(self):
        """The clean crop and, for a student, a noisy view of the same crop."""
        data = self.dataset
        clean = View(Weak(data.mirror, data.shift), scope='weak')
        if not self.teacher:
            return Views((clean,))
        pair = clean, dataclasses.replace(clean, strong=self.noise, name='noise')
        return Views(pair, pair if len(data.unlabeled) else None)

    def averages(self):
        """The average of the weights that --average names."""
        p = self.params
        if p.average == 'swa':
            return ema.SnapshotMean(self.batch_number(), -(-p.swa_start_kimg * KIMG // self.rows), p.swa_period)
        return ema.MovingAverage(p.ema, statistics=True) if p.average == 'ma' else ema.LiveWeights()

    def teacher_logits(self, x):
        """float32 [n, C] of clean images [n, h, w, c]."""
        return self.network(SCOPE, self.params.nclass, x, training=False, getter=self.teacher.getter,
                            params=EasyDict(self.params, **self.teacher.params)).logits

    def teacher_terms(self, logits, label):
        """Losses of a teacher, terms of MultiModel.train_step: cross entropy of logits [b, C]."""
        return {'xe': (1., tf.reduce_mean(losses.masked_xe(logits, label, 1.)))}

    def student_terms(self, logits_teacher, logits, label):
        """Losses of a student, terms of MultiModel.train_step: cross entropy, and KL(teacher || student) at the
        temperature.

        Args:
            logits_teacher: [n, C] of clean views; no gradient flows into it.
            logits: [n, C] of noisy views, of which the first b are labelled; label: [b].
        """
        p = self.params
        xe = tf.reduce_mean(losses.masked_xe(logits[:label.shape[0]], label, 1.))
        targets = tf.stop_gradient(logits_teacher) / p.temperature
        kl = tf.reduce_mean(losses.kl_divergence_from_logits(targets, logits / p.temperature))
        if p.kl_t2:
            kl *= p.temperature ** 2
        return {'xe': (p.wxe, xe), 'kl': (p.wkl, kl)}

    def algorithm(self):
        p = self.params
        batch = self.inputs(self.views(), self.rows * p.uratio)
        images = batch.xt if batch.y is None else tf.concat([batch.xt, batch.y], 0)
        clean, noisy = [self.replicas.by_parts(images[:, view], [self.rows, images.shape[0] - self.rows])
                        for view in (0, -1)]
        logits = self.classifier(noisy, training=True, name='train').logits
        if self.teacher:
            terms = self.student_terms(self.teacher_logits(clean), logits, batch.label)
        else:
            terms = self.teacher_terms(logits, batch.label)
        if p.average != 'none':
            self.make_statistics()
        lr = self.make_plateau()
        return self.train_step(batch, terms, tf.compat.v1.train.AdamOptimizer(lr, epsilon=1e-7), 'train',
                               monitors={'monitors/lr': lr})

    def make_statistics(self):
        """Ops for `settle`: batch-norm statistics of the averaged network over views as it is trained on."""
        data, p = self.dataset, self.params
        self.index = tf.compat.v1.placeholder(tf.int64, [])
        if data.frame:
            pixels = self.settling().pixels
            self.fed = pixels.placeholder(p.batch)
            images = pixels.images(self.fed, data.frame.draws(Draws(p.seed, self.index, 'statistics/frame/'), p.batch))
        else:
            images = self.fed = tf.compat.v1.placeholder(tf.uint8, [p.batch, data.height, data.width, data.colors])
        images = self.views().of_labeled(images, Draws(p.seed, self.index, 'statistics/'))['image'][:, -1]
        self.classifier(images, training=True, getter=self.ema.getter, name='average')
        self.statistics = tf.group(ema.reestimation(self.batch_norms['average'].batch_stats, self.index))

    def settling(self):
        """The Subset whose images `settle` takes."""
        data = self.dataset
        return data.unlabeled if self.teacher and len(data.unlabeled) else data.labeled

    def settle(self, session):
        """The batch-norm statistics of the average: always of the same views of the same images."""
        p, subset = self.params, self.settling()
        if p.average == 'none':
            return
        images = subset.pixels.fetch if self.dataset.frame else subset.pixels.__getitem__
        batches = np.resize(subset.positions, [p.swa_bn_images // p.batch, p.batch])
        for index, positions in enumerate(batches):
            session.run(self.statistics, {self.fed: images(positions), self.index: index})

    def fresh(self, session):
        super().fresh(session)
        if self.teacher:  # A checkpoint of the student holds its teacher.
            self.teacher.restore(session)

    def score(self, scalars):
        return super().score(scalars) if self.params.stage == 'teacher' else scalars['accuracy/valid'] / 100


def enlarged(dataset):
    """The same dataset as 32x32 colour images."""
    larger = dataset.with_pixels(enlarge.to_32_color, shift=4)
    larger.origin['enlarge'] = True
    if dataset.adaptation:
        larger.stored, larger.adaptation = dataset.stored, dataset.adaptation._replace(side=32, colors=3)
    return larger


if __name__ == '__main__':
    train.run(Consistency, dataset='cifar10-500', report_kimg=48, save_kimg=48)
