"""Writes the features of a trained network, and prints what a linear classifier on them reaches.

python scripts/extract_features.py --run=RUN_FOLDER --out=FILE.npz [--projector=FOLDER]

The file holds `<subset>_features`, float32 [n, F], and `<subset>_labels`, int32 [n], of the subsets labeled, unlabeled,
valid and test that have images. Unlabelled images have no labels in it where the dataset does not know them (STL-10).
`<subset>_position`, int64 [n], says which picture a row is: it counts through the records that the subset is taken
from, as split files do (`<name>-train.tfrecord` and what follows it, or `<name>-test.tfrecord`). `<subset>_path`, texts
[n], says where that picture came from, if the records of the dataset know it or each picture is a file. Features are
those before the last layer, of the averaged weights. FOLDER shows the first test images in TensorBoard's projector:
tensorboard --logdir=FOLDER.
"""

import math
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.files import written_whole
from libml.utils import InputError, run_main

import numpy as np
from absl import flags

FLAGS = flags.FLAGS
# Images that the projector shows: their pictures must fit into one of 8192 pixels a side.
SHOWN = 2000
SPRITE = 8192


def extract(model, path):
    """dict name of a subset -> float32 [n, F] of a checkpoint of a MultiModel."""
    from libml.training import evaluate  # Late: --help answers without TensorFlow.

    with model.session(path) as session:
        x = model.ops.x
        features = model.classifier(x, training=False, getter=model.ema.getter).embeds
        return {name: evaluate.predict(session, features, x, subset.images)
                for name, subset in subsets(model.dataset).items()}


def subsets(dataset):
    """dict name -> Subset of those that have images."""
    parts = {name: getattr(dataset, name) for name in ('labeled', 'unlabeled', 'valid', 'test')}
    return {name: subset for name, subset in parts.items() if len(subset)}


def whereabouts(subset):
    """dict of `position` int64 [n] and, where it is known, `path` texts [n] of the images of a Subset."""
    from libml.datasets import index, records

    found = dict(position=subset.positions)
    contents = getattr(subset.pixels, 'contents', None)
    if isinstance(contents, index.Index) and not contents.stamps:  # A file for each picture.
        found['path'] = np.array([contents.files[number] for number in contents.number[subset.positions]], np.str_)
        return found
    paths = records.read_origins(subset.files)
    if any(paths):
        found['path'] = paths[subset.positions]
    return found


def linear_accuracy(features, labels, test_features, test_labels):
    """Percent of the test features that a logistic regression on standardised features classifies rightly."""
    try:
        from sklearn import linear_model, pipeline, preprocessing
    except ImportError as error:
        raise InputError('the linear evaluation needs scikit-learn: pip install scikit-learn') from error
    classifier = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=2000))
    return 100. * classifier.fit(features, labels).score(test_features, test_labels)


def write_projector(folder, features, labels, images):
    """Writes the files of TensorBoard's projector.

    They are tensors.tsv, metadata.tsv (the classes), sprite.png and projector_config.pbtxt.

    Args:
        features: float32 [n, F]; labels: int [n]; images: uint8 [n, h, w, c].
    """
    import tensorflow as tf

    height, width, colors = images.shape[1:]
    side = max(height, width)  # TensorBoard shows square pictures only: others get a border.
    n = min(len(images), SHOWN, (SPRITE // side) ** 2)
    across = math.ceil(math.sqrt(n))
    tiles = np.zeros([across * across, side, side, colors], np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    tiles[:n, top:top + height, left:left + width] = images[:n]
    sprite = tiles.reshape(across, across, side, side, colors).swapaxes(1, 2).reshape(across * side, across * side, -1)
    with written_whole(os.path.join(folder, 'tensors.tsv')) as f:
        f.writelines('\t'.join(f'{v:.6g}' for v in row) + '\n' for row in features[:n])
    with written_whole(os.path.join(folder, 'metadata.tsv')) as f:
        f.writelines(f'{label}\n' for label in labels[:n])
    with written_whole(os.path.join(folder, 'sprite.png'), 'wb') as f:
        f.write(tf.io.encode_png(sprite).numpy())
    with written_whole(os.path.join(folder, 'projector_config.pbtxt')) as f:
        f.write('embeddings {\n  tensor_name: "features"\n  tensor_path: "tensors.tsv"\n'
                '  metadata_path: "metadata.tsv"\n'
                f'  sprite {{ image_path: "sprite.png" single_image_dim: {side} single_image_dim: {side} }}\n}}\n')


def write(run, out, projector='', data_dir=''):
    """Does what the script does, with its flags as arguments.

    Returns:
        the test accuracy of the linear classifier; None where the labelled images are of one class.
    """
    from libml.open_run import open_run

    model, path = open_run(run, data_dir)
    features = extract(model, path)
    parts = subsets(model.dataset)
    arrays = {f'{name}_features': value for name, value in features.items()}
    arrays.update({f'{name}_labels': subset.labels for name, subset in parts.items()
                   if name != 'unlabeled' or model.dataset.labels_known})
    for name, subset in parts.items():
        arrays.update({f'{name}_{key}': value for key, value in whereabouts(subset).items()})
    with written_whole(out, 'wb') as f:
        np.savez(f, **arrays)
    print(out, *(f'{name} {"x".join(map(str, value.shape))}' for name, value in features.items()))
    if projector:
        write_projector(projector, features['test'], parts['test'].labels, parts['test'].images)
        print(f'tensorboard --logdir={projector}')
    labels = parts['labeled'].labels
    if len(set(labels)) < 2:
        print('No linear evaluation: it needs labels of two classes, and '
              f'{"the only one is" if len(labels) == 1 else f"all {len(labels)} are"} of class {labels[0]}')
        return None
    accuracy = linear_accuracy(features['labeled'], labels, features['test'], parts['test'].labels)
    print(f'Linear evaluation on {len(labels)} labelled images: test accuracy {accuracy:.2f}%')
    return accuracy


def main(argv):
    if len(argv) > 1 or not FLAGS.run or not FLAGS.out:
        raise InputError('give --run=RUN_FOLDER and --out=FILE.npz')
    write(FLAGS.run, FLAGS.out, FLAGS.projector, FLAGS.data_dir)


if __name__ == '__main__':
    flags.DEFINE_string('run', '', 'Run folder (its newest checkpoint), or a checkpoint in one.')
    flags.DEFINE_string('out', '', 'File to write, .npz.')
    flags.DEFINE_string('projector', '', 'Folder to write for TensorBoard\'s projector.')
    flags.DEFINE_string('data_dir', '', 'Folder of the datasets; else the one of the run.')
    run_main(main)
