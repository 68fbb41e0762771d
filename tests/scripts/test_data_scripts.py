"""The scripts about data, as they are run: with the digits that come with scikit-learn."""

import json
import os

import runner

import numpy as np
import pytest

pytest.importorskip('sklearn')


def run(script, *args, code=0):
    """(stdout, lines on stderr that the script wrote itself) of scripts/<script>.py."""
    found, out, err = runner.run(f'scripts/{script}.py', *args)
    assert found == code, err
    return out, [line for line in err.splitlines() if line.startswith(('error', 'warning'))]


def test_create_datasets_then_split_check_and_inspect(tmp_path, monkeypatch):
    # What cannot be made is said, and does not keep the rest from being made.
    archives = tmp_path / 'archives'
    archives.mkdir()
    np.save(archives / 'cifar10.1_v6_data.npy', np.zeros([2000, 32, 32, 3], np.uint8))
    np.save(archives / 'cifar10.1_v6_labels.npy', np.arange(2000, dtype=np.int32) % 10)
    (tmp_path / 'cifar10-train.tfrecord').touch()
    monkeypatch.setenv('ML_DATA', str(tmp_path))
    out, errors = run('create_datasets', 'nosuch', 'cifar10', 'cifar10_1_v6', 'digits', f'--archives={archives}',
                      code=1)
    monkeypatch.delenv('ML_DATA')
    assert len(errors) == 4 and 'nosuch' in errors[0] and 'cifar-10-binary.tar.gz' in errors[1]
    assert all(f'cifar10.1_v6_{part}.npy has SHA-256' in line for part, line in zip(('data', 'labels'), errors[2:]))
    files = ['cifar10_1_v6-test.tfrecord', 'cifar10_1_v6.json', 'digits-test.tfrecord', 'digits-train.tfrecord',
             'digits.json']
    assert sorted(os.listdir(tmp_path)) == ['archives', 'cifar10-train.tfrecord', *files]
    assert all(name in out for name in files if name.endswith('.tfrecord'))
    with open(tmp_path / files[1]) as f:
        assert json.load(f)['counts'] == dict(train=50000, test=2000)

    out, _ = run('create_split', '--seed=3', '--size=40', f'--data_dir={tmp_path}', 'digits')
    split = tmp_path / 'SSL' / 'digits.3@40-map.json'
    assert str(split) in out and len(json.loads(split.read_text())['label']) == 40

    out, _ = run('check_split', '--dataset=digits.3@40-100', f'--data_dir={tmp_path}')
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ['labeled', 'unlabeled', 'valid', 'test']
    counts = [list(map(int, row[1:])) for row in rows[1:]]
    assert [row[0] for row in rows[1:]] == rows[0] and len(counts) == 4
    assert [counts[i][i] for i in range(4)] == [40, 1260, 100, 397]
    assert not any(counts[i][j] for i in range(4) for j in range(4) if i != j)

    out, _ = run('inspect_dataset', '--dataset=digits.3@40-100', f'--data_dir={tmp_path}')
    assert 'labeled: 40 images of 8x8x1' in out and 'test: 397 images of 8x8x1' in out
    assert out.count('labels 0..9 of 0..9') == 4 and 'largest: 100.0' in out


@pytest.mark.parametrize('script, needed', [
    ('check_split', []), ('inspect_dataset', []), ('create_corrupted', ['--dataset=x', '--out=x']),
    ('create_from_pictures', ['--name=x']), ('evaluate_run', ['--run=x']), ('plot_views', ['--run=x']),
    ('evaluate_robustness', ['--run=x', '--corrupted=x'])])
def test_what_is_no_flag_is_refused(script, needed):
    """It is a forgotten --dataset=, and another one would be looked at."""
    _, errors = run(script, *needed, 'digits.3@40-100', code=1)
    assert errors == ["error: unexpected argument 'digits.3@40-100': flags are written --name=value"]
