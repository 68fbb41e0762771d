"""A network alone, of a checkpoint that says nothing of its model, such as one of the original code."""

from libml.data import DataSet, Subset
from libml.data_pair import adaptation
from libml.datasets import descriptions, names
from libml.models import MultiModel, placeholder
from libml.utils import InputError

import numpy as np
import tensorflow as tf
from easydict import EasyDict


class Classifier(MultiModel):
    """Classifies what is fed to `x`, with the averaged weights; it cannot be trained."""

    def algorithm(self):
        d = self.dataset
        x = placeholder(tf.zeros([1, d.height, d.width, d.colors]), 'x', rows=None)
        return EasyDict(x=x, **self.classify_ops(x))


def described(name, data_dir=''):
    """A DataSet without a single image: its sizes, classes and the way that pictures become its images.

    Args:
        name: of the dataset, also with what follows it on the command line: `cifar10`, `cifar10.3@250-5000`.
        data_dir: folder of the datasets.
    Raises:
        InputError: the name is of no published dataset and of none in the data folder, or of one whose pictures have
            sizes of their own: a checkpoint does not say what the network's size is.
    """
    base = names.parse(name).name if set(name) & set('.-') else name
    info = descriptions.read_description(descriptions.resolve_data_dir(data_dir), base)
    if not info.height:
        raise InputError(f'--dataset={name}: its pictures have sizes of their own, and a checkpoint alone does not say '
                         'which size its network takes: give --run=FOLDER')
    adapted = adaptation(info)
    pixels = adapted(np.zeros([0, info.height, info.width, info.colors], np.uint8))
    nothing = Subset(pixels, np.zeros([0], np.int32), [])
    dataset = DataSet(base, *[nothing] * 4, nclass=info.nclass, mirror=info.mirror, shift=0,
                      class_names=info.class_names)
    dataset.stored, dataset.adaptation = info, adapted
    return dataset
