"""The shell scripts print commands that exist: scripts, flags, values and dataset names."""

import math
import re
import shlex
import subprocess

import commands
import runner
import toy
from baseline import Baseline
from consistency import Consistency
from libml.images.framing import Frame

import numpy as np
import pytest

COUNTS = {('fixmatch.sh', 'cifar10'): 2 * 3 * 2, ('fixmatch.sh', 'cifar100'): 2 * 3 * 2,
          ('fixmatch.sh', 'svhn'): 2 * 3 * 2, ('fixmatch.sh', 'stl10'): 2 * 2, ('fixmatch.sh', 'uda'): 3 * 2,
          ('fixmatch.sh', 'baselines'): 41 * 2, ('fixmatch.sh', 'ablation'): 16,
          ('usb.sh', 'cifar10'): 8 * 3 * 2, ('usb.sh', 'cifar100'): 8 * 3 * 2, ('usb.sh', 'svhn'): 8 * 3 * 2,
          ('usb.sh', 'stl10'): 8 * 3 * 2, ('imagenet.sh', 'randaugment'): 2, ('imagenet.sh', 'ctaugment'): 2,
          ('small.sh', 'digits'): 2 * 2, ('small.sh', 'mnist'): 2 * 2,
          ('small_methods.sh', 'digits'): 6 * 2, ('small_methods.sh', 'mnist'): 6 * 2,
          ('small_methods.sh', 'cifar10'): 6 * 2,
          ('mixmatch.sh', 'table1'): 2 * 2, ('mixmatch.sh', 'table2'): 2 + 1, ('mixmatch.sh', 'table4'): 9 * 2,
          ('mixmatch.sh', 'table5'): 7 * 5 * 2, ('mixmatch.sh', 'table6'): 7 * 5 * 2,
          ('mixmatch.sh', 'table7'): 7 * 5 * 2, ('mixmatch.sh', '--small'): 9 * 2,
          ('remixmatch.sh', 'cifar10'): 4 * 2, ('remixmatch.sh', 'svhn'): 4 * 2, ('remixmatch.sh', 'stl10'): 2,
          ('remixmatch.sh', 'ablation'): 14,
          ('fully_supervised.sh', 'baseline'): 4 * 2, ('fully_supervised.sh', 'mixup'): 3 * 2,
          ('fully_supervised.sh', 'large'): 2 * 2,
          ('adamatch.sh', 'uda'): 22 * 5 * 2, ('adamatch.sh', 'teacher'): 22 * 2, ('adamatch.sh', 'student'): 22 * 2,
          ('adamatch.sh', 'ssda'): 3 * 22 * 2 * 2, ('adamatch.sh', 'fsl'): 7 * 2, ('adamatch.sh', 'ssl'): 3 * 3 * 2,
          ('adamatch.sh', 'mnist_svhn'): 2,
          ('consistency.sh', 'example'): 2 * 2,
          ('small_adamatch.sh', 'digits'): 3 * 2, ('small_adamatch.sh', 'usps'): 3 * 2,
          ('small_adamatch.sh', 'ssda'): 2 * 2, ('small_adamatch.sh', 'ssl'): 2,
          ('adamatch.sh', 'pretrain'): 2, ('adamatch.sh', 'ablation'): 9 * 2}
