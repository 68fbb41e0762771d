"""--init: what a network starts with, what is said of it, and what is refused."""

import ast
import json
import os
import zipfile

import runner
import simclr_runs
import toy
from fully_supervised import FullySupervised
from libml.methods.classifier import Classifier
from libml.training import checkpoint, initial_weights
from refusals import refused
from short_runs import save_without

import numpy as np
import pytest
import tensorflow as tf

AVERAGE = initial_weights.AVERAGE
SMALL = dict(filters=4, repeat=1, scales=2)


def small(folder, nclass=5, cls=Classifier, **params):
    return cls(str(folder), toy.dataset(nclass=nclass), **{**SMALL, **params})


def values_of(model):
    """name -> value of all variables of a model that starts."""
    with model.session() as session:
        return {v.op.name: value.copy() for v, value in zip(model.variables, session.run(model.variables))}


def noise(model, seed=1):
    """name -> random value for the variables of a model's network."""
    random = np.random.RandomState(seed)
    variables = {v.op.name: v for v in model.variables if v.op.name.startswith(('classify/', 'encoder/'))}
    return {name: random.normal(size=variables[name].shape).astype('f') for name in initial_weights.whole(variables)}


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    """A model without --init."""
    return small(tmp_path_factory.mktemp('plain'))


@pytest.fixture(scope='module')
def arrays(plain):
    """What a file for it could hold."""
    return noise(plain)


def saved(folder, arrays, **args):
    """A checkpoint of these arrays, in a run folder with these arguments."""
    (folder / 'args').mkdir(parents=True, exist_ok=True)
    (folder / 'args' / 'args.json').write_text(json.dumps(args))
    (folder / 'tf').mkdir(exist_ok=True)
    return save_without(str(folder / 'tf'), arrays, 64)


def npz(path, arrays):
    np.savez(path, **arrays)
    return str(path)


def same(values, wanted):
    return all(np.array_equal(values[name], value) for name, value in wanted.items())


@pytest.mark.parametrize('prefix', ['classify/', ''])
def test_an_npz_file_by_names(tmp_path, plain, arrays, prefix):
    """Running statistics come along, averages start at the same numbers, all else is as without."""
    path = npz(tmp_path / 'a.npz', {prefix + name.removeprefix('classify/'): a for name, a in arrays.items()})
    model = small(tmp_path, init=path)
    values = values_of(model)
    assert same(values, arrays) and any('moving_mean' in name for name in arrays)
    averages = {name: value for name, value in values.items() if name.endswith(AVERAGE)}
    assert len(averages) > 10 and same(averages, {name: arrays[name.removesuffix(AVERAGE)] for name in averages})
    assert same(values, {name: value for name, value in values_of(plain).items()
                         if name not in arrays and name not in averages})
    assert model.started_from == [
        f'Started from {path}: {len(arrays)} of {len(arrays)} variables of the network (classify/conv2d/kernel, '
        'classify/conv2d/bias, classify/batch_normalization/gamma ...), running statistics and averages included']


@pytest.mark.parametrize('nclass, there', [(4, 'it has kernel [8, 4], bias [4]'), (None, 'it has none')])
def test_the_head_is_new_where_it_does_not_fit(tmp_path, plain, arrays, nclass, there):
    """It has the initial values of a run without --init."""
    body = {name: value for name, value in arrays.items() if '/dense/' not in name}
    head = {f'classify/dense/{part}': np.zeros(shape) for part, shape in (('kernel', [8, 4]), ('bias', [4])) if nclass}
    model = small(tmp_path, init=npz(tmp_path / 'a.npz', {**body, **head}))
    values = values_of(model)
    assert same(values, body)
    assert same(values, {name: value for name, value in values_of(plain).items() if '/dense/' in name})
    assert f'{len(body)} of {len(body) + 2} variables' in model.started_from[0]
    assert model.started_from[1:] == [f'New: classify/dense/kernel [8, 5], classify/dense/bias [5] ({there})']


