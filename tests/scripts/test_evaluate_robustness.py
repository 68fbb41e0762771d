"""Corrupted test sets on disk, and the accuracy of runs on them."""

import json
import os
import shutil
import types

import create_corrupted
import evaluate_robustness
import runner
import toy
from libml import data_pair, open_run
from libml.corruptions import arrays as corrupted_set
from libml.corruptions import table as corruptions
from libml.datasets import descriptions, records
from libml.images import enlarge
from libml.training import evaluate
from libml.utils import InputError
from mixmatch import MixMatch

import numpy as np
import pytest
import tensorflow as tf

NAMES = ['fog', 'contrast', 'pixelate', 'speckle_noise']
N = 30  # test images
PARAMS = dict(toy.SMALL, arch='convnet', ema=0.5, lr=0.02, nu=1, w_match=1.)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    """A data folder with two datasets: `large` of 32x32 colour, `small` of 8x8 grey images."""
    folder = str(tmp_path_factory.mktemp('data'))
    for name, size, colors in (('large', 32, 3), ('small', 8, 1)):
        toys = toy.dataset(size=size, colors=colors)
        info = descriptions.Description(name, size, size, colors, 5, tuple('abcde'), dict(train=90, test=N))
        descriptions.write_description(folder, info)
        order = np.concatenate([toys.labeled.positions, toys.unlabeled.positions, toys.valid.positions])
        path, = descriptions.train_paths(folder, info)
        records.write_records(path, toys.test.pixels[order], toys.test.targets[order])
        records.write_records(descriptions.test_path(folder, name), toys.test.images, toys.test.labels)
    return folder


@pytest.fixture(scope='module')
def corrupted(tmp_path_factory, data_dir):
    """A folder made by the script, as a process, what that printed, and its contact sheet."""
    folder = tmp_path_factory.mktemp('corrupted')
    sheet = folder / 'sheet.png'
    code, out, err = runner.run('scripts/create_corrupted.py', '--dataset=large', f'--data_dir={data_dir}', '--seed=7',
                                f'--out={folder}', f'--corruptions={",".join(NAMES)}', f'--sheet={sheet}')
    assert code == 0, err
    return str(folder), out, sheet


@pytest.fixture(scope='module')
def run(tmp_path_factory, data_dir):
    """A model after a few steps, in its run folder."""
    model = MixMatch(str(tmp_path_factory.mktemp('runs')), data_pair.DATASETS['large.1@20-10'](data_dir), **PARAMS)
    model.train(40 * 8, 40 * 8)
    return model


def test_layout_of_a_folder(corrupted, data_dir):
    folder, out, sheet = corrupted
    images, labels = create_corrupted.test_images('large', data_dir)
    assert sorted(os.listdir(folder)) == sorted([f'{name}.npy' for name in NAMES + ['labels']]
                                                + ['made_of.json', 'sheet.png'])
    stored = np.load(os.path.join(folder, 'labels.npy'), allow_pickle=False)
    assert stored.dtype == np.uint8 and stored.tolist() == labels.tolist() * 5
    for name in NAMES:
        array = np.load(os.path.join(folder, f'{name}.npy'), allow_pickle=False)
        assert array.dtype == np.uint8 and array.shape == (5 * N, 32, 32, 3)
        for severity in (1, 2, 5):
            np.testing.assert_array_equal(array[(severity - 1) * N:severity * N],
                                          corruptions.apply(name, images, severity, seed=7))
    assert f'made 4 corruptions of {N} images' in out and 'frost' not in out
    assert tf.io.decode_png(sheet.read_bytes()).shape == (470, 800, 4)


def test_small_grey_images_are_enlarged(data_dir):
    images, labels = create_corrupted.test_images('small', data_dir)
    small = data_pair.DATASETS['small-10'](data_dir).test
    np.testing.assert_array_equal(images, enlarge.to_32_color(small.images))
    assert images.shape == (N, 32, 32, 3) and labels.tolist() == small.labels.tolist()