# What stands in every command of a table.
FLAGS = {('fixmatch.sh', 'cifar100'): '--filters=128 --wd=0.001', ('fixmatch.sh', 'stl10'): '--scales=4',
         ('fixmatch.sh', 'baselines'): '--recipe=fixmatch',
         ('usb.sh', 'cifar10'): '--augment=d.d.usb --report_kimg=320',
         ('usb.sh', 'cifar100'): '--augment=d.d.usb --report_kimg=320 --wd=0.001',
         ('imagenet.sh', 'randaugment'): '--arch=resnet50 --size=224 --augment=d.d.rai --batch=1024 --uratio=5 ',
         ('imagenet.sh', 'ctaugment'): '--augment=d.d.d --cta_version=imagenet --ath=0.85 ',
         ('usb.sh', 'stl10'): '--augment=d.d.usb --report_kimg=320 --arch=wrn_var_37_2',
         ('mixmatch.sh', 'table1'): '--wd=0.04 --beta=0.75 --filters=135', ('mixmatch.sh', 'table2'): '--scales=4',
         ('remixmatch.sh', 'stl10'): '--K=4 --scales=4 --augment=d.x.d',
         ('fully_supervised.sh', 'large'): '--mixup --filters=135',
         ('consistency.sh', 'example'): '--resize=96 --size=72 --arch=resnet50v2 --batch=128'}


def printed(script, *args):
    process = subprocess.run(['bash', str(runner.ROOT / 'runs' / script), *args], capture_output=True, text=True)
    return process.returncode, process.stdout.splitlines(), process.stderr


def folder(line):
    """What of a command names its run folder, and more: commands that differ in nothing else clash."""
    return re.sub(' --(seed|train_kimg|report_kimg|save_kimg|bn_momentum|warmup_kimg)=\\S+', '', line)


@pytest.mark.parametrize('script, table', COUNTS)
def test_commands_are_valid(script, table):
    code, lines, _ = printed(script, table, '--seeds=1 2')
    assert code == 0 and len(lines) == COUNTS[script, table] and len({folder(line) for line in lines}) == len(lines)
    for line in lines:
        commands.check(line)
        assert FLAGS.get((script, table), '') in line


def test_ablations_start_from_the_folder_of_their_pretraining(monkeypatch):
    monkeypatch.setattr(Baseline, 'algorithm', toy.no_graph)
    line, = printed('adamatch.sh', 'pretrain', '--seeds=2')[1]
    assert shlex.split(line)[1:] == [
        'baseline.py', '--source=usps', '--target=svhn_noextra', '--nouse_unlabeled', '--augment=CTA(s,s)', '--seed=2',
        '--rerun=seed2', '--train_kimg=8192', '--train_dir=experiments/pretrain']
    pair = toy.dataset(size=32, nclass=10)
    pair.name = 'usps_to_svhn_noextra'
    model = Baseline('experiments/pretrain', pair, use_unlabeled=False, augment='CTA(s,s)', rerun='seed2')
    given = [flag for line in printed('adamatch.sh', 'ablation', '--seeds=2')[1] for flag in shlex.split(line)
             if flag.startswith('--pretrained')]
    assert given == [f'--pretrained={model.folder.path}'] * 3


@pytest.mark.parametrize('average', ['swa', 'ma'])
def test_the_student_of_the_example_has_its_teacher(monkeypatch, tmp_path, average):
    monkeypatch.setattr(Consistency, 'algorithm', toy.no_graph)
    monkeypatch.chdir(tmp_path)
    teacher, student = (dict(flag.removeprefix('--').split('=') for flag in shlex.split(line)[2:]) for line in printed(
        'consistency.sh', 'example', f'--averages={average}', '--seeds=2', '--data_dir=/my data')[1])
    assert student['data_dir'] == '/my data' and student['augment'] == 'r2_9_0'
    data = toy.dataset(size=72, nclass=10)
    data.name, data.frame = teacher['dataset'], Frame(int(teacher['size']), int(teacher['resize']))
    model = Consistency(teacher['train_dir'], data, average=teacher['average'], rerun=teacher['rerun'],
                        arch=teacher['arch'], batch=int(teacher['batch']), seed=int(teacher['seed']))
    assert student['teacher'] == model.folder.path


