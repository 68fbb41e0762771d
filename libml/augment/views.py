"""Views of pictures: a View makes one picture of each, Views list the ones that a model takes."""

import dataclasses
import functools
import typing

from libml.images.pixels import to_float

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class View:
    """A weak part, which gives bytes, and maybe a strong part after it.

    Calling it makes float32 [b, h, w, c] in [-1, 1] of uint8 [b, h, w, c] and the Draws of their batch.

    Attributes:
        weak: function of (uint8 [b, h, w, c], Draws) that returns the same.
        strong: None, or a function of (uint8 [b, h, w, c], Draws) that returns float32 in [-1, 1], with 0 where nothing
            of the picture is left (bytes have no such mid-grey).
        scope, name: name the draws of the weak and of the strong part.
        place: names all draws of this view.
    """

    weak: typing.Callable
    strong: typing.Callable | None = None
    scope: str = 'd'
    name: str = ''
    place: str = ''

    def __call__(self, images, draws):
        if not self.strong:
            return self.weak_floats(images, draws)
        return self.strong(self.bytes(images, draws), draws.within(self.place).within(self.name))

    def bytes(self, images, draws):
        """The weak part, uint8 [b, h, w, c]: what CTAugment continues with."""
        return self.weak(images, draws.within(self.place).within(self.scope))

    def weak_floats(self, images, draws):
        """The weak part, float32 [b, h, w, c] in [-1, 1]."""
        return to_float(self.bytes(images, draws))

    def at(self, place):
        """The same view with all draws named after `place`: two views of a picture need different places."""
        return dataclasses.replace(self, place=place)

    def learned(self, learner, final_cutout=True):
        """This view's weak part, followed by the learned policies of a cta_learner.Learner."""
        weak = dataclasses.replace(self, place='').bytes
        strong = functools.partial(learner.strong, final_cutout=final_cutout)
        return View(weak, strong, scope='', name='cta', place=self.place)


@dataclasses.dataclass(frozen=True)
class Views:
    """The views that a model takes of its labelled and of its unlabelled pictures.

    Attributes:
        labeled: a View, or a tuple of several.
        unlabeled: a View, or a tuple of several; None where a model takes no unlabelled pictures.
        count: how often the last view of an unlabelled picture is made; each has its own draws.
        learner: the cta_learner.Learner whose probes of the labelled pictures come with them, or None.
    """

    labeled: View | tuple
    unlabeled: View | tuple | None = None
    count: int = 1
    learner: typing.Any = None

    def of_labeled(self, images, draws):
        """Makes the views of a stream of labelled pictures, uint8 [b, h, w, c].

        Returns:
            dict: image, float32 [b, h, w, c] of a single view or [b, views, h, w, c] of several; and `of_probes`.
        """
        return {'image': _stacked(self.labeled, images, draws), **self.of_probes(images, draws)}

    def of_unlabeled(self, images, draws):
        """Makes the views of a stream of unlabelled pictures: dict image, [b, h, w, c] or [b, views, h, w, c]."""
        return {'image': _stacked(self.unlabeled, images, draws, self.count)}

    def of_probes(self, images, draws):
        """Probes of labelled pictures: dict as Learner.probe, {} without CTAugment.

        They start from the same weak views that are trained on.
        """
        if not self.learner:
            return {}
        first = self.labeled if isinstance(self.labeled, View) else self.labeled[0]
        return self.learner.probe(first.bytes(images, draws), draws.within('probe'))


def _stacked(views, images, draws, count=1):
    """Images of one View, or of several stacked on axis 1; the last of several is made `count` times."""
    if isinstance(views, View):
        return views(images, draws)
    *first, last = views
    # All in one call: CTAugment's many operations are in the graph once.
    repeated = last(tf.tile(images, [count, 1, 1, 1]), draws)
    return tf.stack([view(images, draws) for view in first] + tf.split(repeated, count), 1)
