"""Pictures become a dataset that is loaded by its name."""

import functools
import io
import json
import os
import shutil

import disk_calls
from libml import data_pair
from libml.datasets import descriptions, from_pictures, records
from libml.datasets.from_pictures import Settings
from libml.datasets.picture_subsets import SUBSETS
from libml.images.decode import decoded
from libml.pictures import converting, sources
from libml.pictures.fitting import fitted
from libml.pictures.reading import read
from made_up_pictures import pictures
from refusals import refused

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

LABELED = [f'{name}/{file}' for name in ('cat', 'dog') for file in ('0.png', '1.jpg', '2.bmp', '3.gif', '4.webp')]


@pytest.fixture
def folder(tmp_path):
    """Ten labelled pictures in `train`, four others in `more`."""
    pictures(tmp_path / 'train', *LABELED)
    pictures(tmp_path / 'more', *(f'{i}.png' for i in range(4)), seed=1, size=(7, 21))
    return tmp_path


def create(folder, name='pets', overwrite=False, more=True, test='', size=8, **settings):
    """Makes a dataset in `data` of the pictures of `folder`."""
    found = {'train': sources.class_folders(str(folder / 'train'))}
    if test:
        found['test'] = sources.class_folders(test)
    if more:
        found['unlabeled'] = sources.unlabeled_folder(str(folder / 'more'))
    return from_pictures.create(name, str(folder / 'data'), found, Settings(size, **settings), overwrite)


def origins(folder):
    """dict subset -> paths of the pictures of its records."""
    files = {subset: descriptions.subset_path(str(folder / 'data'), 'pets', subset) for subset in SUBSETS}
    return {subset: records.read_origins([path]).tolist() for subset, path in files.items()}


def content(folder):
    """dict name -> bytes of the files of `data`."""
    return {path.name: path.read_bytes() for path in (folder / 'data').iterdir() if path.is_file()}


def test_records_are_the_fitted_pictures(folder):
    assert create(folder, fit='pad', mirror=False, colors=1)
    data_dir = str(folder / 'data')
    info = descriptions.read_description(data_dir, 'pets')
    assert (info.height, info.width, info.colors, info.class_names) == (8, 8, 1, ('cat', 'dog'))
    assert info.counts == dict(test=2, train=8, unlabeled=4) and info.unlabeled == ('unlabeled',)
    assert (info.fit, info.mirror, info.border) == ('pad', False, 0)
    paths = origins(folder)
    assert sorted(paths['train'] + paths['test']) == LABELED
    for subset, folder_name in (('train', 'train'), ('test', 'train'), ('unlabeled', 'more')):
        images, labels = records.read_records([descriptions.subset_path(data_dir, 'pets', subset)], 8, 8, 1, 2)
        expected = [fitted(read(folder / folder_name / path), 8, 8, 1, 'pad') for path in paths[subset]]
        np.testing.assert_array_equal(images, expected)
        assert labels.tolist() == [path.startswith('dog') for path in paths[subset]]
    dataset = data_pair.DATASETS['pets.1@4-2'](data_dir)
    assert [len(s) for s in (dataset.labeled, dataset.unlabeled, dataset.valid, dataset.test)] == [4, 6, 2, 2]
    assert not dataset.mirror and not dataset.labels_known


def test_pictures_of_their_own_sizes(folder, capsys):
    """Found again, with duplicates left out; their index goes with them, and a lost one is made again."""
    data, jpeg = folder / 'data', (folder / 'train' / 'cat' / '1.jpg').read_bytes()
    (folder / 'more' / 'copy.jpg').write_bytes(jpeg)
    test = pictures(folder / 'test', 'dog/a.png', seed=9, size=(30, 9))
    (folder / 'test' / 'cat').mkdir()
    (folder / 'test' / 'cat' / 'b.jpg').write_bytes(jpeg)
    assert create(folder, test=test, size=0, drop_duplicates=True)
    assert 'pets: 2 classes, pictures of their own sizes, in' in capsys.readouterr().out
    info, first = descriptions.read_description(data, 'pets'), content(folder)
    assert (info.height, info.width, info.counts) == (0, 0, dict(test=2, train=9, unlabeled=4))
    assert jpeg in first['pets-test.tfrecord'] and jpeg not in first['pets-train.tfrecord']
    assert not create(folder, test=test, size=0, drop_duplicates=True)
    dataset = data_pair.DATASETS['pets.1@4-2'](str(data), size=6)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        expected = session.run([dataset.frame.of_pixels(tf.constant(np.asarray(read(f'{test}/{path}'))))
                                for path in ('cat/b.jpg', 'dog/a.png')])
    np.testing.assert_array_equal(dataset.test.images[:], expected)
    (data / 'pets-test.tfrecord').unlink()
    with refused(f'there is no {data}/pets-test.tfrecord'):
        data_pair.DATASETS['pets.1@4-2'](str(data), size=6)
    assert create(folder, test=test, size=0, drop_duplicates=True) and content(folder) == first
    data_pair.DATASETS['pets.1@4-2'](str(data), size=6)
    assert (data / 'pets-unlabeled.index.npz').exists()
    create(folder, test=test, size=0, more=False, overwrite=True)
    assert not list(data.glob('*.index.npz'))