def test_settings_of_the_comparison():
    """Those that the tables of MixMatch's paper differ in."""
    weights = {}
    for table in ('table5', 'table6', 'table7'):
        for line in printed('mixmatch.sh', table, '--seeds=1', '--kimg=16')[1]:
            _, path, *flags = shlex.split(line)
            given = dict(flag.removeprefix('--').split('=') for flag in flags)
            assert given['train_kimg'] == '16' and given['train_dir'] == 'experiments/compare'
            name = given['dataset'].partition('.')[0]
            settings = [given.get(flag) for flag in ('consistency_weight', 'w_match', 'beta') if flag in given]
            weights.setdefault((path, given['wd']), {}).setdefault(name, set()).add(' '.join(settings))
    assert weights == {
        ('ict.py', '0.02'): dict(cifar10={'1000 0.75'}, svhn_noextra={'20 0.5'}, svhn={'20 0.5'}),
        ('mean_teacher.py', '0.2'): dict(cifar10={'50'}),
        ('mean_teacher.py', '0.02'): dict(svhn_noextra={'150'}, svhn={'180'}),
        ('mixmatch.py', '0.02'): dict(cifar10={'75 0.75'}, svhn_noextra={'250 0.75'}, svhn={'250 0.25'}),
        ('mixup.py', '0.02'): dict(cifar10={'0.75'}, svhn_noextra={'0.25'}, svhn={'0.25'}),
        ('pi_model.py', '0.02'): dict(cifar10={'20'}),
        ('pi_model.py', '0.2'): dict(svhn_noextra={'5'}, svhn={'5'}),
        ('pseudo_label.py', '0.02'): dict(cifar10={'1'}, svhn_noextra={'2'}, svhn={'2'}),
        ('vat.py', '0.02'): dict(cifar10={''}, svhn_noextra={''}, svhn={''})}


def test_baselines_of_fixmatch():
    """Three are not in its table with the fewest labels; networks and weight decay are those of its own rows."""
    found = {}
    for line in printed('fixmatch.sh', 'baselines', '--seeds=1')[1]:
        _, path, *flags = shlex.split(line)
        given = dict(flag.removeprefix('--').split('=') for flag in flags)
        assert (given.pop('recipe'), given.pop('train_kimg')) == ('fixmatch', '65536')
        assert given.pop('train_dir') == 'experiments/fixmatch'
        name, labels = given.pop('dataset').removesuffix('-1').split('.1@')
        found.setdefault((path, name), {}).setdefault(tuple(given.items()), []).append(int(labels))
    networks = dict(cifar10={}, cifar100=dict(filters='128', wd='0.001'), svhn={}, stl10=dict(scales='4'))
    counts = dict(cifar10=[40, 250, 4000], cifar100=[400, 2500, 10000], svhn=[40, 250, 1000], stl10=[1000])
    expected = {}
    for name, flags in networks.items():
        own = dict(K='4', augment='d.x.d') if name == 'stl10' else dict(K='8')
        for path in ('pi_model.py', 'pseudo_label.py', 'mean_teacher.py'):
            expected[path, name] = {tuple(flags.items()): counts[name][-2:]}
        expected['mixmatch.py', name] = {tuple(flags.items()): counts[name]}
        expected['remixmatch.py', name] = {(*own.items(), *flags.items()): counts[name]}
    assert found == expected


@pytest.mark.parametrize('script', ['consistency.sh', 'simclr.sh'])
def test_the_home_folder_of_scripts_that_train(script):
    line = re.search(r'--data_dir=\*\) (.*) ;;', (runner.ROOT / 'runs' / script).read_text())[1]
    code = f"argument='--data_dir=~/my data'; HOME=/home/me; {line}; echo \"$data_dir\""
    assert subprocess.run(['bash', '-c', code], capture_output=True, text=True).stdout == '/home/me/my data\n'


