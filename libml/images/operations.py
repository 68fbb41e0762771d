"""Batched image operations by name, and the application of a different one to every image of a batch.

The folder's conventions hold: uint8 [b, h, w, c] in and out, one parameter [b] per image, Pillow's bytes.
"""

import functools

from libml.images import filters, geometry, pixels, rescale, tables

import tensorflow as tf

# name -> function of (images, parameters [b] ...). Its docstring says which parameters.
OPERATIONS = {
    'autocontrast': tables.autocontrast,
    'blur': filters.blur,
    'brightness': pixels.brightness,
    'color': pixels.color,
    'contrast': pixels.contrast,
    'crop_bilinear': rescale.crop_bilinear,
    'crop_corner': rescale.crop_corner,
    'cutout': pixels.cutout,
    'equalize': tables.equalize,
    'flip_lr': geometry.flip_lr,
    'flip_ud': geometry.flip_ud,
    'identity': pixels.identity,
    'invert': pixels.invert,
    'posterize': pixels.posterize,
    'rescale': rescale.rescale,
    'rotate': geometry.rotate,
    'sharpness': filters.sharpness,
    'shear_x': geometry.shear_x,
    'shear_y': geometry.shear_y,
    'smooth': filters.smooth,
    'solarize': pixels.solarize,
    'solarize_add': pixels.solarize_add,
    'translate_x': geometry.translate_x,
    'translate_y': geometry.translate_y,
}


def apply_each(functions, choice, *inputs):
    """Applies to each row of a batch the function chosen for it, each function to the rows that chose it, at once.

    Args:
        functions: list; each takes the inputs' chosen rows and returns a list of tensors with as many rows.
        choice: int32 [b], index of the function of each row.
        inputs: tensors [b, ...].
    Returns:
        list of tensors [b, ...], what the functions returned, in the order of the inputs' rows.
    """
    specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in (choice, *inputs)]
    return _traced(tuple(functions), *specs)(choice, *inputs)


@functools.lru_cache(maxsize=64)
def _traced(functions, *specs):
    """`_apply_each` as a function of a graph that is traced once: thousands of operations, used by several streams."""
    function = tf.function(functools.partial(_apply_each, functions), autograph=False)
    with tf.init_scope():  # Not within the graph that is being built.
        return function.get_concrete_function(*specs)


def _apply_each(functions, choice, *inputs):
    rows = tf.dynamic_partition(tf.range(tf.shape(choice)[0]), choice, len(functions))
    outputs = [function(*[tf.gather(x, chosen) for x in inputs]) for function, chosen in zip(functions, rows)]
    return [tf.dynamic_stitch(rows, parts) for parts in zip(*outputs)]
