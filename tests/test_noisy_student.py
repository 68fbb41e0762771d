"""noisy_student.py: what a student takes from its teacher, against numpy."""

import os

from adamatch_runs import dataset, softmax
from domain_runs import TINY, build, recorded
from libml.utils import InputError
from noisy_student import NoisyStudent

import numpy as np
import pytest
import tensorflow as tf


def test_student_follows_its_teacher(tmp_path):
    """The teacher's file, which images the student keeps, how often each appears, and the soft labels in the loss."""
    params = dict(arch='convnet')
    teacher = build(NoisyStudent, tmp_path, id='0', **params)
    teacher.train(12, 1024)
    path = os.path.join(teacher.folder.path, 'predictions.npy')
    p = np.load(path)
    unlabeled = teacher.dataset.unlabeled
    with teacher.session(tf.train.latest_checkpoint(teacher.folder.tf)) as session:
        images = unlabeled.images.astype(np.float32) * np.float32(2 / 255) - 1
        np.testing.assert_allclose(p, session.run(teacher.ops.classify_op, {teacher.ops.x: images}), rtol=1e-5)

    # Unlike the teacher's own, these are sure of some images.
    p = softmax(np.random.RandomState(0).normal(0, 2, p.shape)).astype(np.float32)
    np.save(path, p)
    student = build(recorded(NoisyStudent), tmp_path, id='1', teacher_id='0', pseudo_label_th=0.6, **params)
    pool, batches = student.pool
    kept = p.max(1) > 0.6
    assert 10 < kept.sum() < 50
    counts = np.bincount(pool.positions)
    # Each batch of 4 has 4 of 20 labelled, 4 of 7 labelled target and 8 of 60 unlabelled images.
    assert (counts == np.repeat([6, 17, 4], [20, 7, kept.sum()])).all()
    np.testing.assert_allclose(batches, 2 + 2 * kept.mean())
    np.testing.assert_array_equal(pool.pixels, np.concatenate(
        [student.dataset.labeled.images, student.labeled_target.images, unlabeled.images[kept]]))
    np.testing.assert_array_equal(pool.targets[27:], p[kept])
    np.testing.assert_array_equal(pool.targets[:20], np.eye(5)[student.dataset.labeled.labels])
    with student.session() as session:
        student.streams.start(session, 0)
        found, (z,), label = session.run([student.ops.losses['losses/xe'], student.recorded, student.ops.label])
        assert not {v.tobytes() for v in label} - {v.tobytes() for v in pool.targets}
    expected = np.mean([-(label * np.log(softmax(z[:, view]))).sum(1).mean() for view in range(2)])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize('known', [True, False])
def test_how_right_the_teacher_is(tmp_path, known):
    """Of all its predictions; the same at each report, and used by nothing."""
    data = dataset(7, size=8)
    data.labels_known, truth = known, data.unlabeled.labels
    p = softmax(np.random.RandomState(0).normal(0, 2, [60, 5])).astype(np.float32)
    np.save(tmp_path / 'p.npy', p)
    student = NoisyStudent(str(tmp_path), data, id='1', pseudo_label_file=str(tmp_path / 'p.npy'), pseudo_label_th=0.6,
                           **dict(TINY, arch='convnet'))
    student.train(8, 4)
    kept, right = p.max(1) > 0.6, p.argmax(1) == truth
    assert 0 < right[kept].mean() < 1
    expected = {'pseudo/accuracy': right[kept].mean(), 'pseudo/coverage': kept.mean(),
                **{f'pseudo/coverage/{k}': kept[truth == k].mean() for k in range(5)}} if known else {}
    for row in student.folder.metrics():
        found = {tag: value for tag, value in row.items() if tag.startswith('pseudo')}
        assert found == pytest.approx({tag: 100 * value for tag, value in expected.items()}, rel=1e-5)


@pytest.mark.parametrize('params, text', [
    (dict(), '--id=:'), (dict(id='a/b'), '--id=a/b: give the name of one folder'),
    (dict(id='..'), '--id=..: give'), (dict(id='a\tb'), r'--id=a\\tb: give'),
    (dict(id='1', teacher_id='.0'), '--teacher_id=.0: give'),
    (dict(id='1', teacher_id='../0'), '--teacher_id=../0: give'),
    (dict(id='1', teacher_id='1'), '--teacher_id=1'),
    (dict(id='1', teacher_id='0'), 'predictions.npy'),
    (dict(id='1', pseudo_label_file='{}/few.npy'), r'shape \(3, 5\)'),
    (dict(id='1', pseudo_label_file='{}/unsure.npy'), '--pseudo_label_th=0.9'),
    (dict(id='1', pseudo_label_file='{}/empty.npy'), 'cannot read the predictions .*empty.npy'),
    (dict(id='1', pseudo_label_file='{}/many.npz'), 'cannot read the predictions .*many.npz'),
    (dict(id='1', pseudo_label_file='{}/text.npy'), 'text.npy does not hold probabilities'),
    (dict(id='1', pseudo_label_file='{}/logits.npy'), 'logits.npy does not hold probabilities')])
def test_refusals(tmp_path, params, text):
    np.save(tmp_path / 'few.npy', np.zeros([3, 5], np.float32))
    np.save(tmp_path / 'unsure.npy', np.full([60, 5], 0.2, np.float32))
    (tmp_path / 'empty.npy').write_bytes(b'')
    np.savez(tmp_path / 'many.npz', p=np.full([60, 5], 0.2))
    np.save(tmp_path / 'text.npy', np.full([60, 5], '0.2'))
    np.save(tmp_path / 'logits.npy', np.random.RandomState(0).normal(0, 9, [60, 5]))
    params = {name: value.format(tmp_path) if isinstance(value, str) else value for name, value in params.items()}
    with pytest.raises(InputError, match=text) as error:
        build(NoisyStudent, tmp_path, arch='convnet', **params)
    assert '\n' not in str(error.value)
