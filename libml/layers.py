"""Layers between the data and the network: interleave, MixMode, MixUp, shake-shake."""

from libml.trackers import PData, PMovingAverage, renorm  # noqa: F401 (the names of the original)
from libml.utils import InputError

import tensorflow as tf


def interleave(tensors, batch):
    """Swaps rows between n tensors so that the first becomes a mixture of all; its own inverse.

    Every tensor is cut into n chunks at the same places; chunk i of tensor 0 and chunk i of tensor i change places.
    Rows keep their position in the batch. (mixmatch@1011a1d libml/layers.py)

    Args:
        tensors: list of n tensors [batch, ...] of one shape.
        batch: number of rows, int.

    Returns:
        list of n tensors [batch, ...].

    Raises:
        ValueError: a tensor is known to have another number of rows.
    """
    n = len(tensors)
    for t in tensors:
        t.shape[:1].assert_is_compatible_with([batch])
    base, remainder = divmod(batch, n)
    sizes = [base + (i >= n - remainder) for i in range(n)]
    chunks = [tf.split(t, sizes) for t in tensors]
    for i in range(1, n):
        chunks[0][i], chunks[i][i] = chunks[i][i], chunks[0][i]
    return [tf.concat(c, 0) for c in chunks]


def interleave_rows(x, groups):
    """Rows [n * groups, ...] in the order in which `groups` equal parts of neighbours each get every groups-th row.

    Output row j * n + i is input row i * groups + j. (fixmatch@d4985a1 libml/utils.py)
    """
    return tf.reshape(_swap(tf.reshape(x, [-1, groups, *x.shape[1:]])), [-1, *x.shape[1:]])


def deinterleave_rows(x, groups):
    """The inverse of interleave_rows."""
    return tf.reshape(_swap(tf.reshape(x, [groups, -1, *x.shape[1:]])), [-1, *x.shape[1:]])


def _swap(x):
    """Exchanges the first two axes."""
    return tf.transpose(x, [1, 0, *range(2, len(x.shape))])


def mix(x0, l0, x1, l1, beta, draws):
    """MixUp of (x0, l0) with rows of (x1, l1) in random order; the first has weight lam >= 0.5. arXiv:1710.09412.

    Args:
        x0, l0: images [b, h, w, c] and labels [b, nclass].
        x1, l1: the partners, at least b rows, of which the first b are used.
        beta: float > 0, lam ~ Beta(beta, beta) for every row, then max(lam, 1 - lam).
        draws: draws.Draws; `lam` and `permutation` are drawn.

    Returns:
        images [b, h, w, c] and labels [b, nclass].
    """
    rows = x0.shape[0] or tf.shape(x0)[0]
    order = draws.permutation('permutation', rows)
    return _blend([x0, l0], [tf.gather(x1, order), tf.gather(l1, order)], rows, beta, draws)


def mix_reversed(tensors, beta, draws):
    """MixUp of every row i with row b - 1 - i of the same batch; the first has weight lam >= 0.5. arXiv:1710.09412.

    The pairs of the baselines (mixmatch@1011a1d mixup.py).

    Args:
        tensors: list of [b, ...], such as images and labels: one lam for row i of all.
        beta: float, lam ~ Beta(beta, beta) for every row, then max(lam, 1 - lam); <= 0 leaves all as they are.
        draws: draws.Draws; `lam` is drawn.

    Returns:
        list of [b, ...].
    """
    if beta <= 0:
        return tensors
    rows = tensors[0].shape[0] or tf.shape(tensors[0])[0]
    return _blend(tensors, [tf.reverse(t, [0]) for t in tensors], rows, beta, draws)


def _blend(tensors, partners, rows, beta, draws):
    """lam t + (1 - lam) partner of each pair [rows, ...], with one lam in [0.5, 1] per row."""
    lam = draws.beta('lam', [rows], beta)
    lam = tf.maximum(lam, 1 - lam)
    weights = [tf.reshape(lam, [-1] + [1] * (t.shape.rank - 1)) for t in tensors]
    return [w * t + (1 - w) * partner for w, t, partner in zip(weights, tensors, partners)]


