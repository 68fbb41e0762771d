"""Bad inputs of the data folder and of run folders: records, indexes, descriptions, splits, reports, checkpoints.

Functions as in text_kinds.py; what bases.py makes is below the folder, a copy of its own for each case.
"""

import functools
import json
import os
import struct

from campaigns import bases, nearly_right
from campaigns.cases import Case
from libml import data_pair, open_run
from libml.datasets import descriptions, index, on_demand, records, splits, subsets
from libml.datasets.from_pictures import read_made_of
from libml.training import checkpoint, evaluate, initial_weights, run_groups
from libml.training.run_folder import RunFolder

import numpy as np
import tensorflow as tf

SPLITS = {'SSL/toys.1@8-map.json': splits.ssl_split, 'SSL2/toys.1@8-label.json': splits.ssl2_split,
          'SSL2/toys-unlabel.json': splits.ssl2_split, 'DA/toys(2,seed=1).json': splits.domain_split}


def _changed(path, new):
    """Writes bytes in place of a file's; returns the path as a text."""
    path.write_bytes(new)
    return str(path)


def split(random, folder):
    name = random.choice(list(SPLITS))
    path = folder / 'data' / name
    _changed(path, nearly_right.json_text(random, json.loads(path.read_text())))

    def call():
        label = SPLITS[name](str(folder / 'data'), 'toys', 1, 2 if 'DA' in name else 8)
        label = label[0] if isinstance(label, tuple) else label
        assert len(label) == len(set(label.tolist())) == 8 and 0 <= min(label) <= max(label) < 24

    return Case('split', call, (str(path),), name)


def skewed_split(random, folder):
    path = folder / 'data' / 'SSL' / f'{bases.NAME}_labeled2_unlabeled2-skew.json'
    _changed(path, nearly_right.json_text(random, json.loads(path.read_text())))

    def call():
        found = data_pair.DATASETS[f'{bases.NAME}_labeled2_unlabeled2'](str(folder / 'data'))
        assert not set(found.labeled.positions) & set(found.unlabeled.positions)

    return Case('skewed split', call, (str(path),))


def description(random, folder):
    """What other programs write into `<name>.json`; sometimes the dataset is loaded, too."""
    name = random.choice(('toys', 'toys', 'photos'))
    path = folder / 'data' / f'{name}.json'
    if random.random() < 0.3:
        content = json.loads(path.read_text())
        key = random.choice(('height', 'width', 'nclass', 'border', 'colors'))
        content[key] = random.choice((0, 1, 7, 9, 2 ** 15, 2 ** 31, 10 ** 12, 10 ** 30, 10 ** 400))
        if random.random() < 0.5:
            content['height'] = content['width'] = content[key]
        _changed(path, json.dumps(content).encode())
    else:
        _changed(path, nearly_right.json_text(random, json.loads(path.read_text())))
    load, memory = random.random() < 0.4, random.choice(('auto', 'ram', 'disk'))
    size = {} if name == 'toys' else dict(size=8)

    def call():
        info = descriptions.read_description(str(folder / 'data'), name)
        assert info.nclass == len(info.class_names) and info.colors in (1, 3)
        descriptions.families(str(folder / 'data'))
        if load:
            found = data_pair.DATASETS[f'{name}.1@8-4'](str(folder / 'data'), memory=memory, **size)
            found.test.images[:2], found.labeled.images[:2]

    # What the description says may be wrong about the files beside it.
    return Case('description', call, (str(path), str(folder / 'data' / name), '--memory=', name), f'{name} {memory}')


def made_of(random, folder):
    path = folder / 'data' / 'toys-pictures.json'
    _changed(path, nearly_right.json_text(random, dict(made_of=dict(size=8, fit='crop', pictures='ab'))))
    return Case('made of', lambda: read_made_of(str(folder / 'data'), 'toys'), (str(path),))


def _arrays_of_index(random, path):
    """Arrays of an index as another program may write them."""
    with np.load(path) as found:
        arrays = {key: found[key] for key in found}
    about = json.loads(arrays.pop('about').tobytes())
    key = random.choice(list(arrays))
    place = random.randrange(len(arrays[key]))
    extreme = (-1, 0, 1, 5, 10 ** 6, 2 ** 31 - 1, -2 ** 31, 2 ** 62, -2 ** 62)
    action = random.randint(0, 5)
    if action <= 2:
        value = random.choice(extreme)
        arrays[key][place] = np.array(value, np.int64).astype(arrays[key].dtype)
    elif action == 3:
        arrays[key] = random.choice((arrays[key][:-1], arrays[key].astype(np.float64), arrays[key].astype('S8'),
                                     arrays[key][None], arrays[key][:0], np.array([{}] * 24)))
    elif action == 4:
        about = json.loads(json.dumps(nearly_right._tree(random, about)))
    else:
        arrays = {key: array[:random.choice((0, 1, 5))] for key, array in arrays.items()}
    np.savez(path, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)


