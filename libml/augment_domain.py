"""The grammar of AdaMatch's --augment: (weak,strong) or CTA(weak,strong[,key=value...]), as in adamatch@7a0b40c.

    primitive   what it does with a picture of side S
    x           nothing
    s           shift: reflect S >> 3 pixels at every side, crop at random
    m           mirror with probability 1/2 (documented in the original, missing in its code)
    sm          shift, mirror
    sc, smc     as s, sm; then a square of side S >> 1, fully inside, becomes mid-grey
    r<n>_<m>_<c>   strong only, without CTA: RandAugment (augment_grammar) of the picture as it is, unshifted, as in
                Keras' AdaMatch example (`(s,r2_5_0)` is that example's pair of views, without its mirror)

With CTA, CTAugment's learned operations and its cutout follow the strong primitive. The keys, all optional, are
depth=2 (operations), th=0.8 (threshold of the bins), decay=0.99 (of the rates) and probe=1 (the rates follow the probes
of every so many batches).
"""

import dataclasses
import re

from libml import augment, augment_grammar, image_levels
from libml.ctaugment import CTAugment
from libml.image_pixels import to_float
from libml.randaugment import RandAugment
from libml.utils import InputError

import tensorflow as tf

KEYS = dict(depth=2, th=0.8, decay=0.99, probe=1)
MID_GREY = 128  # the byte for 0 in [-1, 1]: 127.5, to the even neighbour
GRAMMAR = 'write (weak,strong) or CTA(weak,strong[,key=value...]), such as (sm,smc) or CTA(sm,sm,probe=1)'


@dataclasses.dataclass(frozen=True)
class Primitive:
    """Shift, mirror and cutout, each or none; all methods take uint8 [b, h, w, c] and the Draws of this batch."""

    shift: bool
    mirror: bool
    cutout: bool

    def __call__(self, images, draws):
        """float32 [b, h, w, c] in [-1, 1]; 0 in the cutout."""
        images, shown = self._state(images, draws)
        return image_levels.finish((images, shown)) if self.cutout else to_float(images)

    def bytes(self, images, draws):
        """uint8 [b, h, w, c] with the same draws: what CTAugment goes on from. The cutout has byte 128."""
        images, shown = self._state(images, draws)
        return tf.where(shown > 0, images, tf.constant(MID_GREY, tf.uint8)) if self.cutout else images

    def _state(self, images, draws):
        """A state of image_levels."""
        if self.shift or self.mirror:
            images = augment.mirror_shift(images, draws, self.mirror, images.shape[2] >> 3 if self.shift else 0)
        state = image_levels.start(images)
        if not self.cutout:
            return state
        n, side = tf.shape(images)[:1], min(images.shape[1:3]) >> 1
        # The corner is a uniform number rounded, as in the original: the outermost two places are half as likely.
        x, y = [tf.cast(tf.round(draws.uniform(f'cut_{axis}', n, 0, size - side)), tf.int32) + side // 2
                for axis, size in (('x', images.shape[2]), ('y', images.shape[1]))]
        return image_levels.cut(state, tf.fill(n, side), x, y)


PRIMITIVES = {name: Primitive('s' in name, 'm' in name, 'c' in name) for name in ('x', 'm', 's', 'sc', 'sm', 'smc')}


@dataclasses.dataclass(frozen=True)
class Views:
    """A parsed --augment.

    Attributes:
        text: the canonical spelling: keys in the order of KEYS, those of default value left out.
        weak: a Primitive.
        strong: a Primitive or a RandAugment, functions of (uint8 [b, h, w, c], Draws) that return float32 in [-1, 1].
        cta: the CTAugment that follows it, or None.
        probe: the rates follow the probes of every so many batches.
    """

    text: str
    weak: Primitive
    strong: Primitive | RandAugment
    cta: CTAugment | None = None
    probe: int = 1


def parse(text):
    """The Views of an augment string.

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
        return Views(f'({weak},{strong})', PRIMITIVES[weak], _strong(strong, text))
    values = _keys(keys.split(',')[1:], text)
    shown = ''.join(f',{key}={value:.15g}' for key, value in values.items() if value != KEYS[key])
    return Views(f'CTA({weak},{strong}{shown})', PRIMITIVES[weak], PRIMITIVES[strong],
                 CTAugment(values['depth'], values['th'], values['decay']), values['probe'])


def _strong(name, text):
    """The strong part of an augment string without CTA."""
    if re.fullmatch(r'r\d+_\d+_\d+', name):
        try:
            return augment_grammar.parse(name, '', counts=(1,))[0].strong
        except InputError as error:
            raise InputError(f'--augment={text}: {name!r} needs r<n>_<m>_<c> with n 1 to 4, m 1 to 15, '
                             'c 0, 25, 50 or 75') from error
    if name not in PRIMITIVES:
        raise InputError(f'--augment={text}: {name!r} is none of {", ".join(PRIMITIVES)}, r<n>_<m>_<c>')
    return PRIMITIVES[name]


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
    if (min(values['depth'], values['probe']) < 1 or not 0 <= values['th'] <= 1 or not 0 <= values['decay'] < 1):
        raise InputError(f'--augment={text}: give depth and probe of at least 1, th in [0, 1], decay in [0, 1)')
    return values
