"""Descriptions of datasets: shape, classes, sizes and facts about the pictures; paths of their files; `<name>.json`."""

import dataclasses
import glob
import json
import os
import re

from libml.datasets import names
from libml.files import in_unicode, listed, read_json, written_whole
from libml.utils import InputError, expanded


@dataclasses.dataclass(frozen=True)
class Description:
    """Shape, classes and size of a dataset as it is stored.

    Attributes:
        name: without seed and sizes, `cifar10`.
        height, width, colors: of every stored image; colors is 1 or 3. Height and width are 0 where pictures have sizes
            of their own; colors is then what they are read as.
        nclass: labels are 0..nclass-1.
        class_names: tuple of nclass strings, by label.
        counts: subset -> number of records. `train`, `extra` (of svhn) and the subsets in `unlabeled` are for training,
            `test` is for testing; others are left alone.
        mirror: whether a mirrored picture is of the same class; digits would become other signs.
        border: zeros that are added on each side of a picture when it is read.
        unlabeled: tuple of the subsets whose stored labels are not true. A subset of the name `unlabeled` is among
            them even if it is not given here.
        fit: one of FITS, how pictures of other sizes became of this one.
        family: what it is a domain of, such as `digitfive`, '' for none; --source=no_<name> is the others of it.
    """
    name: str
    height: int
    width: int
    colors: int
    nclass: int
    class_names: tuple
    counts: dict
    mirror: bool = True
    border: int = 0
    unlabeled: tuple = ()
    fit: str = 'crop'
    family: str = ''

    def __post_init__(self):
        if 'unlabeled' in self.counts and 'unlabeled' not in self.unlabeled:
            object.__setattr__(self, 'unlabeled', (*self.unlabeled, 'unlabeled'))

    @property
    def labeled_subsets(self):
        """Names of the training subsets whose labels are true; positions of a split count through these first."""
        return ['train', 'extra'] if 'extra' in self.counts else ['train']

    @property
    def train_subsets(self):
        """Names of all training subsets, in the order in which splits count their positions."""
        return [*self.labeled_subsets, *self.unlabeled]


# Keys of `<name>.json`.
_FIELDS = [field for field in dataclasses.fields(Description) if field.name != 'name']
KEYS = tuple(field.name for field in _FIELDS if field.default is dataclasses.MISSING)
OPTIONAL_KEYS = tuple(field.name for field in _FIELDS if field.name not in KEYS)
# Of these a file without them has the values of the published dataset of its name.
FACTS = ('mirror', 'border', 'family')
# Subsets for training beside `train`.
OPTIONAL = ('extra', 'unlabeled')
# See libml/pictures/fitting.py.
FITS = 'crop', 'pad', 'stretch'
# Pixels of a side, as a JPEG can have; zeros on each of them.
LARGEST_SIDE, LARGEST_BORDER = 65535, 256
DIGITS = '0 1 2 3 4 5 6 7 8 9'
CIFAR10 = 'airplane automobile bird cat deer dog frog horse ship truck'
CIFAR100 = '''apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
    castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm'''
# Labels of SVHN are digit - 1, as in the original code: its files call the digit zero 10.
SVHN = '1 2 3 4 5 6 7 8 9 0'
STL10 = 'airplane bird car cat deer dog horse monkey ship truck'
FASHION = 'T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Ankle_boot'


def _known(name, side, colors, class_names, counts, **facts):
    class_names = tuple(class_names.split())
    return Description(name, side, side, colors, len(class_names), class_names, counts, **facts)


# The published datasets; a folder that the original code made has no `<name>.json`, so this is what describes it.
DATASET_INFO = {info.name: info for info in (
    _known('cifar10', 32, 3, CIFAR10, dict(train=50000, test=10000)),
    _known('cifar10_1_v4', 32, 3, CIFAR10, dict(train=50000, test=2021)),
    _known('cifar10_1_v6', 32, 3, CIFAR10, dict(train=50000, test=2000)),
    _known('cifar100', 32, 3, CIFAR100, dict(train=50000, test=10000)),
    _known('svhn', 32, 3, SVHN, dict(train=73257, test=26032, extra=531131), mirror=False),
    # In its family without its extra images, which would be most of what is not svhn.
    _known('svhn_noextra', 32, 3, SVHN, dict(train=73257, test=26032), mirror=False, family='digitfive'),
    _known('stl10', 96, 3, STL10, dict(train=5000, test=8000, unlabeled=100000)),
    _known('mnist', 28, 1, DIGITS, dict(train=60000, test=10000), mirror=False, family='digitfive'),
    # Trained on at 32x32, as in remixmatch@f7061eb.
    _known('fashion_mnist', 28, 1, FASHION, dict(train=60000, test=10000), border=2),
    _known('usps', 16, 1, DIGITS, dict(train=7291, test=2007), mirror=False, family='digitfive'),
    _known('mnist_m', 32, 3, DIGITS, dict(train=59001, test=9001), mirror=False, family='digitfive'),
    _known('syndigit', 32, 3, DIGITS, dict(train=479400, test=9553), mirror=False, family='digitfive'),
    # A family of their own: few digits of 8x8 add nothing to many.
    _known('digits', 8, 1, DIGITS, dict(train=1400, test=397), mirror=False, family='digits'),
    _known('digits_m', 16, 3, DIGITS, dict(train=1400, test=397), mirror=False, family='digits'),
)}

