"""Small teachers and students of consistency.py."""

import toy
from consistency import Consistency

SMALL = dict(toy.SMALL, train_kimg=1, swa_bn_images=16)
TEACHER = dict(SMALL, average='swa', swa_period=2, swa_start_kimg=0, plateau_patience=1, stop_patience=3)


def dataset(nunlabeled=0, **kwargs):
    return toy.dataset(nunlabeled=nunlabeled, **kwargs)


def train(folder, nimg, data=None, report=32, **params):
    """A model trained to nimg images with a checkpoint at each report."""
    model = Consistency(str(folder), data or dataset(), **params)
    model.train(nimg, report, report)
    return model


def make_student(folder, teacher, data=None, **params):
    params = {**SMALL, 'stage': 'student', 'teacher': teacher.folder.path, **params}
    return Consistency(str(folder), data or dataset(), **params)
