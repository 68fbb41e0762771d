"""Source and target domains: datasets of the same classes, brought to one size, channel count and order of classes.

Names as in adamatch@7a0b40c: --source=mnist --target=svhn, and for few labels in the target --target='svhn(10,seed=1)'.
"""

import contextlib
import dataclasses
import os
import re

from libml.data import DataSet, Subset
from libml.datasets import descriptions, index, names, prepare, splits, subsets
from libml.datasets.on_demand import OnDemand
from libml.images.adaptation import Adaptation
from libml.utils import InputError

import numpy as np

SIDE_MULTIPLE = 16
# A picture that lacks this many pixels at most gets a border of zeros (28 -> 32); a smaller one is enlarged.
LARGEST_BORDER = 4


class DomainDataSet(DataSet):
    """A DataSet whose labelled images are of one domain and whose unlabelled and test images are of another.

    Attributes in addition to those of DataSet:
        source, target: names without label counts, `no_usps`, `usps`; `base` is the target.
        sources: tuple of the datasets that the source consists of; with `load_labeled`, all that is trained on.
        labeled_target: Subset of the target's training images, with equally many of each class or (`load_labeled`) all
            of them; may be empty.
        more_tests: `<source>_to_<target>`, which is `test`, and more: see `load` and `load_labeled`.
    """

    def __init__(self, source, target, sources, labeled, labeled_target, unlabeled, tests, **kwargs):
        name = f'{source}_to_{target}'
        self.source, self.target = source, re.match(r'\w*', target)[0]
        super().__init__(name, labeled, unlabeled, unlabeled.take(0), tests[f'{source}_to_{self.target}'], **kwargs)
        self.base = self.target
        self.sources = tuple(sources)
        self.labeled_target = labeled_target
        self.more_tests = tests


class Domains:
    """Datasets of the same classes, at one size and with one order of classes.

    All get the side `common_shape` says and are colour if any is: grey domains stay grey, which is cheaper and loses
    nothing (the original makes everything colour). Where they order their classes differently (SVHN's digit 0 is its
    last), labels count through the sorted class names. With a frame, pictures of any size are read from their files
    when they are needed, and get its size instead.

    Args:
        flags: dict name -> the flag that names this dataset, for errors.
        data_dir: data folder.
        memory: one of subsets.MEMORY.
        frame: size, resize, crop_area, crop_aspect, as for subsets.frame_of.
    Raises:
        InputError: a dataset is not there or damaged, or two have other classes, or pictures have sizes of their own
            and there is no frame.
    """

    def __init__(self, flags, data_dir, memory='auto', **frame):
        self.data_dir = data_dir
        self.infos = {name: _description(name, flag, data_dir) for name, flag in flags.items()}
        self.classes = _common_classes(self.infos, flags)
        self.mirror = all(info.mirror for info in self.infos.values())
        self.frame = [subsets.frame_of(dataclasses.replace(info, mirror=self.mirror), **frame)
                      for info in self.infos.values()][0]
        side, colors = common_shape(self.infos.values())
        self.shape = self.frame.size if self.frame else side, colors
        if memory != 'auto' and (memory == 'disk') != bool(self.frame):
            raise InputError(f'--memory={memory}: two domains are read from files with --size, and decoded in memory '
                             'without it: leave out --memory')
        self.origin = dict(data_dir=os.path.abspath(data_dir), **(frame if self.frame else {}))

    def read(self, names, chosen):
        """The Subset of all images in the subsets chosen(Description) of some datasets, one after the other."""
        pixels, targets, files = zip(*(self._read(self.infos[name], chosen) for name in names))
        if self.frame:
            joined = OnDemand(index.joined(pixels), (0, 0, self.shape[1]), frame=self.frame)
        else:
            joined = pixels[0] if len(names) == 1 else np.concatenate(pixels)  # A single part is not copied.
        return Subset(joined, np.concatenate(targets), np.arange(len(joined)), sum(map(list, files), []))

    def _read(self, info, chosen):
        """Images uint8 [n, side, side, colors], labels int32 [n] that count through `classes`, the files of both; with
        a frame an Index in the place of images."""
        pixels, targets, files = subsets.read(self.data_dir, info, chosen(info), bool(self.frame), self.frame)
        labels = np.array([self.classes.index(name) for name in info.class_names], np.int32)
        return pixels.contents if self.frame else fit(pixels, *self.shape), labels[targets], files

    def dataset(self, *args, stored, **kwargs):
        """A DomainDataSet of subsets that were read; `stored` names the dataset of its test images."""
        made = DomainDataSet(*args, nclass=len(self.classes), class_names=self.classes,
                             shift=0 if self.frame else self.shape[0] // 8,
                             mirror=self.mirror and not self.frame, **kwargs)
        info = made.stored = self.infos[stored]
        made.frame = self.frame
        made.adaptation = Adaptation(colors=self.shape[1]) if self.frame else adaptation(info.height, info.width,
                                                                                         *self.shape)
        return made


