"""A short case of each campaign."""

import signal

import runner

import pytest


@pytest.fixture(autouse=True)
def campaigns(monkeypatch):
    """Their folder is imported from."""
    monkeypatch.syspath_prepend(runner.ROOT / 'tests' / 'campaigns')


def test_a_killed_run_is_compared(tmp_path, capsys):
    import kills

    hears = signal.getsignal(signal.SIGINT)
    assert kills.campaign(['mixmatch.py'], 1, 3) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('mixmatch.py') and lines[-1].startswith('1 kills (1 SIG')
    assert ' 0 bits differ, 0 failures' in lines[-1]
    assert signal.getsignal(signal.SIGINT) == hears


def test_disks_in_trouble(tmp_path, capsys):
    """Without the right to mount: files are limited, operations fail, files vanish or are folders."""
    import disk

    campaign = disk.Campaign(tmp_path, 1, ['datasets', 'split'])
    assert campaign.cases(range(6)) == 0
    assert ' 0 failures' in capsys.readouterr().out