def test_labels_of_300_classes(tmp_path):
    data_dir, labels, out = str(tmp_path / 'data'), np.arange(300), str(tmp_path / 'out')
    records.write_records(f'{data_dir}/many-train.tfrecord', np.zeros([300, 8, 8, 1], np.uint8), labels)
    shutil.copy(f'{data_dir}/many-train.tfrecord', f'{data_dir}/many-test.tfrecord')
    info = descriptions.Description('many', 8, 8, 1, 300, tuple(map(str, labels)), {})
    descriptions.write_description(data_dir, info)
    _, found = create_corrupted.test_images('many', data_dir)
    create_corrupted.claim(out, found, {})
    assert corrupted_set.read_labels(out).tolist() == labels.tolist()


def test_what_is_there_is_kept_unless_damaged(corrupted, data_dir, tmp_path, capsys):
    folder = shutil.copytree(corrupted[0], tmp_path / 'copy')
    images, labels = create_corrupted.test_images('large', data_dir)
    whole = (folder / 'fog.npy').read_bytes()
    (folder / 'fog.npy').write_bytes(whole[:-1000])
    (folder / 'pixelate.npy').unlink()
    np.save(folder / 'contrast.npy', np.zeros([5 * N, 32, 32, 3], np.uint8))
    create_corrupted.claim(folder, labels, dict(dataset='large', seed=7))
    create_corrupted.create(folder, ['fog', 'contrast', 'pixelate', 'frost'], images, 7)
    out = capsys.readouterr().out
    assert 'fog.npy is damaged' in out and 'made 3 corruptions of 30 images, kept 1' in out and 'by formula' in out
    assert (folder / 'fog.npy').read_bytes() == whole and not np.load(folder / 'contrast.npy').any()
    assert not [name for name in os.listdir(folder) if name.endswith('.part')]
    for other in (dict(dataset='large', seed=8), dict(dataset='small', seed=7)):
        with pytest.raises(InputError, match="holds images of .*'large'.* give another --out"):
            create_corrupted.claim(folder, labels, other)
    (folder / 'made_of.json').write_text('{')
    with pytest.raises(InputError, match='made_of.json is damaged'):
        create_corrupted.claim(folder, labels, dict(dataset='large', seed=7))
    (folder / 'made_of.json').unlink()
    with pytest.raises(InputError, match='of another origin'):
        create_corrupted.claim(folder, labels, dict(dataset='large', seed=7))


def test_one_process_evaluates_several_runs(corrupted, run, tmp_path):
    """Numbers against the network and the arrays themselves."""
    folder, path = corrupted[0], run.folder.path
    copy = shutil.copytree(path, tmp_path / 'copy')
    code, out, err = runner.run('scripts/evaluate_robustness.py', f'--run={path},{copy}', f'--out={tmp_path}',
                                f'--corrupted={folder}', '--severities=1,5')
    assert code == 0, err
    assert 'lacks gaussian_noise' in out and out.count('clean') == 2
    with open(os.path.join(path, 'stats', 'robustness.json')) as f:
        result = json.load(f)
    assert list(result['accuracy']) == [name for name in corrupted_set.NAMES if name in NAMES]
    seen = set()
    with run.session(result['checkpoint']) as session:

        def accuracy(images):
            return evaluate.accuracy(evaluate.predict(session, run.ops.classify_op, run.ops.x, images),
                                     run.dataset.test.labels)

        assert result['clean'] == accuracy(run.dataset.test.images)
        for name, row in result['accuracy'].items():
            array = np.load(os.path.join(folder, f'{name}.npy'))
            assert row == {'1': accuracy(array[:N]), '5': accuracy(array[4 * N:])}
            seen |= set(row.values())
    assert len(seen) > 1 and not any(key.startswith('mean') for key in result)
    assert (copy / 'stats' / 'robustness.json').exists()
    for name in ('robustness_1.png', 'robustness_2.png', 'robustness_runs.png'):
        height, width, _ = tf.io.decode_png((tmp_path / name).read_bytes()).shape
        assert height > 200 and width > 300


