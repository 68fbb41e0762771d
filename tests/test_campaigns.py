"""A short case of each campaign of tests/campaigns."""

import os
import re
import signal
import time

import commands
import runner
from campaigns import cases, disk, kills, small_scripts
from libml.utils import InputError

import pytest


@pytest.mark.parametrize('name, args, count', [('inputs', ['--processes=0'], 60), ('numbers', [], 2)])
def test_short_campaigns(name, args, count):
    code, out, err = runner.run(f'tests/campaigns/{name}.py', '--seed=5', f'--cases={count}', *args)
    assert code == 0 and not err, out + err
    assert re.match(rf'{count} cases: \d+ accepted, \d+ refused, 0 FAILED', out.splitlines()[-1])


def test_what_a_campaign_takes_for_a_failure(tmp_path):
    """Each wrong end once, in a copy of this process each that is wrong enough."""
    def refuse(text):
        raise InputError(text)

    def write(name):
        (tmp_path / name).write_text('half')

    (tmp_path / 'earlier').write_text('whole')
    wrong = [lambda: refuse('--name=5: give 6'), lambda: refuse('wrong'), lambda: 1 / 0, lambda: os._exit(3),
             lambda: time.sleep(60), lambda: write('new.part'), lambda: os.unlink(tmp_path / 'new.part'),
             lambda: write('earlier'), lambda: None]
    found = cases.results(lambda number: cases.judged(cases.Case('x', wrong[number], ('--name=5',)), tmp_path),
                          range(len(wrong)), seconds=1)
    texts = [('refused', '--name=5'), ('FAILED', 'names none of --name=5: wrong'), ('FAILED', 'ZeroDivisionError'),
             ('FAILED', 'crash: exit code 3'), ('FAILED', 'hang: no end after 1 s'), ('FAILED', 'new.part half-'),
             ('FAILED', 'new.part half-written, or changed'), ('FAILED', 'earlier half-written, or changed'),
             ('accepted', '')]
    for (number, result), (outcome, text) in zip(found, texts, strict=True):
        assert result.outcome == outcome and text in result.text, (number, result)


def test_a_killed_run_is_compared(tmp_path, capsys):
    hears = signal.getsignal(signal.SIGINT)
    assert kills.campaign(['mixmatch.py'], 1, 3) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('mixmatch.py') and lines[-1].startswith('1 kills (1 SIG')
    assert ' 0 bits differ, 0 failures' in lines[-1]
    assert signal.getsignal(signal.SIGINT) == hears


def test_disks_in_trouble(tmp_path, capsys):
    """Without the right to mount: files are limited, operations fail, files vanish or are folders."""
    campaign = disk.Campaign(tmp_path, 1, ['datasets', 'split'])
    assert campaign.cases(range(4)) == 0
    assert ' 0 failures' in capsys.readouterr().out


def test_every_script_has_small_flags():
    for script in small_scripts.names():
        model = commands.model_class(script)
        given = {flag[2:].partition('=')[0] for flag in small_scripts.flags(script, 'folder', 'data')}
        assert given <= {*model.LOOP_FLAGS, *model.HPARAMS}, script
