"""What the tests of training share: a run without interruption."""

import runner
import short_runs

import pytest


@pytest.fixture(scope='session')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


@pytest.fixture(scope='session')
def straight(tmp_path_factory, data_dir):
    """The run folder of six kimg without interruption, and what it printed."""
    train_dir = tmp_path_factory.mktemp('straight')
    code, out, err = runner.run('mixmatch.py', *runner.TINY, '--train_kimg=6', f'--data_dir={data_dir}',
                                f'--train_dir={train_dir}')
    assert code == 0, err
    return short_runs.folder_in(train_dir), out