def test_means_are_named_and_of_whole_sets():
    table = {name: {severity: 10. * severity + number for severity in range(1, 6)}
             for number, name in enumerate(corrupted_set.NAMES)}
    assert evaluate_robustness.means(table) == {
        'mean of all 19, severity 5': 59., 'mean of all 19, severities 1-5': 39.,
        'mean of the 15 of the benchmark, severity 5': 57., 'mean of the 15 of the benchmark, severities 1-5': 37.}
    only5 = {name: {5: row[5]} for name, row in table.items() if name != 'spatter'}
    assert evaluate_robustness.means(only5) == {'mean of the 15 of the benchmark, severity 5': 57.}
    assert not evaluate_robustness.means({name: {1: row[1]} for name, row in table.items()})


def test_runs_are_told_apart_in_pictures():
    assert evaluate_robustness.run_titles(['/x/a/run']) == ['run']
    assert evaluate_robustness.run_titles(['/x/a/run', '/x/b/run']) == ['a/run', 'b/run']
    results = [dict(clean=90., accuracy={'fog': {1: 80., 5: 60. - i}, 'snow': {1: 70., 5: 50. - i}}) for i in (0, 7)]
    axes, = evaluate_robustness.bars(results, ['a', 'b']).axes
    assert [round(bar.get_height()) for bar in axes.patches] == [90, 60, 50, 90, 53, 43]
    axes, = evaluate_robustness.heat_map(results[0], 'a').axes
    assert [text.get_text() for text in axes.texts] == ['80.0', '60.0', '70.0', '50.0']


def test_folders_that_cannot_be_read(corrupted, tmp_path):
    folder = str(shutil.copytree(corrupted[0], tmp_path / 'copy'))

    def check(match):
        with pytest.raises(InputError, match=match) as error:
            evaluate_robustness.read(folder)
        assert '\n' not in str(error.value)

    path = os.path.join(folder, 'fog.npy')
    for size in (os.path.getsize(path) // 2, 40, 0):
        with open(path, 'r+b') as f:
            f.truncate(size)
        check('copy/fog.npy is damaged')
    np.save(path, np.array([{}, 'objects']))
    check('copy/fog.npy is damaged')
    np.save(path, np.zeros([5 * N, 32, 32, 3], np.float32))
    check(r'fog.npy holds float32 .150, 32, 32, 3., not uint8')
    os.unlink(path)
    labels, arrays = evaluate_robustness.read(folder)
    assert list(arrays) == ['contrast', 'pixelate', 'speckle_noise'] and len(labels) == N
    corrupted_set.write(folder, 'labels', np.stack([labels[:-1]] * 5))
    check(r'contrast.npy holds uint8 .150, 32, 32, 3., not uint8 .145, 32, 32, 3. for 29 labels')
    np.save(os.path.join(folder, 'labels.npy'), np.arange(5 * N).astype(np.uint8))
    check('labels.npy holds uint8 .150.: it must be five times')
    os.unlink(os.path.join(folder, 'labels.npy'))
    check('there is no .*labels.npy')
    shutil.rmtree(folder)
    check('there is no folder .*copy: give an unpacked CIFAR-10-C, or make one with')
    os.makedirs(folder)
    corrupted_set.write(folder, 'labels', np.stack([labels] * 5))
    check('holds none of the corruptions gaussian_noise')


@pytest.mark.parametrize('size, shift, match', [
    (8, 0, 'a/run was trained on 8x8x3 images: corrupted ones are 32x32x3'),
    (32, 1, 'the labels of the 30 corrupted images differ from those of the 30 test images of toy, which a/run')])
def test_runs_that_cannot_be_evaluated(corrupted, monkeypatch, size, shift, match):
    model = types.SimpleNamespace(dataset=toy.dataset(size=size))
    monkeypatch.setattr(open_run, 'open_run', lambda path, data_dir: (model, 'checkpoint'))
    labels, arrays = evaluate_robustness.read(corrupted[0])
    with pytest.raises(InputError, match=match):
        evaluate_robustness.evaluate_run('a/run', (labels + shift) % 5, arrays, [5])


def test_names_and_severities_that_are_none():
    with pytest.raises(InputError, match="unknown corruption 'hail': choose from gaussian_noise"):
        corrupted_set.check_names(['fog', 'hail'])
    with pytest.raises(InputError, match='severity 0: choose from 1, 2, 3, 4, 5'):
        corrupted_set.check_severities([1, 0])