def test_a_jpeg_that_training_cannot_read_becomes_a_png(folder):
    """Pillow does without the last marker where all pixels came before it; TensorFlow, which trains, does not."""
    path, jpeg = folder / 'train' / 'cat' / '1.jpg', io.BytesIO()
    Image.fromarray(np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)).save(jpeg, 'JPEG')
    damaged = jpeg.getvalue()[:-2] + b'\0\xd9'
    path.write_bytes(damaged)
    with refused('1.jpg is no PNG or JPEG'):
        list(decoded([(str(path), damaged)]))
    test = pictures(folder / 'test', 'cat/a.png', 'dog/a.png', seed=9)
    assert create(folder, test=test, size=0)
    file = str(folder / 'data' / 'pets-train.tfrecord')
    [stored] = [record['image'].bytes_list.value[0]
                for record in (records.features(r, file, 0) for r in tf.compat.v1.io.tf_record_iterator(file))
                if record['path'].bytes_list.value[0] == b'cat/1.jpg']
    np.testing.assert_array_equal(next(decoded([('stored', stored)])), np.asarray(read(path)))


def test_the_same_bytes_whatever_the_order_of_the_file_system(folder, monkeypatch):
    create(folder)
    first = content(folder)
    assert sorted(first) == ['pets-pictures.json', 'pets-test.tfrecord', 'pets-train.tfrecord',
                             'pets-unlabeled.tfrecord', 'pets.json']
    shutil.rmtree(folder / 'data')
    listed = os.scandir

    class Reversed:
        def __init__(self, path):
            with listed(path) as entries:
                self.entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))

        def __enter__(self):
            return self.entries

        def __exit__(self, *error):
            pass

        def __next__(self):
            return next(self.entries)

    monkeypatch.setattr(os, 'scandir', Reversed)
    monkeypatch.setattr(from_pictures, 'CHUNK', 3)
    create(folder)
    monkeypatch.undo()
    assert content(folder) == first


def test_what_is_there_already(folder, capsys):
    data = folder / 'data'
    create(folder)
    data_pair.DATASETS['pets.1@4-2'](str(data))
    data_pair.PAIR_DATASETS['pets.1@4-2'](str(data))
    (data / 'SSL' / 'pets2.1@4-map.json').write_text('{}')
    before = content(folder)
    assert not create(folder) and 'made of the same pictures' in capsys.readouterr().out
    with refused('--name=pets', 'size=8, not size=16', '--overwrite'):
        from_pictures.create('pets', str(data), {'train': sources.class_folders(str(folder / 'train'))},
                             Settings(size=16))
    with refused('--name=pets', 'made of other pictures', '--overwrite'):
        create(folder, more=False)
    with refused('--name=pets', 'family=, not family=zoo', '--overwrite'):
        create(folder, family='zoo')
    pictures(folder / 'train', 'cat/0.png', seed=5)
    with refused('--name=pets', 'made of other pictures'):
        create(folder)
    assert content(folder) == before

    assert create(folder, more=False, overwrite=True) and not (data / 'pets-unlabeled.tfrecord').exists()
    out = capsys.readouterr().out
    assert out.count('split of the earlier pets') == 3
    assert os.listdir(data / 'SSL') == ['pets2.1@4-map.json'] and not os.listdir(data / 'SSL2')
    assert len(data_pair.DATASETS['pets.1@4-2'](str(data)).unlabeled) == 2

    (data / 'pets-test.tfrecord').unlink()
    assert create(folder, more=False) and (data / 'pets-test.tfrecord').exists()
    (data / 'pets-pictures.json').write_text('{}')
    with refused('pets-pictures.json is damaged: it must have an object made_of'):
        create(folder, more=False)
    (data / 'pets-pictures.json').write_text('{}', 'utf-16')
    with refused('pets-pictures.json is damaged: it must be UTF-8'):
        create(folder, more=False)


def test_a_dataset_of_another_origin_is_kept(folder):
    records.write_records(str(folder / 'data' / 'pets-train.tfrecord'), np.zeros([2, 8, 8, 3], np.uint8), [0, 1])
    with refused('pets-train.tfrecord is there already'):
        create(folder)
    assert len(content(folder)) == 1


@pytest.mark.parametrize('left', ['pets.json', 'pets-train.tfrecord', 'pets-pictures.json'])
def test_what_a_full_disk_cut_off_is_made_by_the_same_command(folder, monkeypatch, left):
    """Whichever file was the first that it had no room for."""
    with monkeypatch.context() as patch, refused(f'cannot write {folder}/data/{left}: No space left on device'):
        disk_calls.no_room_for(patch, left)
        create(folder, more=False)
    assert create(folder, more=False)
    assert sorted(content(folder)) == ['pets-pictures.json', 'pets-test.tfrecord', 'pets-train.tfrecord', 'pets.json']


