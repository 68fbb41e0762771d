"""Picture files -> upright pictures in grey or colour, whatever they were stored as."""

import io
import os
import pathlib
import stat

import numpy as np
from PIL import Image

# Others are not tried: some of Pillow's formats start other programs.
FORMATS = 'JPEG', 'PNG', 'BMP', 'GIF', 'WEBP', 'TIFF'
ORIENTATION = 0x0112
# Place of the byte of a PNG that holds the bits of a sample. Tag of a TIFF, and the value that makes 0 white.
PNG_BITS = 24
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
# EXIF orientation -> what turns the stored pixels upright.
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}


class Unreadable(ValueError):
    """A picture cannot be read; its text is one line that says why."""


def read(source):
    """The first frame of a picture, turned upright as its EXIF data say, or else its XMP data.

    Transparent pixels are laid over white. 16 bits become 8 by their upper half, grey as Pillow does it for colour.
    Colour profiles are ignored.

    Args:
        source: path of a file, its bytes, or decoded pixels: uint8 [h, w], or [h, w, c] with c 1, 3 or 4 (alpha last).
    Returns:
        a PIL.Image of mode L (stored without colours) or RGB.
    Raises:
        Unreadable: there is no file, it is no picture of FORMATS, it is damaged or cut short, or it has pixels of 32
            bits, whose range is not known.
    """
    if isinstance(source, np.ndarray):
        return _plain(Image.fromarray(source[..., 0] if source.shape[2:] == (1,) else source))
    try:
        content = source if isinstance(source, bytes) else _content(source)
    except OSError as error:
        raise Unreadable(error.strerror) from error
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            picture.load()
            _correct(picture, content)
            return _plain(_upright(picture))
    except Image.UnidentifiedImageError as error:
        raise Unreadable(f'it is no picture of a known format ({", ".join(FORMATS)})') from error
    except Unreadable:
        raise
    except Exception as error:  # Pillow raises whatever it stumbles over; no narrower class covers a damaged file.
        lines = str(error).splitlines() or [type(error).__name__]
        raise Unreadable(f'it is damaged: {lines[0]}') from error


def _content(path):
    if stat.S_ISFIFO(os.stat(path).st_mode):  # Reading it would wait for ever.
        raise Unreadable('it is a pipe')
    return pathlib.Path(path).read_bytes()


def is_upright_jpeg(content, modes):
    """Whether bytes of a file that `read` can read are a JPEG that is not to be turned, in one of Pillow's `modes`."""
    try:
        with Image.open(io.BytesIO(content), formats=['JPEG']) as picture:
            return picture.mode in modes and _orientation(picture) not in TURNS
    except Image.UnidentifiedImageError:
        return False


def _orientation(picture):
    try:
        return picture.getexif().get(ORIENTATION)
    except Exception:  # As above; damaged EXIF data say nothing about the pixels.
        return None


def _upright(picture):
    orientation = _orientation(picture)
    return picture.transpose(TURNS[orientation]) if orientation in TURNS else picture


def _correct(picture, content):
    """Brings what Pillow notes about the pixels of a file, with these bytes, to their own range."""
    transparent = picture.info.get('transparency')
    if picture.format == 'PNG' and transparent is not None:
        bits = content[PNG_BITS]
        if picture.mode == 'L' and bits < 8:
            picture.info['transparency'] = transparent * 255 // (2 ** bits - 1)
        elif picture.mode == 'RGB' and bits == 16:
            picture.info['transparency'] = tuple(value >> 8 for value in transparent)
    if picture.format == 'TIFF' and picture.mode.startswith('I;16'):
        picture.info['inverted'] = picture.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO


def _plain(picture):
    """The picture in mode L or RGB."""
    if picture.mode.startswith('I;16'):
        values = np.asarray(picture)
        grey = (values >> 8).astype(np.uint8)
        grey[values == picture.info.get('transparency', -1)] = 255
        return Image.fromarray(255 - grey if picture.info.get('inverted') else grey)
    if picture.mode in ('I', 'F'):
        raise Unreadable(f'its pixels have 32 bits (mode {picture.mode}), whose range is not known')
    if picture.has_transparency_data:
        picture = picture.convert('RGBA')
        white = Image.new('RGB', picture.size, 'white')
        white.paste(picture, mask=picture)
        return white
    return picture.convert('L' if picture.mode in ('1', 'L') else 'RGB')
