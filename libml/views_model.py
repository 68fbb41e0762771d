"""A model whose images are augmented as --augment says: what the streams give, and where its runs lie."""

import os

from libml import augment, augment_grammar, models
from libml.hparams import Hparam
from libml.image_pixels import to_float

import tensorflow as tf


class ViewsModel(models.MultiModel):
    """A MultiModel on labelled images and, unless UNLABELED is False, on unlabelled ones in a weak and a strong view.

    Attributes:
        labeled_field, weak_field, strong_field: the fields of --augment; all the same if FIELDS is 1.
    """

    HPARAMS = dict(
        models.MultiModel.HPARAMS,
        augment=Hparam('d.d.d', 'Augmentation of labelled.weak.strong images: ' + augment_grammar.CHOICES, False),
    )
    FIELDS = 3
    UNLABELED = True

    def resolve_params(self):
        super().resolve_params()
        fields = augment_grammar.parse(self.params.augment, self.dataset.base, counts=(self.FIELDS,))
        fields *= 3 // self.FIELDS
        self.labeled_field = fields[0]
        self.weak_field, self.strong_field, *_ = augment_grammar.views(fields, self.params.get('K', 1))

    def path_components(self):
        """As the original: --augment stands in the dataset's name, and class weights follow it."""
        name = self.dataset.name.replace(self.dataset.base, f'{self.dataset.base}.{self.params.augment}', 1)
        if self.dataset.p_unlabeled is not None:
            name = os.path.join(name, ','.join(f'{w:g}' for w in self.dataset.p_unlabeled))
        return [name] + super().path_components()[1:]

    def weak_part(self, field):
        """The weak augmentation of a field: uint8 [b, h, w, c], Draws -> the same."""
        weak = self.weak
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
        return field.strong(images, draws.within(field.text)) if field.strong else to_float(images)

    def unlabeled_rows(self):
        """Unlabelled images in a batch."""
        return self.params.batch

    def inputs(self):
        """Placeholders x [n, h, w, c], xt [b, h, w, c], y [unlabeled_rows, views, h, w, c], label [b] over the streams.

        Returns:
            x, xt, y (None without unlabelled images), label, and the EasyDict of the labelled stream.
        """
        unlabeled_batch = self.unlabeled_batch if self.UNLABELED else None
        x, y, label, labeled = self.open_streams(self.labeled_batch, unlabeled_batch, self.unlabeled_rows())
        xt = tf.compat.v1.placeholder_with_default(labeled.image, labeled.image.shape, 'xt')
        return x, xt, y, label, labeled
