"""Pictures of a report for TensorBoard: views of a few images, always the same ones, and the confusion matrix."""

from libml.draws import Draws

import numpy as np
import tensorflow as tf

SIDE = 64  # most pixels of the longer side of an image in a sheet: small ones are enlarged, large ones made smaller
MOST_VIEWS = 4  # of an image in a sheet
MATRIX = 240  # pixels of a confusion matrix, unless it has more classes
LARGEST_CELL = 24
# Colours of all of a class: rightly found, and mistaken. None of it is white.
RIGHT, WRONG = np.array([8, 48, 107]), np.array([165, 15, 21])


class Pictures:
    """The pictures of one training. They are made by ops beside those of training: nothing of a run depends on them.

    Args:
        model: a train.Model; `model.shown` are its streams.
        count: images of each stream.
    """

    def __init__(self, model, count):
        self.model = model
        with model.graph.as_default():
            self.matrix = tf.compat.v1.placeholder(tf.uint8, [None, None, 3])
            self.encoded_matrix = tf.io.encode_png(self.matrix)
            batch_number = model.step.read_value() // model.rows
            self.feed, self.encoded = {}, {}
            for name, (subset, augment) in model.shown.items():
                images = spread(subset, count)
                x = tf.compat.v1.placeholder(tf.uint8, images.shape)
                views = augment(x, Draws(model.params.seed, batch_number, f'report/{name}/'))
                views = views.get('image', views.get('x'))
                if views is not None:  # A stream of CTAugment's probes alone has none.
                    self.feed[x] = images
                    # The static number of rows is lost in operations that draw for each image, as in streams.
                    views = tf.ensure_shape(views, [len(images), *views.shape[1:]])
                    self.encoded[name] = tf.io.encode_png(sheet(views))

    def values(self, session):
        """list of tf.compat.v1.Summary.Value: `views/<stream>`, and `confusion` of the last evaluation."""
        found = [summary(f'views/{name}', png, 'A column for each image, a row for each view that is trained on.')
                 for name, png in session.run(self.encoded, self.feed).items()]
        if self.model.confusion is not None:
            png = session.run(self.encoded_matrix, {self.matrix: matrix_image(self.model.confusion)})
            found.append(summary('confusion', png, 'Test images: a row for each true class, a column for each class '
                                                   'that they are taken for. Blue: right; red: wrong.'))
        return found


def spread(subset, count):
    """uint8 [n, h, w, c]: at most `count` images from everywhere in a Subset, so that few are of one class."""
    places = np.linspace(0, len(subset) - 1, min(count, len(subset))).astype(int)
    return subset.pixels[subset.positions[places]]


def sheet(views):
    """uint8 [H, W, c] of floats [n, h, w, c] or [n, views, h, w, c] in [-1, 1]: a column an image, a row a view."""
    if views.shape.rank == 4:
        views = views[:, None]
    views = views[:, :MOST_VIEWS]
    n, rows, height, width, colors = views.shape
    # Whole numbers: pixels stay pixels.
    larger, smaller = max(1, SIDE // max(height, width)), -(-max(height, width) // SIDE)
    flat = tf.reshape(views, [n * rows, height, width, colors])
    flat = tf.nn.avg_pool2d(flat, smaller, smaller, 'SAME')
    flat = tf.repeat(tf.repeat(flat, larger, 1), larger, 2)
    flat = tf.pad(flat, [(0, 0), (0, 1), (0, 1), (0, 0)], constant_values=1.)
    _, height, width, _ = flat.shape
    flat = tf.transpose(tf.reshape(flat, [n, rows, height, width, colors]), [1, 2, 0, 3, 4])
    return tf.saturate_cast(tf.round((tf.reshape(flat, [rows * height, n * width, colors]) + 1) * 127.5), tf.uint8)


def matrix_image(counts):
    """uint8 [side, side, 3] of a confusion matrix [C, C]; the depth of a colour is the root of the share of its row."""
    nclass = len(counts)
    depth = np.sqrt(counts / np.maximum(counts.sum(1, keepdims=True), 1))[..., None]
    full = np.where(np.eye(nclass, dtype=bool)[..., None], RIGHT, WRONG)
    cell = min(LARGEST_CELL, max(1, MATRIX // nclass))
    return np.round(255 + depth * (full - 255)).astype(np.uint8).repeat(cell, 0).repeat(cell, 1)


def summary(tag, png, description):
    """The Summary.Value of a PNG."""
    height, width = (int.from_bytes(png[at:at + 4], 'big') for at in (20, 16))
    return tf.compat.v1.Summary.Value(
        tag=tag, metadata=tf.compat.v1.SummaryMetadata(summary_description=description),
        image=tf.compat.v1.Summary.Image(encoded_image_string=png, height=height, width=width, colorspace=3))