# Subsets whose records are those of another dataset: svhn_noextra is svhn without its extra file, and CIFAR-10.1 is a
# test set for what was trained on CIFAR-10.
STORED_AS = {'svhn_noextra': {'train': 'svhn', 'test': 'svhn'}, 'cifar10_1_v4': {'train': 'cifar10'},
             'cifar10_1_v6': {'train': 'cifar10'}}
# File of published labelled positions, beside the records of a dataset that has some.
FOLDS = {'stl10': 'stl10_fold_indices.txt'}


def resolve_data_dir(data_dir=None):
    """The data folder: `data_dir` where given, else $ML_DATA, else ./data. Read when called, not at import."""
    return in_unicode(expanded(data_dir or os.environ.get('ML_DATA') or os.path.join('.', 'data')))


def stored_as(name, subset='train'):
    """Name of the dataset that the records of a subset are stored as."""
    return STORED_AS.get(name, {}).get(subset, name)


def subset_path(data_dir, name, subset):
    """Path of the TFRecord file of one subset of a dataset."""
    return os.path.join(data_dir, f'{stored_as(name, subset)}-{subset}.tfrecord')


def subset_files(data_dir, name, subset):
    """Paths of the TFRecord files of one subset: `<name>-<subset>.tfrecord`, or `-00000-of-00016.tfrecord` and so on.

    Raises:
        InputError: one of those shards is missing.
    """
    path = subset_path(data_dir, name, subset)
    stem = path.removesuffix('.tfrecord')
    shards = sorted(glob.glob(f'{glob.escape(stem)}-{"[0-9]" * 5}-of-{"[0-9]" * 5}.tfrecord'))
    if os.path.exists(path) or not shards:
        return [path]
    wanted = [f'{stem}-{i:05}-of-{shards[0][-14:-9]}.tfrecord' for i in range(int(shards[0][-14:-9]))]
    if shards != wanted:
        odd = sorted(set(wanted) ^ set(shards))[0]
        raise InputError(f'{odd} is ' + ('missing: the other shards are there' if odd in wanted else
                                         f'no shard of the {len(wanted)} that lie beside it'))
    return shards


def train_paths(data_dir, info):
    """Paths of all training records; a position in a split counts through these files one after the other."""
    return [path for subset in info.train_subsets for path in subset_files(data_dir, info.name, subset)]


def test_path(data_dir, name):
    """Path of the test records (svhn_noextra has the file of svhn)."""
    return subset_path(data_dir, name, 'test')


def index_path(data_dir, name, subset):
    """Path of the index of one subset (datasets/index.py)."""
    return subset_path(data_dir, name, subset).removesuffix('.tfrecord') + '.index.npz'


def description_path(data_dir, name):
    """Path of `<name>.json`."""
    return os.path.join(data_dir, f'{name}.json')


def write_description(data_dir, description):
    """Writes `<name>.json`: all fields of a Description but its name; InputError if no dataset can have that name."""
    names.check(description.name)
    content = dataclasses.asdict(description)
    del content['name']
    with written_whole(description_path(data_dir, description.name)) as f:
        json.dump(content, f, indent=2)


def read_description(data_dir, name):
    """The Description in `<name>.json`, or where there is none the one of the published dataset of this name.

    Raises:
        InputError: neither exists, or the file is damaged, contradicts itself, or leaves out a file for training that
            lies beside it.
    """
    names.check(name)
    path = description_path(data_dir, name)
    if not os.path.exists(path):
        if name in DATASET_INFO:
            return DATASET_INFO[name]
        raise InputError(f'unknown dataset {name!r}: there is no {path}, and the known ones are '
                         + ', '.join(sorted(DATASET_INFO)))
    content = {key: getattr(DATASET_INFO[name], key) for key in FACTS} if name in DATASET_INFO else {}
    content.update(_read_keys(path))
    for key, good, requirement in _requirements(content):
        if not good:
            raise InputError(f'{path} is damaged: {key} is {repr(content[key])[:200]}, and must be {requirement}')
    sequences = {key: tuple(content[key]) for key in ('class_names', 'unlabeled') if key in content}
    description = Description(name=name, **{**content, **sequences})
    for subset in OPTIONAL:
        lying = subset_path(data_dir, name, subset)
        if subset not in description.counts and os.path.exists(lying):
            raise InputError(f'{lying} would not be trained on, because counts in {path} is without {subset!r}: add '
                             'its number of records there, or move the file away')
    return description