def load(source, target, data_dir='', whiten=False, **pictures):
    """The DomainDataSet of two domains, decoded into memory; see Domains.

    Labelled are all training images of the source; unlabelled are all of the target (whose labels lie beside them
    unused); there is no validation set. `more_tests` has one `<source>_to_<name>` for each dataset of the source.

    Args:
        source: name of a dataset, or no_<name> for all of its family but <name> that are in the data folder.
        target: name of a dataset, or <name>(k,seed=s) for k labelled training images of each class, drawn with the
            seed s and stored in `DA/` of the data folder at first use.
        data_dir: folder of the datasets; else $ML_DATA, else ./data.
        whiten: whether the network's input is normalised by the statistics of the training images of both domains.
        pictures: memory and frame of Domains.
    Raises:
        InputError: a text or a pair is wrong, a dataset is not there or damaged, or a class has fewer than k images.
    """
    data_dir = descriptions.resolve_data_dir(data_dir)
    name, few = parse_target(target)
    sources = _source_names(source, name, data_dir)
    flags = {**dict.fromkeys(sources, f'--source={source}'), name: f'--target={target}'}
    domains = Domains(flags, data_dir, **pictures)
    positions = ()
    if few:
        with _naming(flags[name]):
            positions = splits.domain_split(data_dir, name, *few)
    # Images whose labels are not true are no source.
    labeled = domains.read(sources, _labeled)
    unlabeled = domains.read([name], lambda info: info.train_subsets)
    labeled_target = Subset(unlabeled.pixels, unlabeled.targets, positions, unlabeled.files)
    tests = {f'{source}_to_{domain}': domains.read([domain], _test) for domain in (name, *sources)}
    return domains.dataset(source, target, sources, labeled, labeled_target, unlabeled, tests, stored=name,
                           whiten=whiten, labels_known=not domains.infos[name].unlabeled,
                           origin=dict(domains.origin, source=source, target=target))


