"""How a picture of any size becomes an image of the network's size: its part that is used, and the resizing.

In training the part is random, a pure function of what was drawn for the picture. All sizes are static or int32
scalars of a graph; pictures come one at a time, because they differ in size.
"""

import typing

from libml.images.decode import decode_picture

import tensorflow as tf

ATTEMPTS = 10
# A random part has at least this share of the picture: min_object_covered of the original.
COVERED = 0.1
# In evaluation, the side of the centred square as a share of the picture's shorter side.
CENTER = 224 / 256


class Draws(typing.NamedTuple):
    """What is drawn for a picture, or for each of a batch [b]: float32 in [0, 1)."""
    part: tf.Tensor  # [ATTEMPTS, 4]: aspect, height, top, left
    mirror: tf.Tensor  # []


class Frame(typing.NamedTuple):
    """Random resized crops, or with `resize` crops of one size of the resized picture.

    Without `resize` (FixMatch on ImageNet, fixmatch@d4985a1 imagenet/datasets/imagenet.py): training takes a random
    part, evaluation the centred square of 224/256 of the shorter side; both get their size by bicubic interpolation
    without antialiasing, and are cut off to bytes. With it (the Keras example consistency_training): training resizes
    the whole picture, bilinear, and takes a random square of it; evaluation resizes the whole picture to `size`.

    Attributes:
        size: height and width of the image.
        resize: height and width that the whole picture gets first in training; 0: random resized crops.
        area: smallest share of the picture that a random part has.
        aspect: smallest ratio of its width to its height; the largest is 1 / aspect.
        mirror: whether half of the training images are mirrored.
    """
    size: int
    resize: int = 0
    area: float = 0.08
    aspect: float = 0.75
    mirror: bool = False

    def draws(self, draws, batch):
        """Draws of a batch of training pictures, from libml.draws.Draws."""
        return Draws(draws.uniform('part', [batch, ATTEMPTS, 4]), draws.uniform('mirror', [batch]))

    def part(self, height, width, drawn=None):
        """(top, left, height, width), int32 [4], of what is used of a picture; of evaluation without `drawn`."""
        if self.resize:
            return tf.stack([0, 0, height, width])
        center = center_part(height, width)
        return center if drawn is None else random_part(height, width, self.area, self.aspect, drawn.part, center)

    def image(self, pixels, drawn=None):
        """uint8 [size, size, c] of the used part of a picture, uint8 [h, w, c]; of evaluation without `drawn`."""
        side = self.size if drawn is None or not self.resize else self.resize
        method = tf.image.ResizeMethod.BILINEAR if self.resize else tf.image.ResizeMethod.BICUBIC
        image = tf.image.resize(pixels, [side, side], method)
        image = tf.saturate_cast(tf.round(image) if self.resize else image, tf.uint8)
        if drawn is not None:
            if self.resize:
                # As of the first attempt: there is no other.
                top, left = (tf.cast(drawn.part[0, i] * (side - self.size + 1), tf.int32) for i in (2, 3))
                image = tf.slice(image, [top, left, 0], [self.size, self.size, -1])
            if self.mirror:
                # A slice of step -1 takes as long as decoding.
                image = tf.cond(drawn.mirror < 0.5, lambda: tf.reverse(image, [1]), lambda: image)
        return image

    def of_pixels(self, pixels, drawn=None):
        """uint8 [size, size, c] of uint8 [h, w, c]; of evaluation without `drawn`."""
        height, width = tf.unstack(tf.shape(pixels)[:2])
        top, left, *sides = tf.unstack(self.part(height, width, drawn))
        return self.image(tf.slice(pixels, [top, left, 0], [*sides, -1]), drawn)

    def of_encoded(self, content, colors, drawn=None):
        """As of_pixels, of the bytes of a PNG or JPEG.

        In training only the part of a JPEG is decoded, whose pixels at the edges may differ from those of the whole.
        """
        def whole():
            return self.of_pixels(decode_picture(content, colors), drawn)

        def part():
            height, width = tf.unstack(tf.image.extract_jpeg_shape(content)[:2])
            window = self.part(height, width, drawn)
            return self.image(tf.io.decode_and_crop_jpeg(content, window, colors, dct_method='INTEGER_ACCURATE'), drawn)

        return whole() if self.resize or drawn is None else tf.cond(tf.io.is_jpeg(content), part, whole)

    def text(self):
        """What names it in folders: `_size224`, with the values that are not the default."""
        differs = {name: value for name, value in self._asdict().items()
                   if name in ('area', 'aspect', 'resize') and value != self._field_defaults[name]}
        return ''.join(f'_{name}{value}' for name, value in {'size': self.size, **differs}.items())


def center_part(height, width):
    """(top, left, side, side), int32 [4]: the centred square of CENTER of the shorter side."""
    side = tf.maximum(1, tf.cast(CENTER * tf.cast(tf.minimum(height, width), tf.float64), tf.int32))
    return tf.stack([(height - side + 1) // 2, (width - side + 1) // 2, side, side])


def random_part(height, width, area, aspect, drawn, otherwise):
    """A random part of a picture, int32 [4], as TensorFlow's sample_distorted_bounding_box chooses it.

    For each attempt an aspect is drawn, then a height among those that give the part an area from `area` to 1 of the
    picture, then the place. The first attempt that fits in and covers enough counts.

    Args:
        height, width: int32 scalars.
        area, aspect: as of a Frame.
        drawn: float32 [ATTEMPTS, 4] in [0, 1): aspect, height, top, left.
        otherwise: int32 [4], the result where no attempt is good.
    """
    height, width, drawn = (tf.cast(value, tf.float64) for value in (height, width, drawn))
    pixels = height * width
    aspects = aspect + drawn[:, 0] * (1 / aspect - aspect)
    tallest = tf.minimum(tf.round(tf.sqrt(pixels / aspects)), tf.floor((width + 0.5 - 1e-7) / aspects))
    tallest = tf.minimum(tallest, height)
    lowest = tf.minimum(tf.round(tf.sqrt(area * pixels / aspects)), tallest)
    heights = lowest + tf.floor(drawn[:, 1] * (tallest - lowest + 1))
    widths = tf.round(heights * aspects)
    good = (heights >= 1) & (widths >= 1) & (widths <= width) & (heights * widths >= COVERED * pixels)
    tops, lefts = (tf.floor(drawn[:, i] * (room + 1)) for i, room in ((2, height - heights), (3, width - widths)))
    parts = tf.cast(tf.stack([tops, lefts, heights, widths], 1), tf.int32)
    return tf.where(tf.reduce_any(good), parts[tf.argmax(tf.cast(good, tf.int32))], otherwise)
