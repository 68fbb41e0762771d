"""The fingerprint of what shapes a training: which arguments change it, and which checkpoints are refused."""

from libml.hparams import Hparam
from libml.training import fingerprint
from refusals import refused

import pytest
import tensorflow as tf

TABLE = dict(lr=Hparam(0.1, ''), repeat=Hparam(4, ''), cta=Hparam(True, ''), augment=Hparam('d.d', ''))
ARGS = dict(lr=0.2, repeat=4, cta=True, augment='d.d', nclass=10, dataset='digits.1@40-100', whiten=False, target='')


def of(**changes):
    return fingerprint.of({**ARGS, **changes}, TABLE)


def test_every_argument_counts():
    found = {of(), of(lr=0.1), of(lr=0.3), of(repeat=3), of(cta=False), of(augment='x.d'), of(nclass=9),
             of(whiten=True), of(target='usps'), of(dataset='digits.2@40-100'), of(lr=0.1, repeat=0.2)}
    assert len(found) == 11 and all(abs(number) < 2 ** 63 for number in found)


def test_what_is_the_same():
    """The order, 3 and 3.0, and what has its default in the table or is off without one: later versions add such."""
    assert of(repeat=3) == of(repeat=3.)
    assert of() == fingerprint.of(dict(reversed(ARGS.items())), TABLE)
    assert of() == of(enlarge=False, p_unlabeled='')
    assert of() == fingerprint.of(dict(ARGS, more=7), dict(TABLE, more=Hparam(7, '')))
    assert of() == -1361251489289597427  # As recorded: another number would refuse the runs of earlier versions.


@pytest.mark.parametrize('name, value, right', [
    ('fingerprint', 7, True), ('fingerprint', 8, False), ('other', 8, True),
    ('fingerprint', fingerprint.UNKNOWN, True)])
def test_checkpoints(tmp_path, name, value, right):
    """That of the original code has no fingerprint, that of a model which was saved without training an unknown one."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = fingerprint.variable()
        fingerprint.write(session, variable, value)
        path = tf.compat.v1.train.Saver({name: variable}).save(session, str(tmp_path / 'model.ckpt'))
    if right:
        fingerprint.check(path, 7)
    else:
        with refused(path, 'was trained with other settings', '--rerun=NAME'):
            fingerprint.check(path, 7)