def index_file(random, folder):
    """It is read as it was, or made again; what no longer fits the files is an error."""
    name = random.choice(('toys', 'photos'))
    path = folder / 'data' / f'{name}-train.index.npz'
    raw = random.random() < 0.5
    if raw:
        _changed(path, nearly_right.data(random, path.read_bytes()))
    else:
        _arrays_of_index(random, path)
    info = descriptions.read_description(str(folder / 'data'), name)

    def call():
        found = subsets.subset_index(str(folder / 'data'), info, 'train')
        if raw:
            assert found.label.tolist() == [i % 4 for i in range(24)]
        found.read(np.arange(len(found)))

    return Case('index', call, (str(folder / 'data' / f'{name}-train'),), f'{name} raw={raw}', str(path))


def regions(content):
    """list of (first byte, end) of the lengths, the checksums and the payloads of a TFRecord file."""
    found, start = [], 0
    while start + 12 <= len(content):
        size, = struct.unpack_from('<Q', content, start)
        found += [(start, start + 8), (start + 8, start + 12), (start + 12, start + 12 + size),
                  (start + 12 + size, start + 16 + size)]
        start += 16 + size
    return found


def record(random, folder):
    """TFRecords: bytes of each region; a checksum that is wrong is told, one that is right was of what was written."""
    path = folder / 'data' / 'toys-train.tfrecord'
    content = path.read_bytes()
    kind = random.randrange(4)
    _changed(path, nearly_right.data(random, content, regions(content)[kind::4]))
    whole = path.read_bytes() == content
    by_index = random.random() < 0.3

    def call():
        if by_index:
            found = index.of_records([str(path)])
            images, labels = on_demand.OnDemand(found, (8, 8, 3))[np.arange(len(found))], found.label
        else:
            images, labels = records.read_records([str(path)], 8, 8, 3, 4, {str(path): 24})
        assert np.array_equal(images, bases.pixels(24, 8, 8)[:len(images)]) and (whole or len(labels) != 24)

    return Case('records', call, (str(path),), f'region {kind}')


def _example(random):
    """A serialized tf.train.Example that is not what is asked for."""
    feature, train = tf.train.Feature, tf.train
    good = bases.encoded(bases.pixels(1, 8, 8)[0], random.choice(('png', 'jpg', 'bmp', 'gif')))
    picture = random.choice((good, nearly_right.data(random, good), b'', b'x', good[:40],
                             bases.encoded(bases.pixels(1, 9, 8)[0], 'png')))
    label = random.choice((0, 1, -1, 4, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 63 - 1, -2 ** 63))
    features = dict(image=feature(bytes_list=train.BytesList(value=[picture] * random.choice((1, 1, 1, 0, 2)))),
                    label=random.choice((feature(int64_list=train.Int64List(value=[label])),) * 4 + (
                        feature(float_list=train.FloatList(value=[1.])), feature(),
                        feature(int64_list=train.Int64List(value=[1, 2])))))
    if random.random() < 0.2:
        del features[random.choice(list(features))]
    found = train.Example(features=train.Features(feature=features)).SerializeToString()
    return nearly_right.data(random, found) if random.random() < 0.2 else found


def example(random, folder):
    """Records with right checksums that another program has written."""
    path, framed = folder / 'data' / 'toys-train.tfrecord', random.random() < 0.4
    rows = list(records.raw_records(str(path)))
    rows[random.choice((0, 5, 23))] = _example(random)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            writer.write(row)

    def call():
        if framed:
            found = index.of_records([str(path)])
            assert len(found) == 24
            subsets._check(found.label, str(folder / 'data'),
                           descriptions.read_description(str(folder / 'data'), 'toys'), 'train')
            labels = found.label
            on_demand.OnDemand(found, (8, 8, 3))[np.arange(24)]
        else:
            _, labels = records.read_records([str(path)], 8, 8, 3, 4, {str(path): 24})
        # A number of 64 bits must not become another of 32.
        assert all(label in (0, 1) or i not in (0, 5, 23) or label == i % 4 for i, label in enumerate(labels))

    return Case('examples', call, (str(path),), f'on disk={framed}')


