"""Valid inputs of every kind, small, which the cases of inputs.py damage: made once, in a folder."""

import gzip
import io
import json
import struct

from libml import data_pair
from libml.corruptions import arrays as corrupted
from libml.datasets import descriptions, records, splits, subsets
from libml.methods.classifier import Classifier
from libml.training import checkpoint, events
from made_up_archives import make_tar
from made_up_cifar import cifar10_members

import h5py
import numpy as np
import scipy.io
from PIL import Image

CLASSES = ('ant', 'bee', 'cat', 'dog')
NAME = 'toys.1@8-4'
NETWORK = dict(arch='convnet', scales=1, filters=2, repeat=1, batch=4)
COUNTS = dict(train=24, test=8)
TREE = dict(dataset=NAME, data_dir='', train_dir='x', model='libml.methods.classifier:Classifier', seed=1, batch=4,
            method='Classifier', train_kimg=2, lr=0.001, whiten=False, p_unlabeled='', imbalance_labeled=0.,
            imbalance_unlabeled=0., size=0, resize=0, crop_area=0.08, crop_aspect=0.75, memory='auto', rerun='',
            init='', report_kimg=1, **{name: NETWORK[name] for name in ('arch', 'scales', 'filters', 'repeat')})
FORMATS = dict(png={}, jpg=dict(quality=90), gif={}, bmp={}, webp={}, tif=dict(compression='tiff_lzw'))


def pixels(n, height, width, colors=3, seed=0):
    return np.random.RandomState(seed).randint(0, 256, [n, height, width, colors]).astype(np.uint8)


