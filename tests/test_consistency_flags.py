"""consistency.py: what cannot be is said in one line."""

from consistency import Consistency
from consistency_runs import SMALL, TEACHER, dataset, make_student, train
from libml.utils import InputError

import pytest


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A teacher that has seen no image."""
    return train(tmp_path_factory.mktemp('teacher'), 8, **TEACHER)


@pytest.mark.parametrize('params, text', [
    (dict(stage='pupil'), '--stage=pupil: choose one of teacher, student'),
    (dict(average='mean'), '--average=mean: choose'),
    (dict(stage='student'), 'needs --teacher=RUN_FOLDER'),
    (dict(teacher='somewhere'), '--teacher=somewhere is for --stage=student'),
    (dict(kl_t2=True), '--kl_t2=True is for --stage=student'),
    (dict(temperature=3.), '--temperature=3.0 is for --stage=student'),
    (dict(stage='student', teacher='nowhere'), '--teacher=nowhere: there is no nowhere/args/args.json'),
    (dict(swa_bn_images=7), '--swa_bn_images=7: give at least a batch, --batch=8')])
def test_bad_flags_are_one_line(tmp_path, params, text):
    with pytest.raises(InputError) as error:
        Consistency(str(tmp_path), dataset(), **{**SMALL, **params})
    assert text in str(error.value) and '\n' not in str(error.value)


@pytest.mark.parametrize('data, params, text', [
    (dict(nclass=4), {}, 'nclass=5, this student has nclass=4'),
    (dict(size=8), {}, 'size=16x16x3, this student has size=8x8x3'),
    (dict(whiten=True), {}, 'whiten=False, this student has whiten=True'),
    ({}, dict(augment='d'), '--augment=d adds no noise'), ({}, dict(augment='d.d'), '2 fields'),
    ({}, dict(augment='r2_99_0'), "'r2_99_0'")])
def test_a_student_that_does_not_fit_its_teacher_is_one_line(teacher, tmp_path, data, params, text):
    with pytest.raises(InputError) as error:
        make_student(tmp_path, teacher, dataset(**data), **params)
    assert text in str(error.value) and '\n' not in str(error.value)


def test_another_dataset_or_no_validation_images_is_one_line(teacher, tmp_path):
    data = dataset()
    data.name = 'other'
    with pytest.raises(InputError, match='dataset=toy, this student has dataset=other'):
        make_student(tmp_path, teacher, data)
    data.valid = data.valid.take(0)
    with pytest.raises(InputError, match='other has no validation images'):
        Consistency(str(tmp_path), data, **SMALL)