def test_settings_of_usb():
    """Its FreeMatch clamps thresholds on SVHN alone, as in the paper; the rest is one line a method."""
    lines = [line.split() for line in printed('usb.sh', '--seeds=1', '--kimg=16')[1]]
    clamped = {line[4].split('=')[1] for line in lines if '--thresh_min=0.9' in line}
    assert clamped == {'svhn.1@40-1', 'svhn.1@250-1', 'svhn.1@1000-1'}
    assert all('--thresh_max=0.95' in line for line in lines if '--thresh_min=0.9' in line)
    assert {line[1] for line in lines} == {f'{name}.py' for name in (
        'fixmatch', 'uda', 'flexmatch', 'freematch', 'softmatch', 'dash', 'simmatch', 'comatch')}
    assert {line[1] for line in lines if '--contrast_loss_ratio=5' in line} == {'comatch.py'}
    assert all('--moments=aligned' in line for line in lines if line[1] == 'softmatch.py')


def test_golden_settings_of_imagenet():
    """3,000 epochs of 128,116 labels: 50 of warm-up, a tenth after every 500; twice the original's weight decay."""
    line, = printed('imagenet.sh', 'randaugment', '--seeds=3')[1]
    given = dict(flag.removeprefix('--').partition('=')[::2] for flag in shlex.split(line)[2:])
    kimg = 128116 / 1024
    assert given['dataset'] == 'imagenet.3@128116-0' and int(given['train_kimg']) == math.ceil(3000 * kimg)
    found = [float(given[f'lr_{part}_kimg']) for part in ('warmup', 'decay')]
    np.testing.assert_allclose(found, [50 * kimg, 500 * kimg], rtol=1e-6)
    numbers = {name: float(given[name]) for name in ('lr', 'wd', 'confidence', 'wu', 'bn_momentum')}
    assert numbers == dict(lr=0.1 * 1024 / 256, wd=2 * 0.0003, confidence=0.7, wu=10, bn_momentum=0.9)
    assert given['schedule'] == 'staircase' and given['wd_bias'] == given['ema_statistics'] == ''


def test_data_of_imagenet():
    lines = printed('imagenet.sh', 'data', '--seeds=1 2')[1]
    assert lines[0] == 'python scripts/create_datasets.py --archives=imagenet imagenet' and len(lines) == 3
    for seed, line in enumerate(lines[1:], 1):
        assert shlex.split(line) == [
            'python', 'scripts/create_split.py', f'--seed={seed}', '--size=128116',
            f'--names=lists/files2shards_train_size128116_split{seed}.txt', 'imagenet']


def test_all_tables_without_a_name():
    assert printed('remixmatch.sh', '--seeds=1')[1] == sum(
        (printed('remixmatch.sh', table, '--seeds=1')[1] for table in ('cifar10', 'svhn', 'stl10', 'ablation')), [])


@pytest.mark.parametrize('script', ['fixmatch.sh', 'small.sh', 'mixmatch.sh', 'remixmatch.sh', 'fully_supervised.sh',
                                    'compare.sh', 'adamatch.sh', 'small_adamatch.sh', 'pictures.sh',
                                    'usb.sh', 'small_methods.sh', 'imagenet.sh'])
def test_wrong_argument_is_one_line(script):
    code, lines, err = printed(script, 'nosuch')
    assert code == 1 and not lines and 'nosuch' in err and len(err.splitlines()) == 1


@pytest.mark.parametrize('argument', ['--seeds=', '--seeds=1,2', '--seeds=1 x', '--kimg=', '--kimg=x', '--kimg=0',
                                      '--kimg=1k', '--kimg=0.5'])
def test_wrong_numbers_are_one_line(argument):
    code, lines, err = printed('usb.sh', 'svhn', argument)
    assert code == 1 and not lines and err.startswith(f'error: {argument}: give ') and len(err.splitlines()) == 1


def test_numbers():
    lines = printed('usb.sh', 'svhn', '--seeds=3 12', '--kimg=20')[1]
    assert len(lines) == 48 and all('--train_kimg=20 ' in line for line in lines)
    assert {line.partition('@')[0].rpartition('.')[2] for line in lines} == {'3', '12'}