def encoded(image, kind, **how):
    """Bytes of a picture."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, {'jpg': 'JPEG', 'tif': 'TIFF'}.get(kind, kind.upper()), **{**FORMATS[kind], **how})
    return out.getvalue()


def make(folder):
    """Fills a pathlib.Path that is an empty folder."""
    data = folder / 'data'
    data.mkdir()
    for name, family in (('toys', 'play'), ('others', 'play')):
        _dataset(data, name, family)
    _photos(data)
    splits.create_split(str(data), 'toys', 1, 8)
    splits.create_split(str(data), 'toys', 1, 8, ssl2=True)
    splits.domain_split(str(data), 'toys', 1, 2)
    data_pair.DATASETS[f'{NAME}_labeled2_unlabeled2'](str(data))
    _run(folder / 'run', data)
    _weights(folder)
    _archives(folder / 'archives')
    _pictures(folder / 'pictures')
    _arrays(folder / 'arrays')


def _dataset(data, name, family):
    for subset, n in COUNTS.items():
        records.write_records(str(data / f'{name}-{subset}.tfrecord'), pixels(n, 8, 8), np.arange(n) % 4,
                              [f'{i % 4}/{i}.png' for i in range(n)])
    _describe(data, name, 8, family=family)


def _photos(data):
    """Pictures that keep their own sizes."""
    for subset, n in COUNTS.items():
        with records.writer(str(data / f'photos-{subset}.tfrecord')) as write:
            for i in range(n):
                write(encoded(pixels(1, 10 + i, 12)[0], ('jpg', 'png')[i % 2]), i % 4, f'{i}.jpg')
    _describe(data, 'photos', 0)


def _describe(data, name, side, **facts):
    info = descriptions.Description(name, side, side, 3, 4, CLASSES, COUNTS, **facts)
    descriptions.write_description(str(data), info)
    for subset in COUNTS:
        subsets.subset_index(str(data), info, subset)


def _run(folder, data):
    """A run folder of a network alone."""
    dataset = data_pair.DATASETS[NAME](str(data))
    model = Classifier('', dataset, **NETWORK)
    (folder / 'args').mkdir(parents=True)
    (folder / 'args' / 'args.json').write_text(json.dumps(dict(TREE, data_dir=str(data))))
    rows = [dict(step=1024 * k, kimg=float(k), accuracy=10. * k, **{'losses/xe': 1 / k}) for k in (1, 2)]
    (folder / 'metrics.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    with model.session() as session:
        for step in (1024, 2048):
            session.run(model.step.assign(step))
            checkpoint.save(session, model.saver, str(folder / 'tf'), step, 5)
    file = events.EventFile(str(folder / 'tf'), 0)
    for row in rows:
        file.add(row['step'], dict(accuracy=row['accuracy']))
    file.close()


def _weights(folder):
    """Files for --init."""
    from libml.training import initial_weights

    arrays = initial_weights.of_checkpoint(checkpoint.newest_whole(str(folder / 'run' / 'tf')))
    np.savez(folder / 'weights.npz', **arrays)
    for name, layers in (('older.h5', False), ('keras_3.h5', True)):
        with h5py.File(folder / name, 'w') as f:
            for i, layer in enumerate(('conv1_conv', 'predictions')):
                if layers:
                    group = f.create_group(f'layers/layer_{i}/vars')
                    group.attrs['name'] = layer
                    group['0'] = np.float32([[1., 2.]])
                else:
                    f.create_group(layer).attrs['weight_names'] = [f'{layer}/w:0']
                    f[layer][f'{layer}/w:0'] = np.float32([[1., 2.]])
            if not layers:
                f.attrs['layer_names'] = ['conv1_conv', 'predictions']


def _archives(folder):
    """Archives of a few pictures each; `publish` of made_up_archives makes their counts these."""
    folder.mkdir()
    images, labels = pixels(13, 32, 32), np.arange(13) % 10
    make_tar(folder / 'cifar-10-binary.tar.gz', cifar10_members(images, labels))
    members = []
    for subset, n in (('train', 2), ('test', 2)):
        members += [(f'mnist_m/mnist_m_{subset}/{i}.png', encoded(images[i], 'png')) for i in range(n)]
        members.append((f'mnist_m/mnist_m_{subset}_labels.txt', b''.join(b'%d.png %d\n' % (i, i) for i in range(n))))
    make_tar(folder / 'mnist_m.tar.gz', members)
    for prefix, n in (('train', 4), ('t10k', 2)):
        values = pixels(n, 28, 28, 1).tobytes()
        for kind, header, content in (('images-idx3', (2051, n, 28, 28), values),
                                      ('labels-idx1', (2049, n), bytes(i % 2 + (i > 2) for i in range(n)))):
            (folder / f'{prefix}-{kind}-ubyte.gz').write_bytes(gzip.compress(
                struct.pack(f'>{len(header)}I', *header) + content))
    for subset, n in (('train', 3), ('test', 2)):
        lines = ''.join(f'{i}.0000' + ' 0.5000' * 256 + '\n' for i in range(n))
        (folder / f'zip.{subset}.gz').write_bytes(gzip.compress(lines.encode()))
        scipy.io.savemat(folder / f'synth_{subset}_32x32.mat', {'X': images[:n].transpose(1, 2, 3, 0),
                                                                'y': np.arange(n, dtype=np.uint8)[:, None]})
    np.save(folder / 'cifar10.1_v6_data.npy', images[:4])
    np.save(folder / 'cifar10.1_v6_labels.npy', np.int32([9, 0, 3, 3]))


# Dataset -> the counts of its archives above.
PUBLISHED = dict(cifar10=dict(train=10, test=3), mnist_m=dict(train=2, test=2), mnist=dict(train=4, test=2),
                 usps=dict(train=3, test=2), syndigit=dict(train=3, test=2), cifar10_1_v6=dict(train=10, test=4))


def _pictures(folder):
    folder.mkdir()
    for kind in FORMATS:
        (folder / f'colour.{kind}').write_bytes(encoded(pixels(1, 12, 9)[0], kind))
        (folder / f'grey.{kind}').write_bytes(encoded(pixels(1, 9, 12, 1)[0, ..., 0], kind))
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / 'turned.jpg').write_bytes(encoded(pixels(1, 12, 9)[0], 'jpg', exif=exif))
    (folder / 'alpha.png').write_bytes(encoded(pixels(1, 9, 9, 4)[0], 'png'))
    lines = [f'{path.name},{"ant" if i % 2 else "bee"}' for i, path in enumerate(sorted(folder.glob('*.*')))]
    (folder / 'table.csv').write_text('path,label\n' + '\n'.join(lines) + '\n')
    (folder / 'names.txt').write_text(''.join(f'{i}.jpg,0,{i}\n' for i in range(4)))


def _arrays(folder):
    folder.mkdir()
    np.savez(folder / 'arrays.npz', x=pixels(6, 8, 8), y=np.arange(6) % 3 - 1)
    np.savez_compressed(folder / 'packed.npz', x=pixels(6, 8, 8), y=np.arange(6) % 3 - 1)
    corrupted.write(str(folder), 'fog', pixels(10, 32, 32).reshape(5, 2, 32, 32, 3))
    corrupted.write_labels(str(folder), np.arange(2))
    np.save(folder / 'predictions.npy', np.full([24, 4], 0.25, np.float32))
