"""Small models of simclr.py."""

import toy
from simclr import SimCLR

SMALL = dict(toy.SMALL, batch=4, uratio=2, scales=1, train_kimg=1)


def build(folder, stage, dataset=None, **params):
    return SimCLR(str(folder), dataset or toy.dataset(), **{**SMALL, 'stage': stage, **params})
