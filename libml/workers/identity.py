"""What must be the same on all workers of a run."""

import hashlib
import pathlib
import platform
import sys

import numpy as np
import tensorflow as tf

LIBML = pathlib.Path(__file__).resolve().parents[1]
# Arguments that only the chief follows, and where the data lies.
CHIEF = ('data_dir', 'keep_ckpt', 'report_images', 'show_rates', 'train_dir')


def of(model, args):
    """dict name -> value of a train.Model and the arguments of its training, as in args.json."""
    return {**{name: value for name, value in args.items() if name not in CHIEF}, 'code': code(type(model)),
            'data': data(model.dataset), 'python': platform.python_version(), 'tensorflow': tf.__version__,
            'numpy': np.__version__}


def code(cls):
    """Digest of the files of this library and of those that a class and its bases are written in."""
    scripts = {pathlib.Path(path).resolve() for path in (getattr(sys.modules[base.__module__], '__file__', None)
                                                         for base in cls.__mro__) if path}
    digest = hashlib.sha256()
    ours = sorted(LIBML.rglob('*.py'))
    for path in ours + sorted(path for path in scripts if path.suffix == '.py' and path.parent.name != 'libml'
                              and LIBML not in path.parents):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def data(dataset):
    """Digest of a DataSet's labels and of which images are in its subsets."""
    digest = hashlib.sha256()
    for subset in (dataset.labeled, dataset.unlabeled, dataset.valid, dataset.test):
        for array in (subset.positions, subset.labels):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
