"""Bad inputs that are files of others: CSVs, pictures, arrays, weights, event files.

Functions as in data_kinds.py.
"""

import json
import zipfile

import extract_accuracy
from campaigns import archive_kinds, bases, nearly_right
from campaigns.cases import Case
from libml.corruptions import arrays as corrupted
from libml.datasets import descriptions, split_names, splits
from libml.images import decode
from libml.pictures import batches, converting, reading, sources
from libml.training import events, initial_weights, keras_weights
from libml.utils import InputError

import h5py
import numpy as np
import tensorflow as tf


def table(random, folder):
    path = folder / 'pictures' / 'table.csv'
    text = path.read_text()
    new = nearly_right.text(random, [text, text.replace(',', ';'), text.replace('path,label\n', ''),
                                  text.replace(',', '\t'), '"a\nb",c\n', text.replace('\n', '\r\n')])
    content = new.encode(random.choice(('utf-8', 'utf-8-sig', 'utf-16', 'latin-1')), 'replace')
    path.write_bytes(nearly_right.data(random, content) if random.random() < 0.3 else content)
    where = random.choice(('', str(folder)))

    def call():
        part, files = sources.table(str(path), where)
        assert len(part.paths) == len(part.labels) == len(files) == len(list(part.load(range(len(files)))))

    return Case('CSV', call, (str(path),), new[:200])


def _bombs(random):
    """A picture of more pixels than are in it."""
    import struct
    import zlib
    side = random.choice((2 ** 31 - 1, 40000, 10 ** 6, 0))

    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>2I5B', side, side, 8, 2, 0, 0, 0))
    return png + chunk(b'IDAT', zlib.compress(b'\0' * 1000)) + chunk(b'IEND', b'')


def picture(random, folder):
    """Pictures of every format, as Pillow reads them, and PNG and JPEG as TensorFlow does."""
    path = random.choice(sorted(path for path in (folder / 'pictures').iterdir() if path.suffix[1:] in bases.FORMATS))
    content = _bombs(random) if random.random() < 0.05 else nearly_right.data(random, path.read_bytes())
    path.write_bytes(content)
    by_tensorflow = path.suffix in ('.png', '.jpg') and random.random() < 0.3
    info = descriptions.Description('x', *random.choice(((8, 8), (0, 0))), random.choice((1, 3)), 2, ('a', 'b'), {})

    def call():
        if by_tensorflow:
            for image in decode.decoded([(str(path), content)]):
                assert image.ndim == 3
            return
        try:
            image = batches.image_of(str(path), info)
            assert image.dtype == np.uint8 and image.ndim == 3
        except reading.Unreadable as error:
            assert len(str(error).splitlines()) == 1, error
        found, = converting.convert([str(path)], info.height, info.colors, 'crop')
        assert bool(found.wrong) != bool(found.stored)
        if found.stored:
            list(decode.decoded([('what is stored', found.stored)]))

    return Case('picture', call, (str(path),), f'{path.name} by_tensorflow={by_tensorflow}')


