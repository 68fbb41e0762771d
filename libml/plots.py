"""Plots for TensorBoard."""

import io

import tensorflow as tf


def summary(tag, draw):
    """A plot of 640x480 pixels.

    Args:
        tag: its name in TensorBoard.
        draw: function that draws on a matplotlib Figure.
    Returns:
        [Summary.Value]; [] without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return []
    figure = Figure(figsize=(8, 6), layout='constrained')
    draw(figure)
    png = io.BytesIO()
    figure.savefig(png, format='png', dpi=80)
    return [tf.compat.v1.Summary.Value(tag=tag, image=tf.compat.v1.Summary.Image(
        encoded_image_string=png.getvalue(), height=480, width=640, colorspace=3))]
