"""Source and target domains: datasets of the same classes, brought to one size, channel count and order of classes.

Names as in adamatch@7a0b40c: --source=mnist --target=svhn, and for few labels in the target --target='svhn(10,seed=1)'.
"""

import contextlib
import os
import re

from libml.data import DataSet, Subset
from libml.datasets import descriptions, names, prepare, records, splits
from libml.images.adaptation import Adaptation
from libml.utils import InputError

import numpy as np

# What --source=no_<name> is drawn from: the other domains of the family of <name>. SVHN is there without its extra
# images, which would be nine tenths of such a source. The families stay apart: few digits of 8x8 add nothing to many.
FAMILIES = (('mnist', 'mnist_m', 'svhn_noextra', 'usps'), ('digits', 'digits_m'))
SIDE_MULTIPLE = 16
# A picture that lacks this many pixels at most gets a border of zeros (28 -> 32); a smaller one is enlarged.
LARGEST_BORDER = 4


class DomainDataSet(DataSet):
    """A DataSet whose labelled images are of one domain and whose unlabelled and test images are of another.

    Attributes in addition to those of DataSet:
        source, target: names without label counts, `no_usps`, `usps`; `base` is the target.
        sources: tuple of the datasets that the source consists of.
        labeled_target: Subset of the target's training images, with equally many of each class; may be empty.
        more_tests: `<source>_to_<target>`, which is `test`, and one `<source>_to_<name>` for each of `sources`.
    """

    def __init__(self, name, labeled, labeled_target, unlabeled, test, source, target, source_tests, **kwargs):
        super().__init__(name, labeled, unlabeled, unlabeled.take(0), test, **kwargs)
        self.base = self.target = target
        self.source = source
        self.sources = tuple(source_tests)
        self.labeled_target = labeled_target
        tests = {target: test, **source_tests}
        self.more_tests = {f'{source}_to_{domain}': subset for domain, subset in tests.items()}


def load(source, target, data_dir='', whiten=False):
    """The DomainDataSet of two domains, decoded into memory.

    Labelled are all training images of the source; unlabelled are all of the target (whose labels lie beside them
    unused); there is no validation set. All domains get the side `common_shape` says and are colour if any is: a pair
    of grey domains stays grey, which is cheaper and loses nothing (the original makes everything colour). Where the
    domains order their classes differently (SVHN's digit 0 is its last), labels count through the sorted class names.

    Args:
        source: name of a dataset, or no_<name> for all of its family but <name> that are in the data folder.
        target: name of a dataset, or <name>(k,seed=s) for k labelled training images of each class, drawn with the
            seed s and stored in `DA/` of the data folder at first use.
        data_dir: folder of the datasets; else $ML_DATA, else ./data.
        whiten: whether the network's input is normalised by the statistics of the training images of both domains.
    Raises:
        InputError: a text or a pair is wrong, a dataset is not there or damaged, or a class has fewer than k images.
    """
    data_dir = descriptions.resolve_data_dir(data_dir)
    target_name, few = parse_target(target)
    flags = dict.fromkeys(_source_names(source, target_name, data_dir), f'--source={source}')
    flags[target_name] = f'--target={target}'
    infos = {name: _description(name, flag, data_dir) for name, flag in flags.items()}
    classes = _common_classes(infos, flags)
    shape = common_shape(infos.values())
    positions = ()
    if few:
        with _naming(flags[target_name]):
            positions = splits.domain_split(data_dir, target_name, *few)

    def read(name, paths):
        return _read(paths, infos[name], shape, classes, data_dir)

    source_trains, source_tests = [], {}
    for name in flags:
        if name != target_name:
            # Images whose labels are not true are no source.
            source_trains.append(read(name, descriptions.labeled_paths(data_dir, infos[name])))
            source_tests[name] = _whole(read(name, [descriptions.test_path(data_dir, name)]))
    pixels, targets, files = train = read(target_name, descriptions.train_paths(data_dir, infos[target_name]))
    test = _whole(read(target_name, [descriptions.test_path(data_dir, target_name)]))
    info = infos[target_name]
    dataset = DomainDataSet(f'{source}_to_{target}', _whole(_joined(source_trains)),
                            Subset(pixels, targets, positions, files), _whole(train), test, source, target_name,
                            source_tests, nclass=len(classes), mirror=all(info.mirror for info in infos.values()),
                            shift=shape[0] // 8, whiten=whiten, labels_known=not info.unlabeled, class_names=classes,
                            origin=dict(data_dir=os.path.abspath(data_dir), source=source, target=target))
    dataset.stored, dataset.adaptation = info, adaptation(info.height, info.width, *shape)
    return dataset


