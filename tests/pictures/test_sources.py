"""Pictures are found in folders, CSV files, arrays and sets of TensorFlow Datasets."""

import io
import os
import sys
import types

from libml.pictures import sources
from refusals import refused

import numpy as np
import pytest
from PIL import Image


def put(folder, *paths):
    """Files that are pictures by their names alone."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode('utf-8', 'surrogateescape'))
    return folder


def contents(part):
    """What the files of a Part hold: in this module, their paths."""
    return [open(path).read() for path in part.load(range(len(part.paths)))]


def test_class_folders(tmp_path):
    put(tmp_path, 'dog/b.PNG', 'cat/deep/er/a b.jpeg', 'cat/Ä.Jpg', 'cat/notes.txt', '.hidden/x.png', 'cat/._y.png',
        'cat/Thumbs.db', 'README', 'empty/.DS_Store')
    part = sources.class_folders(str(tmp_path))
    assert part.paths == ['cat/deep/er/a b.jpeg', 'cat/Ä.Jpg', 'dog/b.PNG'] == contents(part)
    assert part.labels == ['cat', 'cat', 'dog']
    assert part.passed == {'.txt': 1, '.png': 1, '.db': 1, 'README': 1, '.DS_Store': 1}
    assert list(part.load([0, 2])) == [os.path.join(tmp_path, path) for path in (part.paths[0], part.paths[2])]


def test_class_names_are_composed(tmp_path):
    put(tmp_path, 'e\u0301le\u0300ve/a.png', 'cat/a.png')
    assert sources.class_folders(str(tmp_path)).labels == ['cat', 'élève']
    assert sources.class_name(' a\udcff ') == 'a?'


def test_folders_inside_each_other(tmp_path):
    put(tmp_path, 'cat/a.png', 'test/cat/b.png', 'more/c.png')
    others = [str(tmp_path), str(tmp_path / 'test'), str(tmp_path / 'more')]
    assert sources.class_folders(others[0], others).paths == ['cat/a.png']
    assert sources.class_folders(others[1], others).paths == ['cat/b.png']
    assert sources.unlabeled_folder(others[2], others).paths == ['c.png']


def test_links_are_followed_once(tmp_path):
    put(tmp_path, 'far/a.png', 'here/cat/b.png')
    (tmp_path / 'here' / 'dog').symlink_to(tmp_path / 'far')
    (tmp_path / 'here' / 'cat' / 'up').symlink_to(tmp_path / 'here')
    assert sources.class_folders(str(tmp_path / 'here')).paths == ['cat/b.png', 'dog/a.png']


def test_wrong_folders(tmp_path):
    with refused('nothing', 'no folder'):
        sources.class_folders(str(tmp_path / 'nothing'))
    (tmp_path / 'notes.txt').touch()
    with refused(str(tmp_path), 'no pictures', '.jpg'):
        sources.unlabeled_folder(str(tmp_path))
    put(tmp_path, 'cat/a.png', 'bare.png')
    with refused('one folder for each class', '1 of its pictures', 'bare.png'):
        sources.class_folders(str(tmp_path))
    (tmp_path / 'bare.png').unlink()
    put(tmp_path, ' /a.png')
    with refused("' ' is no name of a class"):
        sources.class_folders(str(tmp_path))


def test_class_folders_without_pictures_are_named(tmp_path, capsys):
    put(tmp_path, 'cat/a.png', 'test/dog/b.png')
    for name in ('bird', '.hidden', 'more'):
        (tmp_path / name).mkdir()
    assert sources.class_folders(str(tmp_path), [str(tmp_path / 'test')]).labels == ['cat']
    warned = [f'warning: {tmp_path / name} has no pictures: it is no class' for name in ('bird', 'more')]
    assert capsys.readouterr().err.splitlines() == warned


@pytest.mark.parametrize('text', [
    'path,label\na b.png,cat\n"c,d.png",dog\nsub/é.jpg,\n', 'a b.png,cat\r\n"c,d.png",dog\r\nsub/é.jpg,\r\n',
    '\ufeffPath;Label\r\na b.png;cat\r\nc,d.png;dog\r\nsub/é.jpg;\r\n', 'a b.png\tcat\nc,d.png\tdog\n\nsub/é.jpg\t\n',
    'id,label,path\n1,cat,a b.png\n2, dog ,"c,d.png"\n3,,sub/é.jpg\n', 'c,d.png;dog\na b.png;cat\nsub/é.jpg;',
    'a b.png,cat\n"c,d.png",dog\nsub/é.jpg,""\na b.png,cat\n./a b.png,cat\n',
    '"a b.png" cat\nc,d.png dog\nsub/é.jpg ""\n'])
@pytest.mark.parametrize('beside', [True, False])
def test_csv(tmp_path, text, beside):
    put(tmp_path / 'pictures', 'a b.png', 'c,d.png', 'sub/é.jpg')
    path = tmp_path / ('pictures' if beside else '.') / 'labels.csv'
    path.write_bytes(text.encode())
    part, files = sources.table(str(path), '' if beside else str(tmp_path / 'pictures'))
    assert part.paths == ['a b.png', 'c,d.png', 'sub/é.jpg'] == contents(part)
    assert part.labels == ['cat', 'dog', None] and list(part.load(range(3))) == files
    known = map(os.path.realpath, files)
    put(tmp_path / 'pictures', 'other.png')
    assert sources.unlabeled_folder(str(tmp_path / 'pictures'), (), known).paths == ['other.png']


def test_a_published_list(tmp_path):
    put(tmp_path, 'clipart/axe/a.jpg', 'clipart/bat/b.jpg')
    (tmp_path / 'clipart_train.txt').write_text('clipart/bat/b.jpg 17\nclipart/axe/a.jpg 2\n')
    part, _ = sources.table(str(tmp_path / 'clipart_train.txt'))
    assert part.paths == ['clipart/axe/a.jpg', 'clipart/bat/b.jpg'] == contents(part) and part.labels == ['2', '17']


@pytest.mark.parametrize('text, wrong', [
    ('a.png,cat\na.png,dog\n', ['line 2', 'a.png', 'more than one label', 'cat', 'dog']),
    ('a.png,cat\n./a.png,\n', ['line 2', 'more than one label', 'cat', 'none']),
    ('path,label\n', ['names no pictures']), ('', ['names no pictures']),
    ('a.png,cat\nb.png\n', ['line 2', '1 columns, not 2']), ('a.png,cat\n,dog\n', ['line 2', 'no path']),
    ('a.png,cat,1\n', ['line 1', '3 columns, not 2']), ('a.png,"cat\nb.png,dog\n', ['unexpected end of data']),
    (b'a.png,caf\xe9\n', ['it must be UTF-8']), ('a\0.png,cat\n', ['null byte']),
    ('a.png,"a\nb"\n', [r"'a\nb' is no name of a class"])])
def test_wrong_csv(tmp_path, text, wrong):
    path = tmp_path / 'labels.csv'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with refused('labels.csv', *wrong):
        sources.table(str(path))
    with refused('nothing.csv', 'No such file'):
        sources.table(str(tmp_path / 'nothing.csv'))


def test_arrays(tmp_path):
    x = np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3)
    np.savez(tmp_path / 'a.npz', x=x, y=np.array([2, -1, 10, 2]))
    part = sources.arrays(str(tmp_path / 'a.npz'))
    assert part.paths == ['0', '1', '2', '3'] and part.labels == ['2', None, '10', '2']
    np.testing.assert_array_equal(list(part.load([1, 3])), x[[1, 3]])
    np.savez(tmp_path / 'a.npz', x=x[..., 0], y=np.zeros([4, 1], np.uint8))
    assert sources.arrays(str(tmp_path / 'a.npz')).labels == ['0'] * 4


X = np.zeros([3, 2, 2, 3], np.uint8)


@pytest.mark.parametrize('content, wrong', [
    (dict(x=X), 'no array x or no array y'), (dict(x=X / 2, y=[0, 1, 0]), 'float64'),
    (dict(x=X[0, 0], y=[0, 1]), 'not uint8'), (dict(x=X[..., :2], y=[0, 1, 0]), 'not uint8'),
    (dict(x=X, y=[0, 1]), 'y must be 3 whole numbers'), (dict(x=X, y=[0, 1, -2]), 'y must'),
    (dict(x=X, y=[0, 1, 0.5]), 'y must'), (dict(x=X[:0], y=np.int64([])), 'no pictures'),
    (dict(x=X, y=np.array([0, 'a', None], object)), 'Object arrays cannot be loaded')])
def test_wrong_arrays(tmp_path, content, wrong):
    np.savez(tmp_path / 'a.npz', **content)
    with refused('a.npz', wrong):
        sources.arrays(str(tmp_path / 'a.npz'))


def test_damaged_arrays(tmp_path):
    np.savez_compressed(tmp_path / 'a.npz', x=X, y=[0, 1, 0])
    content = (tmp_path / 'a.npz').read_bytes()
    (tmp_path / 'a.npz').write_bytes(content[:60] + bytes(20) + content[80:])
    with refused('cannot read', 'a.npz'):
        sources.arrays(str(tmp_path / 'a.npz'))
    for place, changed in ((8, 1), (10, 14), (10, 99)):  # A password; packed in other ways.
        start = content.index(b'PK\x01\x02')  # of the table of contents
        (tmp_path / 'a.npz').write_bytes(content[:start + place] + bytes([changed]) + content[start + place + 1:])
        with refused('cannot read', 'a.npz'):
            sources.arrays(str(tmp_path / 'a.npz'))
    for short in (b'', content[:50]):
        (tmp_path / 'a.npz').write_bytes(short)
        with refused('a.npz', 'no .npz file'):
            sources.arrays(str(tmp_path / 'a.npz'))


def png(value):
    f = io.BytesIO()
    Image.new('RGB', (8, 9), (value, 0, 0)).save(f, 'PNG')
    return f.getvalue()


SPLITS = {split: [dict(image=png(i), label=label) for i, label in enumerate(labels)] for split, labels in dict(
    train=[0, 1, -1, 1], test=[-1, -1], validation=[1, 0], unlabelled=[0, 0]).items()}
CLASSES = ['dog', 'cat']


def fake_tfds():
    """What is used of the package tensorflow_datasets, with a set `tiny`."""
    def builder(name):
        if name not in ('tiny', 'bare', 'unlike'):
            raise ValueError(f'Dataset {name} not found.\nAvailable datasets: ...')
        features = {'image': None, 'label': None if name == 'unlike' else types.SimpleNamespace(names=CLASSES)}
        info = types.SimpleNamespace(features=features, splits=() if name == 'bare' else SPLITS)
        return types.SimpleNamespace(name=name, data_dir='here', info=info,
                                     as_dataset=lambda split, **kwargs: SPLITS[split])

    return types.SimpleNamespace(builder=builder, as_numpy=iter, ReadConfig=dict,
                                 decode=types.SimpleNamespace(SkipDecoding=lambda: None))


def real_tfds(folder, monkeypatch):
    """The package itself, where it is installed, with a set `tiny` that it has written."""
    monkeypatch.setenv('TFDS_DATA_DIR', str(folder))
    tfds = pytest.importorskip('tensorflow_datasets')
    features = tfds.features.FeaturesDict({'image': tfds.features.Image(shape=(None, None, 3)),
                                           'label': tfds.features.ClassLabel(names=CLASSES)})
    tfds.dataset_builders.store_as_tfds_dataset(
        'tiny', '1.0.0', features, {split: [(i, dict(example, image=io.BytesIO(example['image'])))
                                            for i, example in enumerate(examples)]
                                    for split, examples in SPLITS.items()}, disable_shuffling=True)
    return tfds


@pytest.mark.parametrize('real', [False, True])
def test_prepared_sets(tmp_path, monkeypatch, real):
    monkeypatch.setitem(sys.modules, 'tensorflow_datasets', real_tfds(tmp_path, monkeypatch) if real else fake_tfds())
    parts = sources.prepared('tiny')
    assert {subset: part.labels for subset, part in parts.items()} == {
        'train': ['dog', 'cat', None, 'cat'], 'test': ['cat', 'dog'], 'unlabeled': [None, None]}
    assert parts['test'].paths == ['validation/0', 'validation/1']
    assert list(parts['train'].load([1, 3])) == [png(1), png(3)]
    with refused('--tfds=nothing', 'not on disk', 'nothing not found'):
        sources.prepared('nothing')


def test_no_prepared_set(monkeypatch):
    monkeypatch.setitem(sys.modules, 'tensorflow_datasets', fake_tfds())
    with refused('--tfds=bare', 'not prepared in here'):
        sources.prepared('bare')
    with refused('--tfds=unlike', 'no image classification'):
        sources.prepared('unlike')
    monkeypatch.setitem(sys.modules, 'tensorflow_datasets', None)
    with refused('--tfds', 'pip install tensorflow-datasets'):
        sources.prepared('tiny')
