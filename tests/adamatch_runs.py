"""Small AdaMatch models and what they are fed."""

import toy
from adamatch import AdaMatch

import numpy as np

SMALL = dict(toy.SMALL, batch=4, uratio=2, scales=1, augment='(s,s)')


def dataset(labeled_target=0, **kwargs):
    """The toy dataset with, for the setting with few labels in the target, that many images of it labelled."""
    out = toy.dataset(**kwargs)
    out.labeled_target = out.unlabeled.take(labeled_target)
    return out


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(z, labels):
    return -np.log(softmax(z)[np.arange(len(z)), labels])


class Recorded(AdaMatch):
    """AdaMatch that remembers the logits of every pass."""

    def logits(self, name, parts):
        out = super().logits(name, parts)
        self.__dict__.setdefault('recorded', {})[name] = out
        return out


def fixed_feed(model):
    """Random pictures and draws for all inputs of a graph."""
    random, ops = np.random.RandomState(0), model.ops
    feed = {image: random.uniform(-1, 1, image.shape.as_list()) for image in ops.labeled + [ops.y]}
    feed.update({label: random.randint(0, 5, label.shape.as_list()) for label in ops.labels})
    feed.update({lam: random.uniform(0, 1, lam.shape.as_list()) for lam in ops.get('lams', ())})
    return feed
