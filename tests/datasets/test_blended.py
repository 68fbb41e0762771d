"""MNIST-M from a made-up archive in its published format, and its recipe on scikit-learn's digits."""

import io
import pathlib

from libml import data_pair
from libml.datasets import archives, blended, download, prepare
from made_up_archives import make_tar, publish, stored
from refusals import refused

import numpy as np
import pytest
from PIL import Image


def png(image):
    out = io.BytesIO()
    Image.fromarray(image).save(out, 'png')
    return out.getvalue()


def members(images, counts=(('train', 3), ('test', 2))):
    """The members of an archive: digit i + 5 is the label of picture i, and labels are listed in reverse order."""
    out, images = [], iter(images)
    for subset, n in counts:
        lines = [f'{i:08d}.png {i + 5}\n' for i in reversed(range(n))]
        out += [(f'mnist_m/mnist_m_{subset}/{i:08d}.png', png(next(images))) for i in range(n)]
        out += [(f'mnist_m/mnist_m_{subset}_labels.txt', ''.join(lines).encode())]
    return out


@pytest.fixture
def images(monkeypatch):
    publish(monkeypatch, 'mnist_m', train=3, test=2)
    return np.random.RandomState(0).randint(0, 256, [5, 32, 32, 3], np.uint8)


def test_mnist_m(tmp_path, images, capsys):
    stray = [('mnist_m/mnist_m_train/notes.txt', b'not a picture'), ('mnist_m/deeper/00000000.png', b'x')]
    make_tar(tmp_path / 'mnist_m.tar.gz', members(images) + stray)
    assert len(prepare.create('mnist_m', tmp_path / 'data', tmp_path)) == 2
    assert capsys.readouterr().err.startswith('warning: no digest of mnist_m.tar.gz was published: ')
    for subset, expected, labels in (('train', images[[2, 1, 0]], [7, 6, 5]), ('test', images[[4, 3]], [6, 5])):
        read, read_labels = stored(tmp_path / 'data', 'mnist_m', subset, (32, 32, 3))
        np.testing.assert_array_equal(read, expected)
        assert read_labels.tolist() == labels


def test_damaged_mnist_m_is_refused(tmp_path, images):
    good = members(images)
    name, picture = good[1]
    labels_name, labels = good[3]
    for changed, texts in (
            (good[:1] + good[2:], ['00000001.png', 'not there']),
            (good[:3] + good[4:], ['no member mnist_m/mnist_m_train_labels.txt']),
            (good[:3] + [(labels_name, labels[15:])] + good[4:], ['mnist_m, train', '2 with 2 labels', '3 were']),
            (good[:3] + [(labels_name, labels + b'x.png ten\n')] + good[4:], ["'x.png ten'"]),
            (good[:1] + [(name, picture[:60])] + good[2:], ['00000001.png', 'damaged']),
            (good[:1] + [(name, png(images[1, :28]))] + good[2:], ['00000001.png', '(28, 32, 3)', '(32, 32, 3)']),
            (good[:1] + [(name, png(images[1, :, :, 0]))] + good[2:], ['00000001.png', '(32, 32, 1)'])):
        make_tar(tmp_path / 'mnist_m.tar.gz', changed)
        with refused(*texts):
            prepare.create('mnist_m', tmp_path / 'data', tmp_path)
    assert not list(tmp_path.glob('data/*train*'))


def test_mnist_m_without_its_archive_says_where_it_is(tmp_path):
    with refused('mnist_m.tar.gz', 'Google Drive', '--archives=FOLDER'):
        prepare.create('mnist_m', tmp_path)
    with refused('mnist_m needs mnist_m.tar.gz', str(tmp_path)):
        download.archive('mnist_m', 'mnist_m.tar.gz', tmp_path, str(tmp_path))


def test_blend_is_the_absolute_difference_of_a_digit_and_a_piece_of_a_photograph():
    digits = np.random.RandomState(0).randint(0, 256, [300, 2, 3, 1], np.uint8)
    # Each byte of these tells where it is.
    photographs = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    blank = blended.blend(np.zeros_like(digits), photographs, np.random.RandomState(1))
    places = set()
    for image in blank:
        photo, top, left = np.unravel_index(image[0, 0, 0] // 3, [2, 4, 5])
        places.add((photo, top, left))
        np.testing.assert_array_equal(image, photographs[photo, top:top + 2, left:left + 3])
    assert len(places) == 2 * 3 * 3
    images = blended.blend(digits, photographs, np.random.RandomState(1))
    np.testing.assert_array_equal(images, np.abs(digits.astype(int) - blank))


def test_photographs_are_shrunk_by_means():
    sklearn = pytest.importorskip('sklearn.datasets')
    photographs = blended.shrunk_photographs()
    assert photographs.shape == (2, 106, 160, 3) and photographs.dtype == np.uint8
    path = pathlib.Path(sklearn.__file__).parent / 'images' / 'flower.jpg'
    whole = np.asarray(Image.open(path), np.float64)
    means = whole[:424].reshape(106, 4, 160, 4, 3).mean((1, 3))
    # Pillow's decoder rounds differently.
    assert np.abs(photographs[1] - means).max() <= 2 and np.abs(photographs[1] - means).mean() < 0.5


def test_digits_m_is_made_at_first_use(tmp_path):
    pytest.importorskip('sklearn')
    dataset = data_pair.DATASETS['digits_m-0'](str(tmp_path))
    digits = archives.digits()
    assert [len(dataset.labeled), len(dataset.test)] == [1400, 397] and not dataset.mirror
    photographs, random = blended.shrunk_photographs(), np.random.RandomState(0)
    for subset, part in (('train', dataset.labeled), ('test', dataset.test)):
        images, labels = digits[subset]
        np.testing.assert_array_equal(part.labels, labels)
        which, top, left = (random.randint(n, size=len(images), dtype=np.int64) for n in (2, 91, 145))
        for i in (0, 1, len(images) - 1):
            large = np.asarray(Image.fromarray(images[i, ..., 0]).resize((16, 16), Image.BICUBIC), int)[..., None]
            patch = photographs[which[i], top[i]:top[i] + 16, left[i]:left[i] + 16]
            np.testing.assert_array_equal(part.images[i], np.abs(large - patch))
    # What this machine made: other machines should make the same.
    assert [part.images.sum(dtype=np.int64) for part in (dataset.labeled, dataset.test)] == [106520681, 30789497]
