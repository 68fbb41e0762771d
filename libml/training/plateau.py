"""A learning rate that falls at a plateau, and the end of training at one. Both act once a report, on its score.

A score is better when it is higher. What they remember is in variables, so that checkpoints hold it.
"""

import numpy as np
import tensorflow as tf

WORST = np.finfo(np.float64).min  # Not -inf: a run with numbers that are not finite is stopped.


class Plateau:
    """A learning rate that is multiplied by `factor` when `patience` reports in a row were no better than the best.

    Better is by more than 1e-4. (ReduceLROnPlateau of Keras, without cooldown and smallest rate.)

    Args:
        lr: the first learning rate.
        patience: reports; 0: the rate never falls.
        factor: in (0, 1].

    Attributes:
        lr: float32 variable.
    """

    MIN_DELTA = 1e-4

    def __init__(self, lr, patience, factor):
        self.patience = patience
        self.factor = factor
        self.lr = _state('plateau/lr', np.float32(lr))
        self.best = _state('plateau/best', WORST)
        self.wait = _state('plateau/wait', 0)

    def after_report(self, session, score):
        """Takes a report's score; returns the new learning rate if it falls, else None."""
        best, wait, lr = session.run([self.best, self.wait, self.lr])
        wait = 0 if score > best + self.MIN_DELTA else wait + 1
        fallen = bool(self.patience) and wait >= self.patience
        if fallen:
            lr, wait = lr * np.float32(self.factor), 0
        best = score if score > best + self.MIN_DELTA else best
        _assign(session, [(self.best, best), (self.wait, wait), (self.lr, lr)])
        return lr if fallen else None


class EarlyStopping:
    """Keeps the best weights, and ends training when `patience` reports in a row were no better.

    (EarlyStopping of Keras 3.15 with restore_best_weights, which also restores them when training ends by its length.)

    Args:
        patience: reports, at least 1.
        variables: list of float32 variables: what of a network is kept.
    """

    def __init__(self, patience, variables):
        self.patience = patience
        self.best = _state('stopping/best', WORST)
        self.wait = _state('stopping/wait', 0)
        self.restored = _state('stopping/restored', False)
        copies = [_state(f'best/{v.op.name}', np.zeros(v.shape, np.float32)) for v in variables]
        self._keep = _assignments(zip(copies, variables))
        self._exchange = _assignments([*zip(copies, variables), *zip(variables, copies)])
        with tf.control_dependencies([self._exchange]):
            self._exchange = self.restored.assign(~self.restored.read_value(), read_value=False)

    def after_report(self, session, score):
        """Takes a report's score; keeps the weights if it is the best."""
        best, wait = session.run([self.best, self.wait])
        if score > best:
            session.run(self._keep)
            best, wait = score, -1
        _assign(session, [(self.best, best), (self.wait, wait + 1)])

    def finished(self, session):
        """Whether training ends now."""
        return bool(session.run(self.wait) >= self.patience)

    def restore(self, session, best=True):
        """Puts the best weights in the place of the last ones, or (not best) the last ones back, to train on.

        Both are kept, so that a finished run may be prolonged to the same bits as a longer one. Nothing happens where
        they are in place already, or there has been no report.
        """
        restored, score = session.run([self.restored, self.best])
        if restored != best and score > WORST:
            session.run(self._exchange)


def _state(name, value):
    return tf.compat.v1.Variable(value, trainable=False, name=name, use_resource=True)


def _assign(session, pairs):
    """Sets variables, (variable, value) each, without new ops in the graph."""
    session.run([v.initializer for v, _ in pairs], {v.initial_value: value for v, value in pairs})


def _assignments(pairs):
    """Op that assigns sources to targets, all at once: (target, source) each."""
    pairs = list(pairs)
    values = tf.tuple([source.read_value() for _, source in pairs])
    return tf.group([target.assign(value, read_value=False) for (target, _), value in zip(pairs, values)])
