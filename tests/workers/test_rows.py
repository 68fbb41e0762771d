"""Draws of rows: those of one process for these rows."""

from libml.draws import Draws
from libml.workers.rows import Rows

import numpy as np
import tensorflow as tf

OWNED = np.array([[0, 3, 4], [5, 2, 1]])


def test_the_workers_draws_are_those_of_one_process():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        whole = Draws(3, 5, 'pass/')
        for name, draw in (('uniform', lambda draws, n: draws.within('mask').uniform('dropout', [n, 7])),
                           ('integers', lambda draws, n: draws.uniform('op', [n], 0, 9, tf.int32)),
                           ('dynamic', lambda draws, n: draws.uniform('dropout', tf.stack([n, 7]))),
                           ('normal', lambda draws, n: draws.normal('noise', (n, 2, 2, 1))),
                           ('beta', lambda draws, n: draws.beta('lam', [n], 0.5))):
            one, *parts = session.run([draw(whole, 6), *(draw(Rows(whole, own, 6), 3) for own in OWNED)])
            for own, part in zip(OWNED, parts):
                np.testing.assert_array_equal(part, one[own], err_msg=name)
        twice, part = session.run([whole.uniform('x', [12, 2]), Rows(whole, OWNED[1], 6).uniform('x', [6, 2])])
        np.testing.assert_array_equal(part, twice[[5, 2, 1, 11, 8, 7]])
