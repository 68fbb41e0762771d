"""Every kind of picture that people have, made by Pillow (or by hand where it cannot), with pixels known beforehand."""

import io
import os
import struct
import zlib

from libml.pictures.reading import Unreadable, read

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

# Flat blocks of 8x8, all different: JPEG at its best quality keeps them but for a rounding.
COLOR = np.random.RandomState(0).randint(0, 256, [2, 3, 3]).astype(np.uint8).repeat(8, 0).repeat(8, 1)
GREY = COLOR[..., 0]
ALPHA = np.arange(16 * 24).reshape(16, 24).astype(np.uint8)
# EXIF orientation -> how pixels that are stored so are turned upright.
UPRIGHT = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
           5: lambda a: a.swapaxes(0, 1), 6: lambda a: a.swapaxes(0, 1)[:, ::-1],
           7: lambda a: a.swapaxes(0, 1)[::-1, ::-1], 8: lambda a: a.swapaxes(0, 1)[::-1]}


def saved(image, form, **kwargs):
    """Bytes of a picture (an array or a PIL.Image) as a file of a format."""
    f = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(f, form, **kwargs)
    return f.getvalue()


def jpeg(image, **kwargs):
    return saved(image, 'JPEG', quality=100, subsampling=0, **kwargs)


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def png_by_hand(image, interlaced=False, transparent=None):
    """A PNG of uint8 or uint16 [h, w, c], c 1 or 3, in seven passes if interlaced. Numbers that are transparent."""
    def rows(part):
        part = part.astype(part.dtype.newbyteorder('>'))
        return b''.join(b'\0' + row.tobytes() for row in part) if part.size else b''

    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    passes = [image[y::dy, x::dx] for y, x, dy, dx in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))]
    height, width, channels = image.shape
    header = struct.pack('>IIBBBBB', width, height, 8 * image.itemsize, channels - 1, 0, 0, interlaced)
    content = b''.join(map(rows, passes)) if interlaced else rows(image)
    known = chunk(b'tRNS', np.array(transparent, '>u2').tobytes()) if transparent else b''
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + known + chunk(b'IDAT', zlib.compress(content))
            + chunk(b'IEND', b''))


def png_of_2_bits(values, transparent):
    """A grey PNG of uint8 [h, w] in 0..3, w a multiple of 4, one of which is transparent."""
    packed = (values.reshape(len(values), -1, 4) << np.array([6, 4, 2, 0], np.uint8)).sum(-1).astype(np.uint8)
    content = png_by_hand(packed[..., None], transparent=[transparent])
    header = struct.pack('>IIBBBBB', values.shape[1], len(values), 2, 0, 0, 0, 0)
    return content[:16] + header + struct.pack('>I', zlib.crc32(b'IHDR' + header)) + content[33:]


def tiff_where_0_is_white(values):
    return saved(values, 'TIFF', tiffinfo={262: 0})


def over_white(color, alpha):
    alpha = alpha[..., None] / 255
    return np.floor(color * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)


