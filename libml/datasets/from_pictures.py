"""Datasets made of pictures: their records, their description, and the list of the pictures they were made of."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import itertools
import json
import multiprocessing
import os

from libml.datasets import descriptions, prepare, records, splits
from libml.datasets.picture_report import Report
from libml.datasets.picture_subsets import SUBSETS, assign, check, check_family, class_names
from libml.files import read_json, removed, written_whole
from libml.images import decode
from libml.pictures import converting
from libml.utils import InputError, progress

import tensorflow as tf

CHUNK = 16


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a dataset is made with; see the flags of scripts/create_from_pictures.py."""
    size: int = 32
    fit: str = 'crop'
    colors: int = 3
    test_share: float = 0.2
    seed: int = 1
    mirror: bool = True
    skip_bad: bool = False
    drop_duplicates: bool = False
    family: str = ''
    classes_of: str = ''


def create(name, data_dir, sources, settings, overwrite=False):
    """Makes a dataset of pictures, and prints what it read and wrote.

    Args:
        name: of the dataset, a letter followed by letters, digits and underscores.
        data_dir: data folder, made where needed.
        sources: dict train, test, unlabeled -> sources.Part; `test` and `unlabeled` may be missing. Unlabelled pictures
            of `train` go into the subset `unlabeled`, too.
        settings: Settings.
        overwrite: whether another dataset of this name is replaced; its splits are removed.
    Returns:
        whether it was written: False where it is there already, made of the same pictures.
    Raises:
        InputError: the pictures do not make a dataset, one is bad, or the name belongs to another dataset. Nothing is
            written then.
    """
    check(name, settings)
    known = descriptions.read_description(data_dir, settings.classes_of) if settings.classes_of else None
    classes = class_names(sources, known)
    description = _description(name, classes, settings)
    check_family(description, data_dir)
    subsets = assign(sources, classes, settings)
    before = _present(name, data_dir)
    if not overwrite and _is_there(name, data_dir, subsets, settings):
        print(f'{name}: it is in {data_dir} already, made of the same pictures')
        return False
    report, digest = Report(classes, partial=bool(known)), hashlib.sha256()
    with contextlib.ExitStack() as stack:
        write = {subset: stack.enter_context(records.writer(descriptions.subset_path(data_dir, name, subset)))
                 for subset, pieces in subsets.items() if any(len(positions) for _, positions in pieces)}
        for picture, converted in stack.enter_context(contextlib.closing(_converted(subsets, settings))):
            subset, path, label = picture
            number = classes.index(label) if label else 0
            _add(digest, picture, converted.content)
            if report.takes(subset, path, number, converted, settings.drop_duplicates):
                write[subset](converted.stored, number, path)
        report.check(settings.skip_bad)
        if _present(name, data_dir) != before:
            raise InputError(f'--name={name}: another process has made a dataset of this name in {data_dir} meanwhile; '
                             'nothing was written')
        _forget(name, data_dir)
        # Before the records are there: the same command goes on where it could not write all of them.
        with written_whole(pictures_path(data_dir, name)) as f:
            json.dump(dict(made_of=_made_of(settings, digest)), f, indent=1)
    counts = {subset: int(sum(counts)) for subset, counts in report.counts.items() if sum(counts)}
    descriptions.write_description(data_dir, dataclasses.replace(description, counts=counts))
    size = f'{settings.size}x{settings.size}x{settings.colors} ({settings.fit})'
    print(f'{name}: {len(classes)} classes, {size if settings.size else "pictures of their own sizes"}, in {data_dir}')
    report.print(sum((part.passed for part in sources.values()), collections.Counter()), settings.drop_duplicates)
    return True


def _description(name, classes, settings):
    """The descriptions.Description of a dataset, without the numbers of its pictures."""
    return descriptions.Description(name, settings.size, settings.size, settings.colors, len(classes), tuple(classes),
                                    {}, mirror=settings.mirror, fit=settings.fit, family=settings.family)


def pictures_path(data_dir, name):
    """Path of the JSON file that says what a dataset was made of: `made_of` has its settings and a digest of all
    pictures. (records.read_origins gives the path of each.)"""
    return os.path.join(data_dir, f'{name}-pictures.json')


def read_made_of(data_dir, name):
    """The dict `made_of` of `pictures_path`, empty where there is no such file.

    Raises:
        InputError: it cannot be read, or is another one.
    """
    path = pictures_path(data_dir, name)
    if not os.path.exists(path):
        return {}
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get('made_of'), dict):
        raise InputError(f'{path} is damaged: it must have an object made_of')
    return content['made_of']


