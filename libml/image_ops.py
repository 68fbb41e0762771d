"""Batched image operations by name, and the application of a different one to every image of a batch.

`image_pixels` has the conventions: uint8 [b, h, w, c] in and out, one parameter [b] per image, Pillow's bytes.
"""

from libml import image_filters, image_geometry, image_pixels, image_rescale, image_tables

import tensorflow as tf

# name -> function of (images, parameters [b] ...). Its docstring says which parameters.
OPERATIONS = {
    'autocontrast': image_tables.autocontrast,
    'blur': image_filters.blur,
    'brightness': image_pixels.brightness,
    'color': image_pixels.color,
    'contrast': image_pixels.contrast,
    'crop_bilinear': image_rescale.crop_bilinear,
    'cutout': image_pixels.cutout,
    'equalize': image_tables.equalize,
    'flip_lr': image_geometry.flip_lr,
    'flip_ud': image_geometry.flip_ud,
    'identity': image_pixels.identity,
    'invert': image_pixels.invert,
    'posterize': image_pixels.posterize,
    'rescale': image_rescale.rescale,
    'rotate': image_geometry.rotate,
    'sharpness': image_filters.sharpness,
    'shear_x': image_geometry.shear_x,
    'shear_y': image_geometry.shear_y,
    'smooth': image_filters.smooth,
    'solarize': image_pixels.solarize,
    'translate_x': image_geometry.translate_x,
    'translate_y': image_geometry.translate_y,
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
    rows = tf.dynamic_partition(tf.range(tf.shape(choice)[0]), choice, len(functions))
    outputs = [function(*[tf.gather(x, chosen) for x in inputs]) for function, chosen in zip(functions, rows)]
    return [tf.dynamic_stitch(rows, parts) for parts in zip(*outputs)]