class MixMode:
    """Which images are mixed with which: `<partners of x>.<partners of y>`, an empty side is left as it is.

    `xx.` mixes x with itself, `.yy` the concatenated y_1..y_nu with themselves, `xxy.`, `.yxy` and `xxy.yxy` use one
    mix of the concatenation of x and all y with itself and keep the named sides; `xx.yxy` mixes x with itself and takes
    y from the joint mix; `xx.yx` mixes every y_i with x.

    Raises:
        InputError: the mode is not one of MODES.
    """
    MODES = ('xx.yy', 'xxy.yxy', 'xx.yxy', 'xx.yx', 'xx.', '.yy', 'xxy.', '.yxy', '.')

    def __init__(self, mode):
        if mode not in self.MODES:
            raise InputError(f'mixmode {mode!r} is unknown; it must be one of {" ".join(self.MODES)}')
        self.x_partner, self.y_partner = mode.split('.')

    def __call__(self, xl, ll, betas, draws):
        """Mixes.

        Args:
            xl: images [x, y_1, ..., y_nu], each [b, h, w, c].
            ll: labels [lx, l_1, ..., l_nu], each [b, nclass].
            betas: two floats [beta of x, beta of y], their mean for a joint mix; <= 0 leaves that mix undone.
            draws: draws.Draws; draws `x/...`, `y/...`, `y<i>/...` (i from 1) and `xy/...`.

        Returns:
            (images, labels), lists of the lengths that came in.

        Raises:
            ValueError: fewer than two parts, as many labels as images are not given, or not two betas.
        """
        if len(xl) != len(ll) or len(xl) < 2 or len(betas) != 2:
            raise ValueError(f'{len(xl)} images, {len(ll)} labels, {len(betas)} betas: needed are n >= 2, n and 2')
        beta_x, beta_y = betas
        parts = list(zip(xl, ll))
        mixed = parts[:]
        if 'xxy' == self.x_partner or 'yxy' == self.y_partner:
            joint = _mix_parts(parts, parts, sum(betas) / 2 if self.x_partner != 'xx' else beta_y, draws.within('xy'))
        if self.x_partner == 'xxy':
            mixed[0] = joint[0]
        elif self.x_partner == 'xx':
            mixed[:1] = _mix_parts(parts[:1], parts[:1], beta_x, draws.within('x'))
        if self.y_partner == 'yxy':
            mixed[1:] = joint[1:]
        elif self.y_partner == 'yy':
            mixed[1:] = _mix_parts(parts[1:], parts[1:], beta_y, draws.within('y'))
        elif self.y_partner == 'yx':
            mixed[1:] = [_mix_parts([part], parts[:1], beta_y, draws.within(f'y{i}'))[0]
                         for i, part in enumerate(parts[1:], 1)]
        images, labels = zip(*mixed)
        return list(images), list(labels)


def _mix_parts(parts, partners, beta, draws):
    """mix() of concatenated (images, labels) pairs, split back into pairs."""
    if beta <= 0:
        return parts
    x0, l0 = [tf.concat(t, 0) for t in zip(*parts)]
    x1, l1 = [tf.concat(t, 0) for t in zip(*partners)]
    images, labels = mix(x0, l0, x1, l1, beta, draws)
    return list(zip(tf.split(images, len(parts)), tf.split(labels, len(parts))))


def shakeshake(a, b, training, draws):
    """Random convex combination of two branches, with independent coefficients forwards and backwards.

    Forwards a + mu (b - a); the gradient is that of a + nu (b - a); mu, nu ~ U(0, 1) for every example. Their mean when
    not training. arXiv:1705.07485. (The original's nu always equals mu: spec defect D2, fixed here.)

    Args:
        a, b: [n, h, w, c].
        training: bool.
        draws: draws.Draws, `forward` and `backward` are drawn; None if not training.
    """
    if not training:
        return 0.5 * (a + b)
    shape = [a.shape[0] or tf.shape(a)[0], 1, 1, 1]
    mu, nu = [tf.cast(draws.uniform(name, shape), a.dtype) for name in ('forward', 'backward')]

    @tf.custom_gradient
    def combine(a, b):
        def gradient(dy):
            db = nu * dy
            return dy - db, db

        return a + mu * (b - a), gradient

    return combine(a, b)
