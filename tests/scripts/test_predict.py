"""scripts/predict.py: what it says of pictures is what the evaluation says of them; its files, its errors."""

import csv
import json
import os

import predict
import runner
import toy
from adamatch import AdaMatch
from conftest import GOLDEN
from libml import data_domain, data_pair, open_run
from libml.methods import classifier
from libml.pictures.fitting import fitted
from libml.pictures.reading import read
from libml.training import checkpoint, evaluate
from mixmatch import MixMatch
from simclr import SimCLR

import numpy as np
import pytest
from PIL import Image

CONVNET = dict(toy.SMALL, arch='convnet', ema=0.5, scales=1, lr=0.01)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module')
def run(tmp_path_factory, data_dir):
    """A model after a few steps on digits."""
    model = MixMatch(str(tmp_path_factory.mktemp('runs')), data_pair.DATASETS['digits.1@40-100'](data_dir), **CONVNET)
    model.train(8 * 40, 8 * 40)
    return model


@pytest.fixture(scope='module')
def test_pictures(tmp_path_factory, run):
    """Folder of the test images of digits as PNG files, in the order of their names."""
    folder = tmp_path_factory.mktemp('pictures')
    for i, image in enumerate(run.dataset.test.images):
        Image.fromarray(image[..., 0]).save(folder / f'{i:03}.png')
    return str(folder)


def evaluated(model, path):
    """What the evaluation says of the test images, with averaged weights."""
    with model.session(path) as session:
        return evaluate.predictions(model, session, model.ops.classify_op)['test'][0]


def test_predictions_are_those_of_the_evaluation_to_the_bit(run, test_pictures, tmp_path):
    out = tmp_path / 'some' / 'predictions.csv'
    code, printed, err = runner.run('scripts/predict.py', test_pictures, f'--run={run.folder.path}', f'--out={out}',
                                    '--probabilities')
    assert code == 0 and not err, err
    expected = evaluated(run, checkpoint.find(run.folder.path))
    with open(out, newline='') as f:
        rows = list(csv.DictReader(f))
    assert list(rows[0]) == [*predict.COLUMNS, *(f'p_{k}' for k in range(10))]
    assert [row['path'] for row in rows] == [f'{test_pictures}/{i:03}.png' for i in range(397)]
    np.testing.assert_array_equal(np.array([[row[f'p_{k}'] for k in range(10)] for row in rows], np.float32), expected)
    taken = expected.argmax(1)
    assert [int(row['class']) for row in rows] == taken.tolist() and not any(row['error'] for row in rows)
    ordered = np.sort(expected)
    for name, values in dict(probability=ordered[:, -1], second_probability=ordered[:, -2]).items():
        np.testing.assert_array_equal(np.array([row[name] for row in rows], np.float32), values)
    assert all(expected[i, int(row['second_class'])] == ordered[i, -2] for i, row in enumerate(rows))
    entropy = -(expected.astype(float) * np.log(expected.astype(float))).sum(1)
    np.testing.assert_allclose([float(row['entropy']) for row in rows], entropy, rtol=1e-6)
    assert printed.startswith(f'{out}: 397 pictures classified, 0 that cannot be read\n')
    assert f'{np.bincount(taken).argmax()} {np.bincount(taken).max()}' in printed


def test_standard_output_has_nothing_else_and_bad_pictures_have_a_row(run, test_pictures, tmp_path):
    """The newest checkpoint is damaged, which a line tells; a name is no Unicode."""
    newer = checkpoint.find(run.folder.path)[:-8] + '99999999'
    (tmp_path / 'bad é.png').write_bytes(b'nothing')
    odd = os.fsdecode(os.fsencode(str(tmp_path)) + b'/\xff.png')
    Image.new('RGB', (50, 20), 'white').save(odd)
    for ending in ('index', 'data-00000-of-00001'):
        with open(f'{newer}.{ending}', 'w') as f:
            f.write('damaged')
    code, printed, err = runner.run('scripts/predict.py', f'--run={run.folder.path}', '--out=-', '--format=jsonl',
                                    f'{test_pictures}/005.png', tmp_path, 'nowhere.png')
    for ending in ('index', 'data-00000-of-00001'):
        os.unlink(f'{newer}.{ending}')
    assert code == 2
    rows = [json.loads(line) for line in printed.splitlines()]
    assert [os.path.basename(row['path']) for row in rows] == ['005.png', 'bad é.png', '\ufffd.png', 'nowhere.png']
    assert [row['error'] and row['error'][:12] for row in rows] == [None, 'it is no pic', None, 'No such file']
    assert all((row['class'] is None) == bool(row['error']) for row in rows) and set(rows[0]) == set(predict.COLUMNS)
    lines = err.splitlines()
    assert 'is damaged' in err and '-: 2 pictures classified, 2 that cannot be read' in lines
    assert lines[-1].startswith('error: ') and 'it is no picture' in lines[-1] and lines[-1].endswith('(and 1 more)')


