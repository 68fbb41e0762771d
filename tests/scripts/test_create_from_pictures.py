"""The real command: what it makes of pictures, and each of its refusals."""

import os
import shutil
import signal

import runner
from libml import data_pair
from libml.training.run_folder import RunFolder
from made_up_pictures import pictures

import pytest

SCRIPT = 'scripts/create_from_pictures.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """`pets` with two classes in `data`, and what is to be refused."""
    folder = tmp_path_factory.mktemp('pictures')
    pictures(folder / 'train', *(f'{name}/{i} é.{form}' for name in ('cat', 'dog') for i in range(5)
                                 for form in ('JPG', 'png')))
    pictures(folder / 'more', 'a.webp', seed=1)
    pictures(folder / 'one', 'cat/a.png', 'cat/b.png')
    pictures(folder / 'other', 'cat/a.png', 'bird/b.png')
    (folder / 'more' / 'Thumbs.db').touch()
    (folder / 'none').mkdir()
    (folder / 'none' / 'a.txt').touch()
    (folder / 'two.csv').write_text('cat/0 é.png,cat\ndog/0 é.png,dog\ncat/0 é.png,dog\n')
    shutil.copytree(folder / 'train', folder / 'bad')
    for i in range(12):
        content = (folder / 'bad' / 'cat' / '0 é.png').read_bytes()
        (folder / 'bad' / 'dog' / f'cut {i:02}.png').write_bytes(content[:-30])
    code, out, err = runner.run(SCRIPT, '--name=pets', f'--train={folder}/train', f'--unlabeled={folder}/more',
                                '--size=16', '--fit=pad', '--nomirror', '--family=zoo', f'--data_dir={folder}/data')
    assert code == 0, err
    assert 'pets: 2 classes, 16x16x3 (pad)' in out and '(.db 1)' in out and not err
    return folder


def test_the_dataset_has_a_name_everywhere(folder):
    data_dir = str(folder / 'data')
    sizes = {'pets.1@4-2': (4, 11, 2), 'pets-3': (13, 0, 3), 'pets.1@all-6': (10, 1, 6)}
    for name, expected in sizes.items():
        dataset = data_pair.DATASETS[name](data_dir)
        assert (len(dataset.labeled), len(dataset.unlabeled), len(dataset.valid)) == expected
        assert len(dataset.test) == 4 and not dataset.mirror and dataset.height == 16


@pytest.mark.parametrize('args, texts', [
    (['--name=new', '--train={0}/none'], ['/none has no pictures']),
    (['--name=new', '--train={0}/one'], ['one class, cat']),
    (['--name=new', '--csv={0}/two.csv', '--train={0}/train'], ['two.csv, line 3', 'more than one label, cat and dog']),
    (['--name=cifar10', '--train={0}/train'], ['--name=cifar10', 'published']),
    (['--name=new', '--train={0}/train', '--test={0}/other'], ['dog only in the training', 'bird only in the test']),
    (['--name=new', '--train={0}/other', '--family=zoo'],
     ['--family=zoo: its datasets must have the same classes, but new has a class bird, and pets has none']),
    (['--name=new', '--train={0}/train', '--size=300'], ['--size=300: give 8 to 256, or --size=0: pictures keep']),
    (['--name=new', '--train={0}/train', '--size=0', '--fit=crop'], ['--fit=crop --size=0: pictures that keep']),
    (['--name=new', '--train={0}/train', '--test_csv={0}/two.csv'], ['two.csv: it goes with --csv=FILE']),
    (['--name=pets', '--train={0}/train', '--size=16', '--fit=pad', '--nomirror', '--family=zoo'],
     ['--name=pets', 'pets.json is there already, made of other pictures', '--overwrite']),
    (['--name=new', '--npz={0}/x.npz', '--train={0}/train'], ['give one of --train=FOLDER, --csv=FILE'])])
def test_refusals(folder, args, texts):
    before = {path: path.stat().st_mtime_ns for path in (folder / 'data').iterdir()}
    code, out, err = runner.run(SCRIPT, *(arg.format(folder) for arg in args), f'--data_dir={folder}/data')
    assert code == 1 and not out and len(err.splitlines()) == 1 and err.startswith('error: ')
    assert all(text in err for text in texts), err
    assert before == {path: path.stat().st_mtime_ns for path in (folder / 'data').iterdir()}


def test_domains_of_a_family(tmp_path):
    """From the folders of Office-31 and from lists like those of DomainNet to a run with no_<name>."""
    names = [f'{name}/{i}.png' for name in ('bike', 'mug', 'pen') for i in range(8)]
    pictures(tmp_path / 'amazon' / 'images', *names, size=(20, 12))
    listed = [f'webcam/{name}' for name in names if not name.startswith('mug')]
    pictures(tmp_path, *listed, seed=1)
    for subset, part in (('train', listed[1:]), ('test', listed[:1])):
        (tmp_path / f'{subset}.txt').write_text(''.join(f'{path} {path.split("/")[1]}\n' for path in part))
    shared = ['--family=office31', '--size=16', '--fit=stretch', f'--data_dir={tmp_path}/data']
    for name, args in (('amazon', [f'--train={tmp_path}/amazon/images']),
                       ('webcam', [f'--csv={tmp_path}/train.txt', f'--test_csv={tmp_path}/test.txt',
                                   '--classes_of=office31_amazon'])):
        code, out, err = runner.run(SCRIPT, f'--name=office31_{name}', *args, *shared)
        assert code == 0 and f'office31_{name}: 3 classes, 16x16x3 (stretch)' in out, err
    assert err.splitlines() == ['warning: no training picture of mug', 'warning: no test picture of mug, pen']
    code, _, err = runner.run(
        'adamatch.py', '--source=no_office31_webcam', '--target=office31_webcam', f'--data_dir={tmp_path}/data',
        f'--train_dir={tmp_path}', '--filters=4', '--repeat=1', '--batch=16', '--uratio=1', '--bn_momentum=0.9',
        '--ema=0.9', '--report_kimg=1', '--train_kimg=1', '--augment=(s,s)')
    assert code == 0, err
    run, = (tmp_path / 'no_office31_webcam_to_office31_webcam' / '(s,s)').iterdir()
    row, = RunFolder(run).metrics()
    assert {f'accuracy/no_office31_webcam_to_office31_{name}' for name in ('amazon', 'webcam')} <= set(row)
    assert RunFolder(run).read_args()['sources'] == 'office31_amazon'


def test_bad_pictures_are_listed(folder):
    code, out, err = runner.run(SCRIPT, '--name=new', f'--train={folder}/bad', f'--data_dir={folder}/new')
    lines = err.splitlines()
    assert code == 1 and not out and len(lines) == 12 and not list((folder / 'new').iterdir())
    assert all('dog/cut' in line and 'damaged' in line for line in lines[:10]) and lines[10] == 'and 2 more'
    assert lines[11].startswith('error: 12 pictures cannot be read') and '--skip_bad' in lines[11]


@pytest.mark.parametrize('number, code', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_nothing_half_written(folder, tmp_path, number, code):
    """Of a whole process group, as from a terminal: its workers, which are being started, are quiet as well."""
    process = runner.start(SCRIPT, '--name=new', f'--train={folder}/train', f'--data_dir={tmp_path}',
                           start_new_session=True,  # SIGINT is ignored in the background of a script.
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    runner.wait_for(lambda: list(tmp_path.glob('*.part')), process)
    os.killpg(process.pid, number)
    assert process.communicate(timeout=60) == ('', f'Stopped by {number.name}.\n') and process.returncode == code
    assert not list(tmp_path.iterdir())
