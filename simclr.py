"""SimCLR: A Simple Framework for Contrastive Learning of Visual Representations (arXiv:2002.05709), for few labels.

Three stages, with the settings of Keras' example of semi-supervised classification on STL-10:

python simclr.py --dataset=stl10.1@5000-0 --arch=conv4 --stage=supervised   # what labels alone give
python simclr.py --dataset=stl10.1@5000-0 --arch=conv4 --stage=pretrain
python simclr.py --dataset=stl10.1@5000-0 --arch=conv4 --stage=finetune --pretrained=<run folder of pretrain>
"""

from libml import losses, models, optimizers, schedules, train
from libml.augment import simclr as augment_simclr
from libml.hparams import Hparam
from libml.methods import ntxent
from libml.networks import nn
from libml.training import checkpoint, evaluate, initial_weights, knn
from libml.training.loop import KIMG
from libml.utils import InputError

import tensorflow as tf
from easydict import EasyDict

CHOICES = dict(stage=('supervised', 'pretrain', 'finetune'), views=('affine', 'simclr'), ntxent=tuple(ntxent.LOSSES),
               optimizer=('adam', 'momentum', 'lars'))
NEIGHBORS = (20, 200)
PROBE_LR = 0.001


class SimCLR(models.MultiModel):
    """An encoder in the scope `encoder`, trained on pairs of views, and a dense layer in `classify` on its features.

    In pretraining the dense layer is a probe: it is trained beside, on labelled images, and sends the encoder no
    gradient. Otherwise both are trained on labelled images only.
    """

    UNMIXED = True
    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        batch=Hparam(25, 'Labelled images in a batch.', low=1),
        lr=Hparam(0.001, 'Learning rate; LARS wants about 0.3 * images / 256. (The probe\'s is 0.001, constant.)',
                  above=0),
        train_kimg=Hparam(98, 'Length of training in kimg (1,024 labelled images).', False, above=0),
        ema=Hparam(0., 'Decay of the moving average of the weights that are evaluated; 0: the weights themselves.',
                   False, low=0, below=1),
        stage=Hparam('pretrain', f'{", ".join(CHOICES["stage"])}: labels alone; pairs of views; labels after those.'),
        pretrained=Hparam('', 'For --stage=finetune: run folder (or checkpoint) whose encoder is trained on.', False),
        uratio=Hparam(20, 'Unlabelled images for each labelled one in a batch of pretraining; both make pairs.',
                      low=0),
        temperature=Hparam(0.1, 'Cosines of projections are divided by this.', above=0),
        ntxent=Hparam('cross', 'Negatives: cross, the other views of the other kind; full, all other views.'),
        proj_hidden=Hparam(128, 'Width of the hidden layer of the projection head.', False, low=1),
        proj_dim=Hparam(128, 'Width of the projections.', False, low=1),
        optimizer=Hparam('adam', f'One of {", ".join(CHOICES["optimizer"])}; momentum is 0.9.'),
        wd=Hparam(0.0001, 'Weight decay of --optimizer=lars.', False, low=0),
        warmup_kimg=Hparam(0, 'kimg over which the learning rate rises from 0.', False, low=0),
        cosine=Hparam(False, 'After that the learning rate falls to 0 as half a cosine; else it is constant.', False),
        views=Hparam('affine', 'Views in pretraining: affine (flip, shift, zoom, linear map of colours) or simclr '
                     '(crop, flip, colour jitter, grey). Else views are affine, with the numbers s_*.'),
        c_min_area=Hparam(0.25, 'Contrastive affine views: least share of the picture\'s area.', False, above=0,
                          high=1),
        c_brightness=Hparam(0.6, 'Contrastive affine views: range of the brightness.', False, low=0),
        c_jitter=Hparam(0.2, 'Contrastive affine views: range of the mixture of colours.', False, low=0),
        s_min_area=Hparam(0.75, 'Views for classification: least share of the picture\'s area.', False, above=0,
                          high=1),
        s_brightness=Hparam(0.3, 'Views for classification: range of the brightness.', False, low=0),
        s_jitter=Hparam(0.1, 'Views for classification: range of the mixture of colours.', False, low=0),
        strength=Hparam(0.5, 'Strength of the colour jitter of --views=simclr.', False, low=0),
        blur=Hparam(False, 'Blur half of the images of --views=simclr.', False),
    )

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        for name, choices in CHOICES.items():
            self.check_choice(name, choices)
        if p.cosine and p.warmup_kimg >= p.train_kimg:
            raise InputError(f'--warmup_kimg={p.warmup_kimg} --train_kimg={p.train_kimg}: with --cosine the learning '
                             'rate falls after the warm-up: give a warm-up shorter than the training')
        if bool(p.pretrained) != (p.stage == 'finetune'):
            raise InputError(f'--stage={p.stage} --pretrained={p.pretrained}: the stage finetune takes the run folder '
                             'of a pretraining, the others take none')
        if p.stage == 'pretrain':
            if self.rows * (1 + p.uratio) < 2:
                raise InputError(f'--batch={p.batch} --uratio={p.uratio}: a single image has no negatives; give more')
            knn.classifier(1)  # Says now if its package is missing.

    def fresh(self, session):
        """The stage finetune starts with the pretrained encoder, averages included."""
        super().fresh(session)
        if self.params.pretrained:
            path = checkpoint.find(self.params.pretrained)
            initial_weights.check_run(path, f'--pretrained={self.params.pretrained}', stage='pretrain',
                                      whiten=self.dataset.whitened, arch=self.params.arch)
            checkpoint.restore_part(session, path, self.encoder_variables, lambda name: name.startswith('encoder/'))

    def encoder(self, x, training, getter=None, name=None):
        """Features [b, F] of images [b, h, w, c]; the arguments are those of `classifier`."""
        return self.network('encoder', None, x, training, getter, name).embeds

    def classifier(self, x, training, getter=None, name=None):
        """As MultiModel.classifier; in pretraining, the logits have no gradient towards the encoder."""
        features = self.encoder(x, training, getter, name)
        fixed = tf.stop_gradient(features) if self.params.stage == 'pretrain' else features
        with tf.compat.v1.variable_scope('classify', reuse=tf.compat.v1.AUTO_REUSE, custom_getter=getter):
            return EasyDict(logits=nn.dense(fixed, self.params.nclass), embeds=features)

    def project(self, features):
        """The projection head: [b, F] -> [b, proj_dim]."""
        with tf.compat.v1.variable_scope('projection', reuse=tf.compat.v1.AUTO_REUSE):
            return nn.dense(tf.nn.relu(nn.dense(features, self.params.proj_hidden)), self.params.proj_dim)

    def contrastive_view(self, images, draws):
        """uint8 [b, h, w, c] -> float32 [b, h, w, c] in [-1, 1]: a view of a pair."""
        p, mirror = self.params, self.dataset.mirror
        if p.views == 'simclr':
            return augment_simclr.simclr(images, draws, mirror, p.strength, p.blur)
        return augment_simclr.affine(images, draws, mirror, p.c_min_area, p.c_brightness, p.c_jitter)

    def pairs(self, images, draws):
        """dict: image, float32 [b, 2, h, w, c], two views of uint8 [b, h, w, c]."""
        views = [self.contrastive_view(images, draws.within(f'view{i}')) for i in range(2)]
        return {'image': tf.stack(views, 1)}

    def labeled_batch(self, images, draws):
        """dict: x, float32 [b, h, w, c], the view for classification; in pretraining also image, the two of `pairs`."""
        p = self.params
        x = augment_simclr.affine(images, draws.within('classify'), self.dataset.mirror, p.s_min_area,
                                  p.s_brightness, p.s_jitter)
        return dict(self.pairs(images, draws), x=x) if p.stage == 'pretrain' else {'x': x}

    def learning_rate(self):
        """Scalar: lr, after a linear warm-up, and falling as half a cosine, if wanted."""
        p, step = self.params, self.first_step()
        lr = p.lr * schedules.warmup(step, p.warmup_kimg)
        if p.cosine:
            share = schedules.progress(step - p.warmup_kimg * KIMG, self.length() - p.warmup_kimg)
            lr *= schedules.half_cosine(share)
        return lr

    def optimizer(self, lr):
        """That of --optimizer; in pretraining, Adam of a constant rate for the probe."""
        p = self.params
        if p.optimizer == 'adam':
            chosen = tf.compat.v1.train.AdamOptimizer(lr, epsilon=1e-7)
        elif p.optimizer == 'momentum':
            chosen = tf.compat.v1.train.MomentumOptimizer(lr, 0.9)
        else:
            chosen = optimizers.LARS(lr, 0.9, p.wd)
        if p.stage != 'pretrain':
            return chosen
        return optimizers.ByScope('classify/', tf.compat.v1.train.AdamOptimizer(PROBE_LR, epsilon=1e-7), chosen)

    def algorithm(self):
        p = self.params
        pretraining = p.stage == 'pretrain'
        labeled = self.stream('labeled', self.dataset.labeled, self.labeled_batch)
        batch = EasyDict(x=models.placeholder(labeled.x, 'x', rows=None), y=None,
                         label=models.placeholder(labeled.label, 'labels'))
        logits = self.classifier(tf.ensure_shape(batch.x, labeled.x.shape), not pretraining,
                                 name=None if pretraining else 'train').logits
        lr = self.learning_rate()
        terms = {'xe': (1., tf.reduce_mean(losses.masked_xe(logits, batch.label, 1.)))}
        monitors = {'monitors/lr': lr}
        if pretraining:
            batch.y = models.placeholder(self.all_pairs(labeled), 'y')
            contrastive, accuracy = self.contrast(batch.y)
            terms['contrastive'] = 1., contrastive
            right = tf.equal(tf.argmax(logits, -1, tf.int32), batch.label)
            monitors.update({'accuracy/contrastive': 100 * accuracy,
                             'accuracy/probe_train': 100 * tf.reduce_mean(tf.cast(right, tf.float32))})
        batch.update(self.classify_ops(batch.x))
        self.features = self.encoder(batch.x, training=False, getter=self.ema.getter)
        # The variables that finetuning starts with: taken before the optimizer makes its own.
        self.encoder_variables = tf.compat.v1.global_variables('encoder/')
        ops = self.train_step(batch, terms, self.optimizer(lr), 'train', monitors=monitors)
        ops.tune_op = self.tune_op('train')
        return ops

    def all_pairs(self, labeled):
        """float32 [n, 2, h, w, c]: the pairs of views of labelled and unlabelled images, n = batch * (1 + uratio)."""
        p = self.params
        if not p.uratio:
            return labeled.image
        unlabeled = self.stream('unlabeled', self.dataset.unlabeled, self.pairs, self.rows * p.uratio)
        return tf.concat([labeled.image, unlabeled.image], 0)

    def contrast(self, y):
        """NT-Xent and its accuracy, scalars, of pairs [n, 2, h, w, c]; all views are one batch of batch norm."""
        views, p = tf.concat([y[:, 0], y[:, 1]], 0), self.params
        self.replicas.by_parts(views, [self.rows, self.rows * p.uratio] * 2)
        features = self.encoder(views, training=True, name='train')
        a, b = tf.split(self.project(features), 2)
        per_image = ntxent.LOSSES[self.params.ntxent](a, b, self.params.temperature)
        return tf.reduce_mean(per_image), ntxent.accuracy(a, b)

    def evaluate(self, session):
        """As Model.evaluate; in pretraining the accuracy is the probe's, and the nearest neighbours' is added.

        Their bank are the features of the labelled images.
        """
        found = super().evaluate(session)
        if self.params.stage == 'pretrain':
            bank, test = self.dataset.labeled, self.dataset.test
            bank_features, features = [evaluate.predict(session, self.features, self.ops.x, s.images)
                                       for s in (bank, test)]
            found['accuracy/probe'] = found['accuracy']
            for k in NEIGHBORS:
                found[f'accuracy/knn{k}'] = knn.accuracy(bank_features, bank.labels, features, test.labels, k)
        return found


if __name__ == '__main__':
    train.run(SimCLR, report_kimg=5)
