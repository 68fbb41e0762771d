"""The grammar of AdaMatch's --augment: (weak,strong) or CTA(weak,strong[,key=value...]), as in adamatch@7a0b40c.

    primitive   what it does with a picture of side S
    x           nothing
    s           shift: reflect S >> 3 pixels at every side, crop at random
    m           mirror with probability 1/2 (documented in the original, missing in its code)
    sm          shift, mirror
    sc, smc     as s, sm; then a square of side S >> 1, fully inside, becomes mid-grey
    r<n>_<m>_<c>   strong only, without CTA: RandAugment (tokens.py) of the picture as it is, unshifted, as in
                Keras' AdaMatch example (`(s,r2_5_0)` is that example's pair of views, without its mirror)

With CTA, CTAugment's learned operations and its cutout follow the strong primitive. The keys, all optional, are
depth=2 (operations), th=0.8 (threshold of the bins), decay=0.99 (of the rates) and probe=1 (the rates follow the probes
of every so many batches).
"""

import dataclasses
import re

from libml.augment import levels, tokens
from libml.augment.ctaugment import DEEPEST, CTAugment
from libml.augment.views import View, Views
from libml.augment.weak import mirror_shift
from libml.utils import InputError

import tensorflow as tf

PRIMITIVES = ('x', 'm', 's', 'sc', 'sm', 'smc')
RAREST = 10 ** 9  # probe
KEYS = dict(depth=2, th=0.8, decay=0.99, probe=1)
MID_GREY = 128  # the byte for 0 in [-1, 1]: 127.5, to the even neighbour
GRAMMAR = 'write (weak,strong) or CTA(weak,strong[,key=value...]), such as (sm,smc) or CTA(sm,sm,probe=1)'


@dataclasses.dataclass(frozen=True)
class Shift:
    """Weak part of a primitive: shift by an eighth of the width and mirror, each or none; uint8 -> uint8."""

    shift: bool
    mirror: bool

    def __call__(self, images, draws):
        if not self.shift and not self.mirror:
            return images
        return mirror_shift(images, draws, self.mirror, images.shape[2] >> 3 if self.shift else 0)


class CutoutView(View):
    """A View whose weak part ends with a square that is 0 in floats, and the byte 128 in bytes."""

    def bytes(self, images, draws):
        images, shown = self._state(images, draws)
        return tf.where(shown > 0, images, tf.constant(MID_GREY, tf.uint8))

    def weak_floats(self, images, draws):
        return levels.finish(self._state(images, draws))

    def _state(self, images, draws):
        """A state of levels.py."""
        images, draws = super().bytes(images, draws), draws.within(self.place).within(self.scope)
        n, side = tf.shape(images)[:1], min(images.shape[1:3]) >> 1
        # The corner is a uniform number rounded, as in the original: the outermost two places are half as likely.
        x, y = [tf.cast(tf.round(draws.uniform(f'cut_{axis}', n, 0, size - side)), tf.int32) + side // 2
                for axis, size in (('x', images.shape[2]), ('y', images.shape[1]))]
        return levels.cut(levels.start(images), tf.fill(n, side), x, y)


def primitive(name, scope):
    """The View of a token of PRIMITIVES, with its draws named after `scope`."""
    kind = CutoutView if 'c' in name else View
    return kind(Shift('s' in name, 'm' in name), scope=scope)


@dataclasses.dataclass(frozen=True)
class Program:
    """A parsed --augment.

    Attributes:
        text: the canonical spelling: keys in the order of KEYS, without keys of default value.
        weak, strong: View, without CTAugment.
        cta: the CTAugment that follows the strong one, or None.
        probe: its rates follow the probes of every so many batches.
    """

    text: str
    weak: View
    strong: View
    cta: CTAugment | None = None
    probe: int = 1

    def components(self, dataset):
        """Folders that say how a DataSet is augmented."""
        return [dataset.folder, self.text]

    def views(self, learner):
        """AdaMatch's Views: a weak and a strong one of all images."""
        pair = self.weak, self.strong.learned(learner) if learner else self.strong
        return Views(pair, pair, learner=learner)


def parse(text):
    """The Program of an augment string.

    Raises:
        InputError: the text is not of the grammar above.
    """
    match = re.fullmatch(r'(CTA|)\(([^,()]*),([^,()]*)((?:,[^,()]*)*)\)', text)
    if not match:
        raise InputError(f'--augment={text}: {GRAMMAR}')
    kind, weak, strong, keys = match.groups()
    if keys and not kind:
        raise InputError(f'--augment={text}: only CTA(...) has keys; {GRAMMAR}')
    for name in (weak, strong) if kind else (weak,):
        if name not in PRIMITIVES:
            raise InputError(f'--augment={text}: {name!r} is none of {", ".join(PRIMITIVES)}')
    if not kind:
        return Program(f'({weak},{strong})', primitive(weak, 'weak'), _strong(strong, text))
    values = _keys(keys.split(',')[1:], text)
    shown = ''.join(f',{key}={value:.15g}' for key, value in values.items() if value != KEYS[key])
    return Program(f'CTA({weak},{strong}{shown})', primitive(weak, 'weak'), primitive(strong, 'strong'),
                   CTAugment(values['depth'], values['th'], values['decay']), values['probe'])


def _strong(name, text):
    """View of the strong part of an augment string without CTA."""
    if re.fullmatch(r'r\d+_\d+_\d+', name):
        try:
            # Of the picture itself: without a shift.
            return View(Shift(False, False), tokens.strong_part(name, 'strong', ''), name='strong')
        except InputError as error:
            raise InputError(f'--augment={text}: {name!r} needs r<n>_<m>_<c> with n 1 to 4, m 1 to 15, '
                             'c 0, 25, 50 or 75') from error
    if name not in PRIMITIVES:
        raise InputError(f'--augment={text}: {name!r} is none of {", ".join(PRIMITIVES)}, r<n>_<m>_<c>')
    return primitive(name, 'strong')


def _keys(pairs, text):
    """dict of all KEYS with the values that the texts `key=value` give."""
    values = dict(KEYS)
    seen = set()
    for pair in pairs:
        key, _, value = pair.partition('=')
        if key not in KEYS or key in seen:
            raise InputError(f'--augment={text}: {pair!r} is none of {", ".join(f"{k}={v}" for k, v in KEYS.items())}, '
                             'each given once at most')
        seen.add(key)
        kind = type(KEYS[key])
        try:
            values[key] = kind(value)
        except ValueError as error:
            wanted = 'an integer' if kind is int else 'a number'
            raise InputError(f'--augment={text}: {pair!r} needs {wanted}') from error
    if not (1 <= values['depth'] <= DEEPEST and 1 <= values['probe'] <= RAREST and 0 <= values['th'] <= 1
            and 0 <= values['decay'] < 1):
        raise InputError(f'--augment={text}: give depth and probe of at least 1 and of at most {DEEPEST} and {RAREST}, '
                         'th in [0, 1], decay in [0, 1)')
    return values