def _listed(subsets):
    """Yields (subset, path, label) of each picture, in the order in which they are read."""
    for subset, pieces in subsets.items():
        for part, positions in pieces:
            yield from ((subset, part.paths[i], part.labels[i]) for i in positions)


def _contents(subsets):
    """Yields the content of each picture, in the same order."""
    for part, positions in itertools.chain.from_iterable(subsets.values()):
        yield from part.load(positions.tolist())


def _converted(subsets, settings):
    """Yields ((subset, path, label), converting.Converted) of each picture; several processes convert them."""
    contents = _contents(subsets)
    chunks = iter(lambda: list(itertools.islice(contents, CHUNK)), [])
    work = functools.partial(converting.convert, size=settings.size, colors=settings.colors, fit=settings.fit)
    total = sum(len(positions) for _, positions in itertools.chain.from_iterable(subsets.values()))
    # Not forked: a copy of a process that runs TensorFlow's threads may wait forever for one of them.
    processes = concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context('spawn'), converting.start)
    # They are started by a thread: an interrupt comes to the main one, and would leave a process half started.
    starter = concurrent.futures.ThreadPoolExecutor(1, initializer=converting.block)
    with processes as pool, starter, progress(total=total, unit='img', unit_scale=True) as bar:
        try:
            futures = records.in_order(starter, functools.partial(pool.submit, work), chunks)
            results = itertools.chain.from_iterable(future.result() for future in futures)
            results = results if settings.size else _trainable(results, settings.colors)
            for picture, converted in zip(_listed(subsets), results):
                yield picture, converted
                bar.update()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise InputError('a process that read pictures was ended from outside; is there enough memory?') from error
        finally:
            pool.shutdown(cancel_futures=True)  # At an error or Ctrl-C, what is under way is enough to wait for.


def _trainable(results, colors):
    """Yields each converting.Converted, with a PNG in place of a JPEG that Pillow reads and TensorFlow does not.

    There are damaged JPEGs of that kind, and training reads by TensorFlow: it would end when it comes to one.
    """
    with decode.decoder() as by_tensorflow, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def checked(converted):
            try:
                if converted.stored:
                    by_tensorflow(converted.stored)
            except tf.errors.InvalidArgumentError:
                return converted._replace(stored=converting.as_png(converted.stored, colors))
            return converted

        yield from records.in_order(pool, checked, results)


def _add(digest, picture, content):
    """Adds a picture to what identifies a dataset: (subset, path, label) and the digest of its content."""
    digest.update(json.dumps(picture).encode() + content)


def _made_of(settings, digest):
    return dict(dataclasses.asdict(settings), pictures=digest.hexdigest())


def _present(name, data_dir):
    """Paths of the files of a dataset of this name that are there."""
    paths = (descriptions.description_path(data_dir, name), pictures_path(data_dir, name),
             *(descriptions.subset_path(data_dir, name, subset) for subset in SUBSETS))
    return [path for path in paths if os.path.exists(path)]


def _is_there(name, data_dir, subsets, settings):
    """Whether the dataset that would be made is there; False too where some of its files are missing.

    Raises:
        InputError: another dataset of this name is there.
    """
    present = _present(name, data_dir)
    if not present:
        return False
    old = read_made_of(data_dir, name)
    digest = hashlib.sha256()
    for picture, content in zip(_listed(subsets), _contents(subsets)):
        _add(digest, picture, converting.digest(converting.loaded(content)))
    new = _made_of(settings, digest)
    if old:  # Of an earlier version it lacks settings that there were not: they were as by default.
        old = {**dataclasses.asdict(Settings()), **old}
    if old != new:
        changed = [f'{key}={old[key]}, not {key}={new[key]}' for key in new if key in old and old[key] != new[key]]
        other = changed[0] if changed and not changed[0].startswith('pictures=') else 'other pictures'
        raise InputError(f'--name={name}: {present[0]} is there already, made of {other}: choose another name, or '
                         'give --overwrite')
    return os.path.exists(descriptions.description_path(data_dir, name)) and not prepare.missing(name, data_dir)


def _forget(name, data_dir):
    """Removes the files of an earlier dataset of this name, its description first, and its splits."""
    for path in (descriptions.description_path(data_dir, name), pictures_path(data_dir, name),
                 *(path(data_dir, name, subset) for subset in SUBSETS
                   for path in (descriptions.subset_path, descriptions.index_path))):
        removed(path)
    for path in splits.forget(data_dir, name):
        print(f'removed {path}: it was a split of the earlier {name}')
