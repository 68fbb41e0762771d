"""scripts/export_model.py: its model works where this library cannot be imported, and is compared with the run."""

import os
import subprocess
import sys

import export_model
import runner
import toy
from libml import data_pair
from libml.training import checkpoint, evaluate
from mixmatch import MixMatch
from refusals import refused

import numpy as np
import pytest
from PIL import Image

# Prints what signature `uint8` says; libml is neither on the path nor installed.
USER = '''
import sys
sys.meta_path.insert(0, type('', (), {'find_spec': lambda name, *args: exec('raise ImportError(name)')
                                      if name.partition('.')[0] == 'libml' else None}))
try:
    import libml
    sys.exit('libml is there')
except ImportError:
    pass
import numpy as np, tensorflow as tf
f = tf.saved_model.load('model').signatures['uint8']
found = f(images=tf.constant(np.load('images.npy')))
assert not [name for name in sys.modules if name.startswith('libml')]
np.save('p.npy', found['probabilities'].numpy())
'''


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A model after a few steps on digits."""
    folder = tmp_path_factory.mktemp('runs')
    dataset = data_pair.DATASETS['digits.1@40-100'](str(folder / 'data'))
    model = MixMatch(str(folder), dataset, **dict(toy.SMALL, arch='convnet', ema=0.5, scales=1, lr=0.01))
    model.train(8 * 40, 8 * 40)
    return model


def test_model_of_a_run_works_by_itself(run, tmp_path):
    """Exported with test images; then again over it, with pictures of several sizes, one of them to be turned."""
    code, printed, err = runner.run('scripts/export_model.py', f'--run={run.folder.path}', f'--out={tmp_path}/model/')
    assert code == 0 and not err, err
    first, second = printed.splitlines()
    assert first.startswith(f'{tmp_path}/model: {checkpoint.find(run.folder.path)} as a SavedModel')
    assert 'images of 8x8x1' in first
    assert float(second.split('of 64 pictures differ by ')[1].split()[0]) <= 1e-6
    images = run.dataset.test.images[:10]
    np.save(tmp_path / 'images.npy', images)
    done = subprocess.run([sys.executable, '-I', '-c', USER], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with run.session(checkpoint.find(run.folder.path)) as session:
        p = evaluate.predict(session, run.ops.classify_op, run.ops.x, images)
    np.testing.assert_allclose(np.load(tmp_path / 'p.npy'), p, rtol=0, atol=1e-6)

    folder = tmp_path / 'pictures'
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for i, image in enumerate(images):
        picture = Image.fromarray(image[..., 0]).resize((20 + 7 * i, 30 + i))
        picture.save(folder / f'{i}.{("jpg", "png")[i % 2]}', exif=(exif if i == 4 else Image.Exif()).tobytes())
    args = [f'--run={run.folder.path}', f'--out={tmp_path}/model', str(folder)]
    code, printed, err = runner.run('scripts/export_model.py', *args)
    assert code == 1 and not printed and err == f'error: {tmp_path}/model is there already: give another --out, or ' \
        '--overwrite'
    code, printed, err = runner.run('scripts/export_model.py', '--overwrite', '--format=tflite', *args)
    assert code == 0, err
    assert 'probabilities of 10 pictures differ by' in printed and f'{tmp_path}/model.tflite: ' in printed
    assert sorted(os.listdir(tmp_path)) == ['images.npy', 'model', 'model.tflite', 'p.npy', 'pictures']


def test_what_is_compared(run, tmp_path):
    contents = export_model.pictures([], run.dataset)
    assert len(contents) == 64
    with refused('a picture to compare on: it is no picture'):
        export_model.check(run, None, '', [contents[0], b'nothing'])
    paths = [tmp_path / f'{i:03}.png' for i in range(130)]
    for path in paths:
        path.write_text(path.name)
    assert export_model.pictures([str(tmp_path)], run.dataset) == [path.name.encode() for path in paths[::3]]
    (tmp_path / 'more').mkdir()
    (tmp_path / 'more' / 'a.gif').touch()
    with refused(f'{tmp_path}/more and what follows: no JPEG or PNG'):
        export_model.pictures([f'{tmp_path}/more'], run.dataset)
    with refused('cannot read nowhere.png: No such file'):
        export_model.pictures(['nowhere.png'], run.dataset)
    with refused('the model cannot be used by itself:'):
        export_model.loaded(str(tmp_path / 'nowhere'), {})


def test_differences():
    p = np.array([[0.5, 0.25, 0.25], [0, 0, 1]], np.float32)
    found = {'a/probabilities': p + np.float32(5e-7), 'a/class': np.array([0, 2]), 'a/name': np.array([b'x', b'z'])}
    both = dict(found, **{f'b/{key[2:]}': value for key, value in found.items()})
    np.testing.assert_allclose(export_model.largest_difference(both, p, 'xyz'), 5e-7, rtol=0.2)
    with refused('signature b differs from the run by 1e-05'):
        export_model.largest_difference(dict(both, **{'b/probabilities': p + np.float32(1e-5)}), p, 'xyz')
    with refused('signature a differs from the run by nan'):
        export_model.largest_difference(dict(both, **{'a/probabilities': p * np.nan}), p, 'xyz')
    with refused('signature a names other classes'):
        export_model.largest_difference(dict(both, **{'a/name': np.array([b'x', b'y'])}), p, 'xyz')
    with refused('signature a names other classes'):
        export_model.largest_difference(dict(both, **{'a/class': np.array([1, 2])}), p, 'xyz')


def test_nothing_is_left_of_an_export_that_failed(tmp_path):
    out = tmp_path / 'out'
    code, printed, err = runner.run('scripts/export_model.py', '--run=nowhere', f'--out={out}')
    assert code == 1 and 'no checkpoint at nowhere' in err and not os.listdir(tmp_path)
    out.mkdir()
    (out / 'mine').touch()
    code, printed, err = runner.run('scripts/export_model.py', '--run=nowhere', f'--out={out}', '--overwrite')
    assert code == 1 and f'{out} is there already, without saved_model.pb' in err and os.listdir(out) == ['mine']