def _npz(random, path, trap):
    """Damages an .npz file: its bytes, or arrays of another program."""
    content = path.read_bytes()
    if random.random() < 0.6:
        path.write_bytes(nearly_right.data(random, content))
        return
    with np.load(path) as found:
        arrays = dict(found)
    key = random.choice(list(arrays))
    old = arrays[key]
    arrays[key] = random.choice((
        np.array([archive_kinds.Trap(trap)]), old.astype(np.float32) * np.nan, old.astype('S4'), old[..., None],
        old[:0], old.astype(np.complex64), np.array('x'), old.astype(np.int64) - 5, old > 0))
    if random.random() < 0.3:
        del arrays[key]
    np.savez(path, **arrays)
    if random.random() < 0.3:  # A header that lies.
        with zipfile.ZipFile(path, 'a') as f:
            f.writestr('z.npy', b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (" +
                       b'9' * 15 + b',), }' + b' ' * 50 + b'\n')


def arrays_file(random, folder):
    path, trap = folder / 'arrays' / random.choice(('arrays.npz', 'packed.npz')), str(folder / 'trap')
    _npz(random, path, trap)

    def call():
        try:
            part = sources.arrays(str(path))
            assert len(part.paths) == len(part.labels) == len(list(part.load(range(len(part.paths)))))
        finally:
            assert not (folder / 'trap').exists()

    return Case('.npz', call, (str(path),), path.name)


def initial(random, folder):
    """Files of --init: .npz of variables, and Keras' .h5 in both layouts."""
    path = folder / random.choice(('weights.npz', 'older.h5', 'keras_3.h5'))
    if path.suffix == '.npz':
        _npz(random, path, str(folder / 'trap'))
    elif random.random() < 0.8:
        path.write_bytes(nearly_right.data(random, path.read_bytes()))
    else:
        with h5py.File(path, 'r+') as f:
            for key in list(f):
                f[f'{key}/more'] = random.choice(('text', np.arange(3), np.zeros([0]), h5py.SoftLink('/'),
                                                  h5py.ExternalLink('/etc/passwd', 'x')))
            f.attrs['layer_names'] = random.choice((['x'], [b'\xff'], 5, ['conv1_conv'] * 3, 'conv1_conv'))
            f.create_dataset('large', [10 ** 13], np.float32, chunks=(1000,))

    def call():
        try:
            found = (initial_weights.of_npz if path.suffix == '.npz' else keras_weights.read)(str(path))
            assert all(isinstance(value, np.ndarray) for value in found.values())
        except InputError as error:  # Whoever calls it names the file.
            raise InputError(f'--init={path}: {error}') from error
        finally:
            assert not (folder / 'trap').exists()

    return Case('--init', call, (str(path),), path.name)


def event_file(random, folder):
    path, = (folder / 'run' / 'tf').glob('events*')
    if random.random() < 0.6:
        path.write_bytes(nearly_right.data(random, path.read_bytes()))
    else:
        tensor = tf.make_tensor_proto(random.choice((1., [1., 2.], 'x', float('nan'), True, 10 ** 9)))
        if random.random() < 0.5:
            tensor.dtype = random.choice((0, 1, 3, 7, 20, 100))
            tensor.tensor_shape.dim.add().size = random.choice((-1, 0, 3, 10 ** 12))
        value = events.Summary.Value(tag='accuracy', tensor=tensor)
        event = events.Event(step=random.choice((5, -1, 2 ** 62)), summary=events.Summary(value=[value]))
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(event.SerializeToString())
            if random.random() < 0.3:
                writer.write(nearly_right.data(random, event.SerializeToString()))

    def call():
        found = [value for _, value in extract_accuracy.accuracies(str(folder / 'run'))]
        assert np.isfinite(list(extract_accuracy.medians(found).values())).all()

    return Case('event file', call, (str(path), str(folder / 'run')))


def corrupted_set(random, folder):
    path = folder / 'arrays' / random.choice(('fog.npy', 'labels.npy', 'labels.npy'))
    path.write_bytes(nearly_right.data(random, path.read_bytes(), [(0, random.choice((128, 10 ** 9)))]))

    def call():
        labels = corrupted.read_labels(str(folder / 'arrays'))
        assert corrupted.read(str(folder / 'arrays'), 'fog', len(labels)).shape == (5, len(labels), 32, 32, 3)

    return Case('corrupted set', call, (str(folder / 'arrays'),), path.name)


def lists(random, folder):
    """Lists of names, and the published folds of STL-10."""
    names, folds = folder / 'pictures' / 'names.txt', random.random() < 0.3
    text = '\n'.join([' '.join(map(str, range(1000)))] * 10) if folds else names.read_text()
    path = folder / descriptions.FOLDS['stl10'] if folds else names
    path.write_bytes(nearly_right.text(random, [text]).encode(random.choice(('utf-8', 'latin-1', 'utf-16')), 'replace'))

    def call():
        if folds:
            assert splits.read_folds(str(folder), 'stl10', 1000).shape == (10, 1000)
        else:
            split_names.positions(str(folder / 'data'), 'photos', str(path))

    return Case('list', call, (str(path), str(folder / 'data' / 'photos')), str(folds))


def parsed_json(random, folder):
    """What `made_of.json` and other small files may hold."""
    from libml.files import read_json
    path = folder / 'a.json'
    path.write_bytes(nearly_right.json_text(random, {'a': [1, 2.5, {'b': None}], 'c': 'text'}))
    return Case('JSON', lambda: json.dumps(read_json(str(path))), (str(path),))


KINDS = {table: 5, picture: 12, arrays_file: 5, initial: 7, event_file: 3,
         corrupted_set: 2, lists: 3, parsed_json: 1}