def test_averages_are_taken_where_there_are_any(tmp_path, monkeypatch, arrays):
    """Of a run folder, whose newest checkpoint counts; what is an optimizer's, and other networks, do not matter."""
    monkeypatch.setenv('HOME', str(tmp_path))
    kernel = 'classify/conv2d/kernel'
    more = {kernel + AVERAGE: arrays[kernel] + 1, kernel + '/Momentum': arrays[kernel], 'classify_2/dense/bias': [1.],
            'teacher/conv2d/kernel': arrays[kernel], 'global_step': 64}
    path = saved(tmp_path / 'run', {**arrays, **more}, arch='resnet', whiten=False)
    model = small(tmp_path, init='~/run')
    values = values_of(model)
    assert same(values, {**arrays, kernel: arrays[kernel] + 1, kernel + AVERAGE: arrays[kernel] + 1})
    assert values['global_step'] == 0 and model.started_from[0].startswith(f'Started from {path}: ')
    assert same(values_of(small(tmp_path, init=path)), {kernel: arrays[kernel] + 1})


def test_simclr_and_others_start_each_other(tmp_path):
    """Its encoder is in a scope of its own, the layer above it is the head."""
    def simclr(**params):
        return simclr_runs.build(tmp_path, 'supervised', arch='conv4', dataset=toy.dataset(size=32), **params)

    def renamed(name):
        layer = name.removeprefix('classify/')
        return layer.replace('dense_1/', 'classify/dense/') if layer.startswith('dense_1/') else f'encoder/{layer}'

    of_simclr, of_others = noise(simclr()), noise(small(tmp_path, arch='conv4', cls=Large), seed=2)
    assert sorted(map(renamed, of_others)) == sorted(of_simclr) and len(of_simclr) == 12
    path = saved(tmp_path / 'a', {**of_simclr, 'projection/dense/kernel': [1.]}, stage='pretrain')
    found = values_of(small(tmp_path, arch='conv4', cls=Large, init=path))
    assert same(found, {name: of_simclr[renamed(name)] for name in of_others})
    found = values_of(simclr(init=saved(tmp_path / 'b', of_others)))
    assert same(found, {renamed(name): value for name, value in of_others.items()})


class Large(Classifier):
    """Takes images that are large enough for conv4."""

    def __init__(self, folder, dataset, **params):
        super().__init__(folder, toy.dataset(size=32), **params)


@pytest.mark.parametrize('names, arch, parts', [
    (['classify/conv2d/kernel', 'classify/dense/bias', 'classify_rot/dense/bias', 'global_step'], 'resnet',
     ['conv2d/kernel', 'head/bias']),
    (['classify/dense/kernel', 'classify/dense_1/kernel'], 'conv4', ['dense/kernel', 'head/kernel']),
    (['classify/conv2d_4/bias', 'classify/conv2d_5/bias'], 'convnet', ['conv2d_4/bias', 'head/bias']),
    (['encoder/dense/bias', 'classify/dense/bias', 'projection/dense/bias'], 'conv4', ['dense/bias', 'head/bias'])])
def test_parts_of_a_network(names, arch, parts):
    below = [f'{name}/{end}' for name in names for end in ('Adam', 'Adam_1', 'ExponentialMovingAverage')]
    assert initial_weights.parts({*names, *below}, arch, 2) == dict(zip(parts, names))


def without(arrays, part):
    return {name: value for name, value in arrays.items() if part not in name}


def changed(arrays, change):
    return {**arrays, 'classify/conv2d/kernel': change(arrays['classify/conv2d/kernel'])}


@pytest.mark.parametrize('change, text', [
    (lambda a: without(a, 'conv2d_1/'), 'it lacks 2 of the 36 variables of this --arch=resnet, first conv2d_1/kernel'),
    (lambda a: {**a, 'classify/x/y': np.zeros(1)},
     'it has 1 variables more than the 36 of this --arch=resnet, first x/y: it is of another network'),
    (lambda a: changed(a, lambda k: k[:, :, :1]),
     'its conv2d/kernel has shape [3, 3, 1, 16], this network needs [3, 3, 3, 16]'),
    (lambda a: changed(a, lambda k: k * np.nan), 'its conv2d/kernel is not of finite numbers'),
    (lambda a: changed(a, np.int32), 'its conv2d/kernel is not of finite numbers'),
    (lambda a: changed(a, lambda k: k.astype(object)), 'cannot read it as an .npz file: Object arrays cannot be')])