INDEXED = Image.fromarray(COLOR).quantize(16)
INDEXED_PIXELS = np.array(INDEXED.getpalette(), np.uint8).reshape(-1, 3)[np.asarray(INDEXED)]
WITH_ALPHA = np.dstack([COLOR, ALPHA])
SIXTEEN = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 170
EXACT = {
    'png': (saved(COLOR, 'PNG'), COLOR), 'png grey': (saved(GREY, 'PNG'), GREY),
    'png of one bit': (saved(Image.fromarray(GREY > 127), 'PNG'), (GREY > 127) * np.uint8(255)),
    'png with palette': (saved(INDEXED, 'PNG'), INDEXED_PIXELS),
    'png with a transparent entry of its palette': (
        saved(INDEXED, 'PNG', transparency=3),
        np.where(np.asarray(INDEXED)[..., None] == 3, np.uint8(255), INDEXED_PIXELS)),
    'png with alpha': (saved(WITH_ALPHA, 'PNG'), over_white(COLOR, ALPHA)),
    'png grey with alpha': (saved(np.dstack([GREY, ALPHA]), 'PNG'), over_white(np.dstack([GREY] * 3), ALPHA)),
    'png with a transparent colour': (
        saved(COLOR, 'PNG', transparency=tuple(COLOR[0, 0].tolist())),
        np.where((COLOR == COLOR[0, 0]).all(-1, keepdims=True), np.uint8(255), COLOR)),
    'png of 16 bits grey': (saved(SIXTEEN, 'PNG'), (SIXTEEN // 256).astype(np.uint8)),
    'png of 16 bits in colour': (png_by_hand(COLOR.astype(np.uint16) * 256 + 99), COLOR),
    'png of 16 bits with a transparent grey': (
        png_by_hand(SIXTEEN[..., None], transparent=[340]),
        np.where(SIXTEEN == 340, 255, SIXTEEN // 256).astype(np.uint8)),
    'png of 16 bits with a transparent colour': (
        png_by_hand(COLOR.astype(np.uint16) * 257, transparent=(COLOR[0, 0] * 257.).astype(int).tolist()),
        np.where((COLOR == COLOR[0, 0]).all(-1, keepdims=True), np.uint8(255), COLOR)),
    'png of 2 bits with a transparent grey': (
        png_of_2_bits(GREY // 64, 2), np.dstack([np.where(GREY // 64 == 2, np.uint8(255), GREY // 64 * 85)] * 3)),
    'png interlaced': (png_by_hand(COLOR, interlaced=True), COLOR),
    'png of 1x1': (saved(COLOR[:1, :1], 'PNG'), COLOR[:1, :1]),
    'png turned': (saved(COLOR, 'PNG', exif=exif(6)), UPRIGHT[6](COLOR)),
    'bmp': (saved(COLOR, 'BMP'), COLOR), 'bmp with palette': (saved(INDEXED, 'BMP'), INDEXED_PIXELS),
    'gif, first of two': (saved(INDEXED, 'GIF', save_all=True, append_images=[INDEXED.rotate(180)]), INDEXED_PIXELS),
    'webp': (saved(COLOR, 'WEBP', lossless=True), COLOR),
    'webp with alpha': (saved(WITH_ALPHA, 'WEBP', lossless=True, exact=True), over_white(COLOR, ALPHA)),
    'webp, first of two': (saved(COLOR, 'WEBP', lossless=True, save_all=True,
                                 append_images=[Image.fromarray(COLOR[::-1])]), COLOR),
    'tiff': (saved(COLOR, 'TIFF', compression='tiff_lzw'), COLOR), 'tiff grey': (saved(GREY, 'TIFF'), GREY),
    'tiff of 16 bits': (saved(SIXTEEN, 'TIFF'), (SIXTEEN // 256).astype(np.uint8)),
    'tiff of 16 bits where 0 is white': (tiff_where_0_is_white(SIXTEEN), 255 - (SIXTEEN // 256).astype(np.uint8)),
    'tiff turned': (saved(COLOR, 'TIFF', exif=exif(8)), UPRIGHT[8](COLOR)),
    'tiff, first of two': (saved(COLOR, 'TIFF', save_all=True, append_images=[Image.fromarray(COLOR[::-1])]), COLOR),
}


@pytest.mark.parametrize('kind', EXACT)
def test_pixels(kind):
    content, expected = EXACT[kind]
    picture = read(content)
    assert picture.mode == ('L' if expected.ndim == 2 else 'RGB')
    np.testing.assert_array_equal(np.asarray(picture), expected)


def close(content, expected, tolerance=2):
    pixels = np.asarray(read(content))
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= tolerance


def test_jpeg():
    close(jpeg(COLOR), COLOR)
    close(jpeg(GREY), GREY)
    close(jpeg(COLOR[:1, :1]), COLOR[:1, :1])
    inks = np.dstack([COLOR, GREY // 2])
    left = 255. - inks
    close(jpeg(Image.fromarray(inks, 'CMYK')), left[..., :3] * left[..., 3:] / 255, tolerance=3)


@pytest.mark.parametrize('orientation', UPRIGHT)
def test_jpeg_is_turned_upright(orientation):
    close(jpeg(COLOR, exif=exif(orientation)), UPRIGHT[orientation](COLOR))


@pytest.mark.filterwarnings('ignore:Corrupt EXIF data')
def test_damaged_exif_data_do_not_matter():
    close(jpeg(COLOR, exif=b'Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12'), COLOR)
    close(jpeg(COLOR, exif=b'Exif\0\0nonsense'), COLOR)


def test_paths_and_arrays(tmp_path):
    path = tmp_path / 'ä picture.JPG'
    path.write_bytes(saved(COLOR, 'PNG'))  # What it is, not what it is called.
    for source in (path, str(path), COLOR):
        np.testing.assert_array_equal(np.asarray(read(source)), COLOR)
    np.testing.assert_array_equal(np.asarray(read(GREY[..., None])), GREY)
    np.testing.assert_array_equal(np.asarray(read(WITH_ALPHA)), over_white(COLOR, ALPHA))
    with pytest.raises(Unreadable, match='No such file'):
        read(tmp_path / 'nothing.png')
    with pytest.raises(Unreadable, match='directory'):
        read(str(tmp_path))
    os.mkfifo(tmp_path / 'pipe.png')
    with pytest.raises(Unreadable, match='it is a pipe'):
        read(tmp_path / 'pipe.png')


NOISE = np.random.RandomState(1).randint(0, 256, [50, 60, 3]).astype(np.uint8)


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'BMP', 'GIF', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('part', [0.02, 0.5, 0.9])
def test_truncated_files_are_unreadable(form, part):
    content = saved(NOISE, form)
    assert read(content).size == (60, 50)
    with pytest.raises(Unreadable) as error:
        read(content[:int(len(content) * part)])
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('content', [b'', b'a text', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'])
def test_what_is_no_picture_is_unreadable(content):
    with pytest.raises(Unreadable, match='no picture of a known format'):
        read(content)


def test_pixels_of_32_bits_are_unreadable():
    for image in (NOISE[..., 0].astype(np.float32), NOISE[..., 0].astype(np.int32)):
        with pytest.raises(Unreadable, match='32 bits'):
            read(saved(image, 'TIFF'))


def test_nothing_larger_than_pillow_allows(monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    with pytest.raises(Unreadable, match='exceeds limit'):
        read(saved(NOISE, 'PNG'))


def test_metadata_of_other_types_do_not_matter():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0112] = 77
    np.testing.assert_array_equal(np.asarray(read(saved(COLOR, 'TIFF', tiffinfo=tags))), COLOR)
