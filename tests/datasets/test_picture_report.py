"""What is said of pictures while they become a dataset."""

import collections

from libml.datasets.picture_report import Report
from libml.pictures.converting import Converted
from refusals import refused

import pytest


def picture(pixels, size=(3, 2)):
    return Converted(b'', '', pixels, size, b'png')


def bad(reason):
    return Converted(b'', reason, None, None, None)


@pytest.fixture
def report():
    """Two test pictures; one of the training pictures has the pixels of one of them."""
    report = Report(['cat', 'dog'])
    for path, number in (('t0', 0), ('t1', 1)):
        assert report.takes('test', path, number, picture(path), True)
    assert not report.takes('train', 'a', 0, picture('t1'), drop_duplicates=True)
    assert report.takes('train', 'b', 0, picture('t1', (9, 1)), drop_duplicates=False)
    assert report.takes('unlabeled', 'c', 0, picture('z', (400, 300)), True)
    assert not report.takes('train', 'd', 1, bad('it is damaged'), True)
    return report


def test_what_is_taken(report):
    assert {subset: counts.tolist() for subset, counts in report.counts.items()} == dict(
        test=[1, 1], train=[1, 0], unlabeled=[1, 0])


def test_too_little_is_left(report, capsys):
    with refused('1 picture cannot be read', '--skip_bad', 'nothing was written'):
        report.check(skip_bad=False)
    assert capsys.readouterr().err == "'d': it is damaged\n"
    with refused('no picture is left of dog to train on'):
        report.check(skip_bad=True)
    report.takes('train', 'e', 1, picture('e'), True)
    report.check(skip_bad=True)
    report.counts['test'][:] = 0
    with refused('no picture is left to test on'):
        report.check(skip_bad=True)


def test_some_classes_may_be_without_pictures(capsys):
    report = Report(['cat', 'cow', 'dog'], partial=True)
    assert report.takes('test', 't', 0, picture('t'), True)
    with refused('no picture is left of cat to train on'):
        report.check(skip_bad=False)
    report.takes('train', 'a', 2, picture('a'), True)
    report.check(skip_bad=False)
    report.print(collections.Counter(), dropped=False)
    assert capsys.readouterr().err.splitlines() == ['warning: no training picture of cat, cow',
                                                    'warning: no test picture of cow, dog']
    report.counts['test'][:] = 0
    with refused('no picture is left to test on'):
        report.check(skip_bad=False)


def test_first_ten_bad_pictures(capsys):
    report = Report(['cat', 'dog'])
    for i in range(12):
        report.takes('train', f'{i}.png', 0, bad('it is empty'), False)
    with refused('12 pictures cannot be read'):
        report.check(False)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"'{i}.png': it is empty" for i in range(10)] + ['and 2 more']


def test_summary(report, capsys):
    report.takes('train', 'e', 1, picture('e'), True)
    report.takes('train', 'f', 1, picture('t1'), False)
    report.counts['test'][0] = 0
    report.print(collections.Counter({'.txt': 2, '.db': 1}), dropped=False)
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert lines[:4] == [['class', 'train', 'test'], ['cat', '1', '0'], ['dog', '2', '1'], ['unlabeled', '1']]
    assert 'sizes: 3 to 400 pixels wide, 1 to 300 high, most often 3x2 (5)' in out
    assert 'passed over: 3 files that are no pictures (.db 1, .txt 2)' in out and 'skipped: 1 picture' in out
    assert "duplicates: 3 pictures of train" in out and "such as 'a' and 't1'" in out and '--drop_duplicates' in out
    assert err.splitlines() == ["warning: 1 picture of train with the pixels of another class, such as 'f' and 'b'",
                                'warning: no test picture of cat']
