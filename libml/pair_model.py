"""What FixMatch and its relatives share: a weak and a strong view of unlabelled images, one forward pass, SGD."""

import os

import tensorflow as tf

from libml import augment, augment_grammar, data_pair, layers, models, schedules
from libml.utils import InputError


class PairModel(models.MultiModel):
    """A MultiModel on `uratio` times as many unlabelled images as labelled ones, each as a pair (weak, strong).

    Attributes:
        labeled_field, weak_field, strong_field: the fields of --augment.
    """

    DATASETS = data_pair.PAIR_DATASETS
    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        lr=(0.03, 'Learning rate of Nesterov momentum; falls to 0.195 of it as a cosine.'),
        train_kimg=(65536, 'Length of training in kimg (1,024 labelled images); the learning rate follows it.', False),
        augment=('d.d.d', 'Augmentation of labelled.weak.strong images: ' + augment_grammar.CHOICES, False),
        confidence=(0.95, 'Smallest probability of a weak prediction that is trained on.'),
        # Not in the name: in the original it is no flag (FixMatch) or one without effect (UDA).
        ema=(0.999, 'Decay of the moving average of the weights; short runs want less (0.99).', False),
        uratio=(7, 'Unlabelled images for each labelled one.'),
        wd=(0.0005, 'Weight of the sum of squares of the kernels.'),
    )
    MOMENTUM = 0.9

    def resolve_params(self):
        super().resolve_params()
        if self.params.uratio < 1:
            raise InputError(f'--uratio={self.params.uratio}: give at least 1')
        if not 0 <= self.params.confidence <= 1:
            raise InputError(f'--confidence={self.params.confidence}: give a probability, 0 to 1')
        fields = augment_grammar.parse(self.params.augment, self.dataset.base, counts=(3,))
        self.labeled_field = fields[0]
        self.weak_field, self.strong_field = augment_grammar.views(fields)

    def path_components(self):
        """As the original: --augment stands in the dataset's name, and class weights follow it."""
        name = self.dataset.name.replace(self.dataset.base, f'{self.dataset.base}.{self.params.augment}', 1)
        if self.dataset.p_unlabeled is not None:
            name = os.path.join(name, ','.join(f'{w:g}' for w in self.dataset.p_unlabeled))
        return [name] + super().path_components()[1:]

    def weak_part(self, field):
        """The weak augmentation of a field: uint8 [b, h, w, c], Draws -> the same."""
        weak = self.dataset.weak
        return {'none': augment.Weak(False, 0), 'mirror': augment.Weak(True, 0), 'default': weak}[field.weak]

    def labeled_batch(self, images, draws):
        """dict of what the stream gives of labelled images uint8 [b, h, w, c]: image, and `x` for evaluation ops."""
        image = self.one_view(self.labeled_field, images, draws)
        return {'image': image, 'x': image}

    def unlabeled_batch(self, images, draws):
        """dict of what the stream gives of unlabelled images: image, float32 [b, 2, h, w, c], weak and strong."""
        views = [view(images, draws.within(f'view{i}')) for i, view in enumerate(self.unlabeled_views())]
        return {'image': tf.stack(views, 1)}

    def unlabeled_views(self):
        """The functions that make the view for the label and the view that is trained on."""
        return [self.weak_view, self.strong_view]

    def weak_view(self, images, draws):
        """float32 [b, h, w, c]: the weak view."""
        return self.one_view(self.weak_field, images, draws)

    def strong_view(self, images, draws):
        """float32 [b, h, w, c]: the strong view; its weak part is drawn apart from that of the other view."""
        return self.one_view(self.strong_field, images, draws)

    def one_view(self, field, images, draws):
        """float32 [b, h, w, c] in [-1, 1]: images under the weak and, if there is one, the strong part of a field."""
        images = self.weak_part(field)(images, draws.within('d'))
        return field.strong(images, draws.within(field.text)) if field.strong else augment.to_float(images)

    def inputs(self):
        """Placeholders x [n, h, w, c], xt [b, h, w, c], y [b * uratio, 2, h, w, c], label [b] over the streams.

        Returns:
            x, xt, y, label, and the EasyDict of the labelled stream.
        """
        p = self.params
        labeled = self.stream('labeled', self.dataset.labeled, self.labeled_batch)
        unlabeled = self.stream('unlabeled', self.dataset.unlabeled, self.unlabeled_batch, p.batch * p.uratio)
        x, y, label = self.placeholders(labeled.x, unlabeled.image, labeled.label)
        xt = tf.compat.v1.placeholder_with_default(labeled.image, labeled.image.shape, 'xt')
        return (x, xt, tf.ensure_shape(y, unlabeled.image.shape), tf.ensure_shape(label, labeled.label.shape), labeled)

    def forward(self, parts):
        """Logits of several batches [n_i, h, w, c] from one pass, named `train`: list of [n_i, C].

        The rows are interleaved as in the original. On one device this changes nothing but their order.
        """
        sizes = [part.shape[0] for part in parts]
        images = tf.concat(parts, 0)
        groups = sum(sizes) // self.params.batch
        logits = self.classifier(layers.interleave_rows(images, groups), training=True, name='train').logits
        return tf.split(layers.deinterleave_rows(logits, groups), sizes)

    def learning_rate(self):
        """Scalar: lr * cos(7/16 pi progress) (FixMatch, section 2.3)."""
        return self.params.lr * schedules.cosine(self.progress())

    def optimizer(self, lr):
        """Nesterov momentum 0.9."""
        return tf.compat.v1.train.MomentumOptimizer(lr, self.MOMENTUM, use_nesterov=True)

    def l2(self):
        """Scalar: half the sum of squares of the kernels."""
        return tf.add_n([tf.nn.l2_loss(kernel) for kernel in self.kernels()])