def test_arrays_that_do_not_fit(tmp_path, plain, arrays, change, text):
    path = npz(tmp_path / 'a.npz', change(arrays))
    with plain.session() as session, refused(f'--init={path}: {text}'):
        initial_weights.load(session, plain, path)


@pytest.mark.parametrize('name, params, texts', [
    ('none', {}, ['no checkpoint at', 'none']), ('none.npz', {}, ['cannot read it as an .npz file: ']),
    ('none.h5', {}, ['files of Keras are for --arch=resnet50v2, this network is --arch=resnet']),
    ('none.keras', {}, ["give the weights alone, model.save_weights('x.weights.h5')"]),
    ('text.npz', {}, ['cannot read it as an .npz file: ']), ('array.npz', {}, ['cannot read it as an .npz file: ']),
    ('other.npz', {}, ['its conv2d/kernel has shape [], this network needs [3, 3, 3, 16]']),
    ('run', dict(arch='shake'), ['it is of a run with arch=resnet: give one with arch=shake']),
    ('run', dict(filters=5), ['conv2d_1/kernel has shape [3, 3, 16, 4], this network needs [3, 3, 16, 5]']),
    ('run', dict(scales=1), ['it has 14 variables more than the 22 of this --arch=resnet, first batch_norm']),
    ('run', dict(scales=3), ['it lacks 14 of the 50 variables of this --arch=resnet, first conv2d_7/kernel'])])
def test_files_that_do_not_fit(tmp_path, plain, arrays, name, params, texts):
    (tmp_path / 'text.npz').write_text('x')
    with open(tmp_path / 'array.npz', 'wb') as f:
        np.save(f, np.zeros(3))
    npz(tmp_path / 'other.npz', without(arrays, '/conv2d/kernel'))
    with zipfile.ZipFile(tmp_path / 'other.npz', 'a') as f:
        f.writestr('classify/conv2d/kernel', 'text')
    saved(tmp_path / 'run', arrays, arch='resnet')
    model = small(tmp_path, **params) if params else plain
    with model.session() as session, refused(f'--init={tmp_path / name}: ', *texts):
        initial_weights.load(session, model, str(tmp_path / name))


def test_images_that_are_normalised_in_another_way(tmp_path, arrays):
    saved(tmp_path / 'run', arrays, whiten=True)
    with refused('it is of a run with whiten=True: give one with whiten=False'):
        initial_weights.read(str(tmp_path / 'run'), 'resnet', 2, whitened=False)


def test_two_things_to_start_from(tmp_path):
    with refused('--init=a --pretrained=b: give one of them'):
        simclr_runs.build(tmp_path, 'finetune', init='a', pretrained='b')


def test_a_run_starts_once(tmp_path, capsys, arrays):
    """It says with what, and is resumed without the file. The file is not in its name."""
    def run(**params):
        return small(tmp_path / 'runs', cls=FullySupervised, batch=8, bn_momentum=0.9, **params)

    with refused('--init=none: no checkpoint at none'):
        run(init='none').train(8, 8)
    assert not (tmp_path / 'runs').exists()
    arrays = {name: np.abs(value) for name, value in arrays.items()}  # No network has negative variances.
    path = npz(tmp_path / 'a.npz', arrays)
    model = run(init=path)
    model.train(8, 8)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(('Started', 'New'))] == model.started_from
    first = tf.train.load_checkpoint(checkpoint.all_in(model.folder.tf)[0])
    assert all(np.array_equal(first.get_tensor(name), value) for name, value in arrays.items())
    os.unlink(path)
    model.started_from = []
    model.train(16, 8)
    assert not model.started_from and 'Started' not in capsys.readouterr().out
    other = run()
    assert other.folder.path == model.folder.path
    with refused(f'was trained with init={path}, not init='):
        other.train(16, 8)


def test_every_method_can_be_started_with_weights():
    """No class puts other variables in place without this."""
    for path in [path for folder in ('.', 'ablation', 'libml/methods') for path in (runner.ROOT / folder).glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name == 'fresh':
                assert 'super().fresh(session)' in ast.unparse(node), path