def families(data_dir):
    """dict name -> family, by name, of the datasets that have one: published ones, and those in the data folder.

    Raises:
        InputError: the description of a dataset in the data folder is damaged, or the folder cannot be read.
    """
    found = {name: info.family for name, info in DATASET_INFO.items()}
    for file in listed(data_dir):
        name = file.removesuffix('.json')
        if name != file and re.fullmatch(names.NAME, name) and os.path.exists(subset_path(data_dir, name, 'train')):
            found[name] = read_description(data_dir, name).family
    return {name: family for name, family in sorted(found.items()) if family}


def difference(one, other):
    """Text that names the first class that one of two Descriptions has alone; '' if their classes are the same."""
    alone = {*one.class_names} ^ {*other.class_names}
    if not alone:
        return ''
    has, lacks = (one, other) if min(alone) in one.class_names else (other, one)
    return f'{has.name} has a class {min(alone)}, and {lacks.name} has none of this name'


def stored_counts(data_dir, info):
    """dict path of a file of records -> how many `<name>.json` says it holds; empty where there is no such file."""
    if not os.path.exists(description_path(data_dir, info.name)):
        return {}
    return {subset_path(data_dir, info.name, subset): count for subset, count in info.counts.items()}


def _read_keys(path):
    """The dict in a `<name>.json`, with all keys that it needs and no unknown one."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f'{path} is damaged: it must be an object with the keys {", ".join(KEYS)}')
    missing, unknown = [key for key in KEYS if key not in content], sorted(set(content) - {*KEYS, *OPTIONAL_KEYS})
    rule = f'its keys are {", ".join(KEYS)}, and it may have {", ".join(OPTIONAL_KEYS)}'
    if missing:
        raise InputError(f'{path} lacks {", ".join(missing)}: {rule}')
    if unknown:
        raise InputError(f'{path} has the unknown key {repr(unknown[0])[:200]}: {rule}')
    return content


def _requirements(content):
    """Yields (key, whether its value is good, what it must be); what is below a bad one must not be asked for."""
    own_size = content['height'] == content['width'] == 0
    for key in ('height', 'width', 'nclass'):
        yield (key, _is_whole(content[key], 0 if own_size and key != 'nclass' else 1)
               and (key == 'nclass' or content[key] <= LARGEST_SIDE),
               'a whole number from 1' + ('' if key == 'nclass' else f' to {LARGEST_SIDE} (height and width: both 0 '
                                                                  'for pictures of any size)'))
    yield 'colors', _is_whole(content['colors'], 1) and content['colors'] in (1, 3), '1 or 3'
    classes, counts, unlabeled = (content.get(key, []) for key in ('class_names', 'counts', 'unlabeled'))
    yield ('class_names', _are_texts(classes) and len(set(classes)) == len(classes) == content['nclass'],
           f'a list of {content["nclass"]} different texts, as many as nclass')
    yield ('counts', isinstance(counts, dict) and all(_is_whole(count, 1) for count in counts.values()),
           'an object of subsets and their numbers of records, whole numbers from 1')
    yield 'mirror', isinstance(content.get('mirror', True), bool), 'true or false'
    yield ('border', _is_whole(content.get('border', 0), 0) and content.get('border', 0) <= LARGEST_BORDER,
           f'a whole number from 0 to {LARGEST_BORDER}')
    yield ('unlabeled', _are_texts(unlabeled) and set(unlabeled) <= set(counts) - {'train', 'test'},
           'a list of subsets in counts, without train and test')
    yield 'fit', content.get('fit', 'crop') in FITS, f'one of {", ".join(FITS)}'
    yield 'family', _is_family(content.get('family', '')), f"'' or a name: {names.RULE}"


def _is_family(value):
    return isinstance(value, str) and (not value or bool(re.fullmatch(names.NAME, value)))


def _is_whole(value, least):
    return type(value) is int and value >= least


def _are_texts(values):
    return isinstance(values, list) and all(isinstance(value, str) and _is_unicode(value) for value in values)


def _is_unicode(text):
    """Whether a text can be written: JSON can hold halves of characters."""
    return text == text.encode(errors='replace').decode()