def test_a_folder_in_the_place_of_a_file_stays(folder):
    path = folder / 'data' / 'pets.json'
    path.mkdir(parents=True)
    with refused('pets.json: Is a directory'):
        create(folder, more=False, overwrite=True)
    assert path.is_dir() and os.listdir(folder / 'data') == ['pets.json']


def test_bad_pictures(folder, capsys):
    (folder / 'train' / 'cat' / 'bad.jpg').write_bytes(b'nothing')
    (folder / 'more' / 'worse.png').touch()
    with refused('2 pictures cannot be read'):
        create(folder)
    err = capsys.readouterr().err
    assert "'cat/bad.jpg': it is no picture" in err and "'worse.png': it is no picture" in err
    assert not content(folder)
    assert create(folder, skip_bad=True) and 'skipped: 2 pictures' in capsys.readouterr().out
    assert json.loads((folder / 'data' / 'pets.json').read_text())['counts'] == dict(test=2, train=8, unlabeled=4)


def test_duplicates(folder, capsys):
    test = pictures(folder / 'test', 'cat/new.png', 'dog/new.png', seed=9)
    shutil.copy(folder / 'test' / 'cat' / 'new.png', folder / 'train' / 'cat' / 'copy.png')
    shutil.copy(folder / 'test' / 'dog' / 'new.png', folder / 'more' / 'copy.png')
    create(folder, test=test)
    out = capsys.readouterr().out
    assert "duplicates: 1 picture of train" in out and "'cat/copy.png' and 'cat/new.png'" in out
    assert "duplicates: 1 picture of unlabeled" in out and "'copy.png' and 'dog/new.png'" in out
    assert json.loads(content(folder)['pets.json'])['counts'] == dict(test=2, train=11, unlabeled=5)
    create(folder, test=test, overwrite=True, drop_duplicates=True)
    assert origins(folder) == dict(test=['cat/new.png', 'dog/new.png'], train=LABELED,
                                   unlabeled=[f'{i}.png' for i in range(4)])


def test_arrays_and_few_labels(tmp_path):
    x = np.random.RandomState(0).randint(0, 256, [40, 8, 8]).astype(np.uint8)
    np.savez(tmp_path / 'a.npz', x=x, y=[3] * 3 + [7] * 2 + [-1] * 35)
    from_pictures.create('few', str(tmp_path), {'train': sources.arrays(str(tmp_path / 'a.npz'))},
                         Settings(size=8, colors=1))
    dataset = data_pair.DATASETS['few.1@all-1'](str(tmp_path))
    assert [len(s) for s in (dataset.labeled, dataset.unlabeled, dataset.valid, dataset.test)] == [2, 35, 1, 2]
    np.testing.assert_array_equal(dataset.unlabeled.images[..., 0], x[5:])


def test_workers_that_die(folder, monkeypatch):
    monkeypatch.setattr(converting, 'start', functools.partial(os._exit, 1))
    with refused('ended from outside'):
        create(folder)
    assert not content(folder)


def test_what_an_earlier_version_made_is_there_already(folder, capsys):
    create(folder)
    path = folder / 'data' / 'pets-pictures.json'
    listed = json.loads(path.read_text())
    assert listed['made_of'].pop('family') == listed['made_of'].pop('classes_of') == ''
    path.write_text(json.dumps(listed))
    assert not create(folder) and 'made of the same pictures' in capsys.readouterr().out


def test_classes_of_another_dataset_of_the_family(folder):
    create(folder, family='zoo')
    shutil.rmtree(folder / 'train' / 'cat')
    with refused('one class, dog'):
        create(folder, 'more', family='zoo')
    create(folder, 'more', family='zoo', classes_of='pets')
    info = descriptions.read_description(folder / 'data', 'more')
    assert (info.class_names, info.family, info.counts['train']) == (('cat', 'dog'), 'zoo', 4)
    assert records.read_labels([folder / 'data' / 'more-train.tfrecord']).tolist() == [1] * 4
    pictures(folder / 'train', 'cow/0.png', 'cow/1.png')
    before = content(folder)
    with refused('--classes_of=pets has no class cow'):
        create(folder, 'third', family='zoo', classes_of='pets')
    with refused('--family=zoo', 'third has none of this name'):
        create(folder, 'third', family='zoo')
    assert content(folder) == before


def test_another_process_that_makes_it_meanwhile_is_noticed(folder, monkeypatch):
    """As long as nothing is replaced on purpose."""
    check = from_pictures.Report.check

    def later(report, skip_bad):
        (folder / 'data' / 'pets.json').write_text('theirs')
        check(report, skip_bad)

    monkeypatch.setattr(from_pictures.Report, 'check', later)
    with refused('--name=pets: another process has made a dataset of this name'):
        create(folder)
    assert os.listdir(folder / 'data') == ['pets.json']
