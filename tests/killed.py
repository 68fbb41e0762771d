"""Small runs of the methods after FixMatch, and processes that train them until they are killed."""

import multiprocessing

import toy
from comatch import CoMatch
from dash import Dash
from defixmatch import DeFixMatch
from flexmatch import FlexMatch
from freematch import FreeMatch
from libml.training.run_folder import RunFolder
from pair_runs import SMALL
from simmatch import SimMatch
from softmatch import SoftMatch

# With thresholds at which some of the images are trained on from the start.
METHODS = dict(flexmatch=(FlexMatch, dict(confidence=0.4)), freematch=(FreeMatch, dict(ema_p=0.9)),
               softmatch=(SoftMatch, dict(ema_p=0.9, align='labeled')),
               dash=(Dash, dict(batch=128, warmup_kimg=1, drop_kimg=1)), defixmatch=(DeFixMatch, dict(confidence=0.4)),
               simmatch=(SimMatch, dict(confidence=0.4, warmup_kimg=0.1)),
               comatch=(CoMatch, dict(confidence=0.4, contrast_confidence=0.1)))
SAVE = 40  # batches between checkpoints
REPORT = 25
# Processes of it have TensorFlow imported from the start.
CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload(['tensorflow'])


def build(name, folder):
    """The method of this name, with its run in `folder`."""
    model_class, params = METHODS[name]
    params = {**SMALL, **dict(arch='convnet', scales=1, filters=2, train_kimg=1, augment='d.d.r1_1_0'), **params}
    model = model_class(str(folder), toy.dataset(size=8), **params)
    model.folder = RunFolder(str(folder))
    return model


def train(model, batches):
    """Trains until so many batches were seen."""
    size = model.params.batch
    model.train(batches * size, REPORT * size, SAVE * size)


def train_for_ever(name, folder):
    train(build(name, folder), 10 ** 7)


def start(name, folder):
    """A process that trains in `folder`."""
    process = CONTEXT.Process(target=train_for_ever, args=(name, str(folder)), daemon=True)
    process.start()
    return process
