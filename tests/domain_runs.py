"""Small models of AdaMatch's baselines and what they are fed."""

import toy
from adamatch_runs import SMALL, dataset

import numpy as np

TINY = dict(SMALL, train_kimg=1)


def recorded(model_class):
    """The class, with the logits of its pass in `recorded`."""

    def logits(self, name, parts):
        self.recorded = model_class.logits(self, name, parts)
        return self.recorded

    return type(model_class.__name__, (model_class,), {'logits': logits})


def build(model_class, folder, labeled_target=7, **params):
    return model_class(str(folder), dataset(labeled_target, size=8), **{**TINY, **params})


def started(model, session):
    """Starts the streams; makes the last layer sure of some images; returns a feed of fixed pictures."""
    model.streams.start(session, 0)
    random, ops = np.random.RandomState(0), model.ops
    toy.set_variables(model, session, {'classify/dense/kernel': random.normal(0, 2, [4, 5])})
    images = [ops[name] for name in ('xt', 'tt', 'y') if ops.get(name) is not None]
    feed = {image: random.uniform(-1, 1, image.shape.as_list()) for image in images}
    feed.update({label: random.randint(0, 5, 4) for label in ops.labels})
    return feed