def parse_target(text):
    """(name, None), or for <name>(k,seed=s) (name, (s, k)).

    Raises:
        InputError: the text is of neither form.
    """
    match = re.fullmatch(rf'({names.NAME})(?:\(([1-9]\d*),seed=(\d+)\))?', text)
    if not match:
        raise InputError(f'--target={text}: write <name> (such as usps), or <name>(k,seed=s) for k labelled images of '
                         f'each class (such as "usps(10,seed=1)"); {names.RULE}')
    name, size, seed = match.groups()
    return name, None if size is None else (int(seed), int(size))


def _source_names(source, target, data_dir):
    """The datasets that --source names; none is the target."""
    if not re.fullmatch(names.NAME, source):
        raise InputError(f'--source={source}: write <name> (such as mnist), or no_<name> for all of its family but it; '
                         + names.RULE)
    sources = _family_without(source, data_dir) if source.startswith('no_') else [source]
    stored_as = [descriptions.STORED_AS.get(name, name) for name in sources]
    if descriptions.STORED_AS.get(target, target) in stored_as:
        raise InputError(f'--source={source} has the images of the target {target}: choose two different domains'
                         + (f', such as --source=no_{target}' if len(sources) > 1 else ''))
    return sources


def _family_without(source, data_dir):
    """The datasets of --source=no_<name>."""
    left_out = source.removeprefix('no_')
    left_out = 'svhn_noextra' if left_out == 'svhn' else left_out
    for family in FAMILIES:
        if left_out in family:
            others = [name for name in family if name != left_out]
            found = [name for name in others if name in prepare.EMBEDDED or not prepare.missing(name, data_dir)]
            if not found:
                raise InputError(f'--source={source}: none of {", ".join(others)} is in {data_dir}; make them with '
                                 f'`python scripts/create_datasets.py --data_dir={data_dir} <name>`')
            return found
    raise InputError(f'--source={source}: write no_ and one of ' + ', '.join(sum(FAMILIES, ())))


def _description(name, flag, data_dir):
    """The Description of a dataset that a flag names."""
    with _naming(flag):
        prepare.ensure(name, data_dir)
        return descriptions.read_description(data_dir, name)


def _common_classes(infos, flags):
    """The class names in the order that labels get: the one of all domains, or sorted where they differ in it."""
    (first, one), *others = infos.items()
    for name, info in others:
        if sorted(info.class_names) != sorted(one.class_names):
            raise InputError(f'{flags[first]} and {flags[name]} must have the same classes, but {first} has '
                             f'{" ".join(one.class_names)} and {name} has {" ".join(info.class_names)}')
    same = all(info.class_names == one.class_names for _, info in others)
    return one.class_names if same else tuple(sorted(one.class_names))


def common_shape(infos):
    """(side, colors) of what Descriptions are brought to: the longest side, rounded up to a multiple of 16."""
    side = max(max(info.height, info.width) for info in infos)
    return -(-side // SIDE_MULTIPLE) * SIDE_MULTIPLE, max(info.colors for info in infos)


def fit(images, side, colors):
    """Images at the common size: those up to 4 pixels smaller get a border of zeros, others are enlarged (bicubic).

    Grey becomes three equal channels where `colors` asks for them. Aspect ratio is not kept (as in the original).

    Args:
        images: uint8 [n, h, w, c], h and w at most `side`, c 1 or `colors`.
    Returns:
        uint8 [n, side, side, colors].
    """
    return adaptation(*images.shape[1:3], side, colors)(images)


def adaptation(height, width, side, colors):
    """The Adaptation of `fit`."""
    lacking = [side - height, side - width]
    if max(lacking) > LARGEST_BORDER:
        return Adaptation(side=side, colors=colors)
    return Adaptation(tuple((n // 2, n - n // 2) for n in lacking), colors=colors)


def _read(paths, info, shape, classes, data_dir):
    """Images uint8 [n, side, side, colors], labels int32 [n] that count through `classes`, and the files of both."""
    counts = descriptions.stored_counts(data_dir, info)
    pixels, targets = records.read_records(paths, info.height, info.width, info.colors, info.nclass, counts)
    labels = np.array([classes.index(name) for name in info.class_names], np.int32)
    return fit(pixels, *shape), labels[targets], paths


def _joined(parts):
    """(images, labels, files) of all parts, one after the other; a single part is not copied."""
    if len(parts) == 1:
        return parts[0]
    pixels, targets, files = zip(*parts)
    return np.concatenate(pixels), np.concatenate(targets), sum(files, [])


def _whole(part):
    """The Subset of all of (images, labels, files)."""
    pixels, targets, files = part
    return Subset(pixels, targets, np.arange(len(targets)), files)


@contextlib.contextmanager
def _naming(flag):
    """InputErrors from within say which flag asked for it."""
    try:
        yield
    except InputError as error:
        raise InputError(f'{flag}: {error}') from error