def load_labeled(source, target='', test_extra='', data_dir='', whiten=False, **pictures):
    """The DomainDataSet of two domains that are both labelled, decoded into memory; see Domains.

    `labeled` are all training images of the source, `labeled_target` all of the target; nothing is unlabelled.
    `more_tests` has `<target>_to_<source>` and one `<target>_to_<name>` for each of `test_extra`, too.

    Args:
        source: name of a dataset, or no_<name> as for `load`.
        target: the same; it is the source unless given.
        test_extra: comma-separated further ones to test on.
        data_dir, whiten, pictures: as for `load`.
    Raises:
        InputError: as for `load`.
    """
    data_dir = descriptions.resolve_data_dir(data_dir)
    target, extra = target or source, test_extra.split(',') if test_extra else []
    given = [(source, f'--source={source}'), (target, f'--target={target}'),
             *((text, f'--test_extra={test_extra}') for text in extra)]
    flags = dict(reversed(given))
    members = {text: _names(text, flags[text], data_dir) for text, _ in given}
    domains = Domains({name: flags[text] for text in members for name in members[text]}, data_dir,
                      **pictures)
    labeled = {text: domains.read(members[text], _labeled) for text in {source, target}}
    tests = {text: domains.read(members[text], _test) for text in members}
    dataset = domains.dataset(
        source, target, dict.fromkeys(members[source] + members[target]),
        labeled[source], labeled[target], labeled[target],  # Whitening follows both.
        {f'{source}_to_{target}': tests[target], **{f'{target}_to_{text}': tests[text] for text in (source, *extra)}},
        stored=members[target][0], whiten=whiten,
        origin=dict(domains.origin, source=source, target=target, test_extra=test_extra))
    dataset.unlabeled = labeled[target].take(0)
    return dataset


def parse_target(text):
    """(name, None), or for <name>(k,seed=s) (name, (s, k)).

    Raises:
        InputError: the text is of neither form.
    """
    match = re.fullmatch(rf'({names.NAME})(?:\(([1-9]\d{{,17}}),seed=({names.WHOLE})\))?', text)
    if not match:
        raise InputError(f'--target={text}: write <name> (such as usps), or <name>(k,seed=s) for k labelled images of '
                         f'each class (such as "usps(10,seed=1)"); {names.RULE}')
    name, size, seed = match.groups()
    return name, None if size is None else (int(seed), int(size))


def _source_names(source, target, data_dir):
    """The datasets that --source names; none is the target."""
    sources = _names(source, f'--source={source}', data_dir)
    if descriptions.stored_as(target) in map(descriptions.stored_as, sources):
        raise InputError(f'--source={source} has the images of the target {target}: choose two different domains'
                         + (f', such as --source=no_{target}' if len(sources) > 1 else ''))
    return sources


def _names(text, flag, data_dir):
    """The datasets that <name> or no_<name> stands for; `flag` is where it was given."""
    if not re.fullmatch(names.NAME, text):
        raise InputError(f'{flag}: write <name> (such as mnist), or no_<name> for all of its family but it; '
                         + names.RULE)
    if not text.startswith('no_'):
        return [text]
    left_out = text.removeprefix('no_')
    left_out = 'svhn_noextra' if left_out == 'svhn' else left_out
    families = descriptions.families(data_dir)
    if left_out not in families:
        raise InputError(f'{flag}: write no_ and one of ' + ', '.join(families))
    family = families.pop(left_out)
    others = [name for name in families if families[name] == family]
    found = [name for name in others if name in prepare.EMBEDDED or not prepare.missing(name, data_dir)]
    if not others:
        raise InputError(f'{flag}: {left_out} is alone in its family {family} in {data_dir}')
    if not found:
        raise InputError(f'{flag}: none of {", ".join(others)} is in {data_dir}; make them with '
                         f'`python scripts/create_datasets.py --data_dir={data_dir} <name>`')
    return found


def _description(name, flag, data_dir):
    """The Description of a dataset that a flag names."""
    with _naming(flag):
        prepare.ensure(name, data_dir)
        return descriptions.read_description(data_dir, name)


def _common_classes(infos, flags):
    """The class names in the order that labels get: the one of all domains, or sorted where they differ in it."""
    (first, one), *others = infos.items()
    for name, info in others:
        difference = descriptions.difference(one, info)
        if difference:
            raise InputError(f'{flags[first]} and {flags[name]} must have the same classes, but {difference}')
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


def _labeled(info):
    return info.labeled_subsets


def _test(info):
    del info
    return ['test']


@contextlib.contextmanager
def _naming(flag):
    """InputErrors from within say which flag asked for it."""
    try:
        yield
    except InputError as error:
        raise InputError(f'{flag}: {error}') from error