def reports(random, folder):
    path = folder / 'run' / 'metrics.jsonl'
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    lines = [nearly_right.json_text(random, row).replace(b'\n', b' ') for row in rows]
    _changed(path, nearly_right.data(random, b'\n'.join(lines) + b'\n') if random.random() < 0.2 else
             b'\n'.join(lines) + b'\n')

    def call():
        for row in RunFolder(str(folder / 'run')).metrics():
            assert all(abs(value) < 1.8e308 for value in row.values()), row
        runs, damaged = run_groups.find([str(folder / 'run')])
        run_groups.tell([str(folder / 'run')], runs, damaged)
        assert run_groups.group(runs) and [run_groups.unfinished(run) for run in runs]

    return Case('metrics.jsonl', call, (str(path), str(folder / 'run')))


def arguments(random, folder):
    """args.json of another program, as tables and curves read it."""
    path = folder / 'run' / 'args' / 'args.json'
    _changed(path, nearly_right.json_text(random, json.loads(path.read_text())))

    def call():
        run = run_groups.read(str(folder / 'run'))
        other = run._replace(settings=dict(run.settings, lr=5))
        assert run_groups.group([run, other]) and run_groups.unfinished(run) is not None

    return Case('args.json', call, (str(path), 'args.json', 'metrics.jsonl'))


def opened(random, folder):
    """args.json of another program, as what opens a run reads it; then the network classifies."""
    path = folder / 'run' / 'args' / 'args.json'
    content = json.loads(path.read_text())
    content['data_dir'] = str(folder / 'data')
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(sorted(content))
        content[name] = random.choice((*nearly_right.ODD, nearly_right.text(random, [str(content[name])])))
    _changed(path, json.dumps(content).encode())
    given = random.choice(('', str(folder / 'data')))

    def call():
        model, found = open_run.open_run(str(folder / 'run'), given)
        with model.session(found) as session:
            p = evaluate.predict(session, model.ops.classify_op, model.ops.x, model.dataset.test.images[:2])
        assert p.shape == (2, 4) and np.isfinite(p).all()

    changed = [name for name, value in content.items() if bases.TREE.get(name) != value]
    return Case('opened run', call, (str(path), 'model-', 'model.ckpt', *(f'--{name}' for name in changed),
                                     *(f'{name} ' for name in changed), 'toys', *map(str, changed),
                                     str(content.get('data_dir')), str(content.get('dataset')),
                                     str(content.get('arch'))), str({name: content[name] for name in changed})[:300])


@functools.cache
def _values(folder):
    """dict name -> array of the newest checkpoint of a run."""
    return initial_weights.of_checkpoint(checkpoint.newest_whole(os.path.join(folder, 'tf')))


def weights(random, folder):
    """Checkpoints: bytes of the index (its blocks, its footer of 48 bytes) and of the data."""
    prefix = folder / 'run' / 'tf' / 'model.ckpt-00002048'
    ending = random.choice(('.index', '.index', '.data-00000-of-00001'))
    path = prefix.with_name(prefix.name + ending)
    good, content = _values(str(folder.parent / 'base' / 'run')), path.read_bytes()
    parts = [(0, len(content)), (len(content) - 48, len(content))] if ending == '.index' else None
    if parts and random.random() < 0.1:  # A size that is not true, of a block that no checksum covers.
        size = b'\x80' * random.randint(0, 7) + bytes([random.randint(1, 127)])
        _changed(path, content[:-48] + (bytes(random.choice((1, 3))) + size).ljust(40, b'\0') + content[-8:])
    else:
        _changed(path, nearly_right.data(random, content, parts and [random.choice(parts)]))
    older = folder / 'run' / 'tf' / 'model.ckpt-00001024.index'
    if random.random() < 0.5:
        older.unlink()

    def call():
        found = checkpoint.newest_whole(str(folder / 'run' / 'tf'))
        arrays = initial_weights.of_checkpoint(found)
        assert {name: value.tolist() for name, value in arrays.items()} == {
            name: value.tolist() for name, value in good.items()}
        initial_weights.of_checkpoint(str(prefix))

    return Case('checkpoint', call, (str(prefix),), ending)


KINDS = {split: 5, skewed_split: 1, description: 6, made_of: 1, index_file: 4, record: 8, example: 4, reports: 5,
         arguments: 5, opened: 3, weights: 9}