def predicted(path, paths):
    """Probabilities that the script gives to pictures, of a run that is opened anew; and its model."""
    model, found = open_run.open_run(path)
    return np.stack([p for _, _, p in predict.predictions(model, found, paths)]), model, found


def test_two_domains(data_dir, test_pictures, tmp_path):
    """Pictures of the target, of 8x8 in grey, become 16x16 in colour as its test images did."""
    model = AdaMatch(str(tmp_path), data_domain.load('digits_m', 'digits', data_dir),
                     **dict(toy.SMALL, batch=4, uratio=1, scales=1, augment='(s,s)', train_kimg=1))
    model.train(4, 4)
    paths = [f'{test_pictures}/{i:03}.png' for i in range(397)]
    p, opened, found = predicted(model.folder.path, paths)
    assert opened.dataset.test.images.shape == (397, 16, 16, 3)
    np.testing.assert_array_equal(p, evaluated(opened, found))


def test_finetuned_simclr(data_dir, test_pictures, tmp_path):
    dataset = data_pair.DATASETS['digits.1@40-100'](data_dir)
    params = dict(toy.SMALL, batch=4, uratio=1, scales=1)
    first = SimCLR(str(tmp_path), dataset, stage='pretrain', **params)
    first.train(4, 1024)
    model = SimCLR(str(tmp_path), dataset, stage='finetune', pretrained=first.folder.path, **params)
    model.train(8, 1024)
    p, opened, found = predicted(model.folder.path, [f'{test_pictures}/{i:03}.png' for i in range(397)])
    np.testing.assert_array_equal(p, evaluated(opened, found))


def test_checkpoint_of_the_original_code(golden, tmp_path):
    """Whose predictions are the recorded ones: tests/methods/test_classifier.py. A picture of another size is cut."""
    noise = np.random.RandomState(0).randint(0, 256, (32, 40, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / 'one.png')
    code, printed, err = runner.run('scripts/predict.py', f'--checkpoint={GOLDEN / "mixmatch_ckpt"}', '--filters=8',
                                    '--repeat=2', '--scales=3', '--dataset=cifar10', f'--data_dir={tmp_path}',
                                    '--out=-', '--probabilities', tmp_path / 'one.png')
    assert code == 0, err
    row, = csv.DictReader(printed.splitlines())
    model = classifier.Classifier('', classifier.described('cifar10'), filters=8, repeat=2, scales=3)
    image = fitted(read(str(tmp_path / 'one.png')), 32, 32, 3, 'crop')
    np.testing.assert_array_equal(image, noise[:, 4:36])
    with model.session(checkpoint.find(str(GOLDEN / 'mixmatch_ckpt'))) as session:
        p, = evaluate.predict(session, model.ops.classify_op, model.ops.x, image[None])
    np.testing.assert_array_equal(np.array([row[f'p_{name}'] for name in model.dataset.class_names], np.float32), p)
    assert row['class'] == model.dataset.class_names[p.argmax()]


def test_rows():
    row = predict.row_of('a', '', np.array([0., 1.], np.float32), ('cat', 'dog'), True)
    assert row == dict(zip(predict.COLUMNS, ('a', 'dog', 1., 'cat', 0., 0., None)), p_cat=0., p_dog=1.)
    row = predict.row_of('a', '', np.array([1.], np.float32), ('cat',))
    assert (row['class'], row['second_class'], row['entropy']) == ('cat', None, 0.)
    half = predict.row_of('a', '', np.array([0.1, 0.45, 0.45], np.float32), 'abc')
    assert (half['class'], half['second_class'], half['probability']) == ('b', 'c', 0.45)


@pytest.mark.parametrize('args, expected', [
    ([], 'name a picture or a folder'), (['a.png'], 'give --run=FOLDER, or --checkpoint=FILE and --dataset=NAME'),
    (['a.png', '--run=a', '--checkpoint=b'], 'give --run=FOLDER, or'),
    (['a.png', '--checkpoint=b'], 'and --dataset=NAME'),
    (['a.png', '--run=a', '--filters=4'], '--filters is for --checkpoint'),
    (['a.png', '--run=nowhere'], 'no checkpoint at nowhere')])
def test_what_is_refused(args, expected, tmp_path):
    code, printed, err = runner.run('scripts/predict.py', f'--out={tmp_path / "out.csv"}', *args)
    assert code == 1 and not printed and err.startswith('error: ') and expected in err and '\n' not in err
    assert not list(tmp_path.iterdir())
