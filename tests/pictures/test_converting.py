"""What a worker process makes of pictures, and what it needs for it."""

import io
import os
import signal
import subprocess
import sys

import runner
from libml.images.decode import decode_picture
from libml.pictures import converting
from libml.pictures.fitting import fitted, in_colors
from libml.pictures.reading import read

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

NOISE = np.random.RandomState(0).randint(0, 256, [20, 30, 3]).astype(np.uint8)


def test_convert(tmp_path):
    for name, form in (('a.png', 'PNG'), ('b.bmp', 'BMP')):
        Image.fromarray(NOISE).save(tmp_path / name, form)
    a, b, bad, missing, array = converting.convert(
        [str(tmp_path / 'a.png'), str(tmp_path / 'b.bmp'), b'text', str(tmp_path / 'nothing.png'), NOISE], 8, 3, 'pad')
    expected = fitted(Image.fromarray(NOISE), 8, 8, 3, 'pad')
    for found in (a, b, array):
        assert found.wrong == '' and found.size == (30, 20)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(found.stored))), expected)
    assert a.pixels == b.pixels == array.pixels and len({a.content, b.content, array.content, bad.content}) == 4
    assert a.content == converting.digest((tmp_path / 'a.png').read_bytes())
    assert 'no picture' in bad.wrong and 'No such file' in missing.wrong and bad.stored is missing.stored is None


def encoded(picture, form='JPEG', **options):
    f = io.BytesIO()
    picture.save(f, form, **options)
    return f.getvalue()


@pytest.mark.parametrize('colors', [1, 3])
def test_pictures_that_keep_their_sizes(colors):
    """JPEGs stay byte for byte where every decoder gives the pixels that are wanted; all others become PNGs."""
    color, grey, turned = Image.fromarray(NOISE), Image.fromarray(NOISE[..., 0]), Image.Exif()
    turned[0x0112] = 6
    alpha = Image.fromarray(np.dstack([NOISE, NOISE[..., :1]]))
    kept = [encoded(grey), encoded(color), encoded(color, progressive=True, subsampling=0)][:1 if colors == 1 else 3]
    others = [encoded(color, exif=turned.tobytes()), encoded(color.convert('CMYK')), encoded(alpha, 'PNG'),
              encoded(color, 'BMP', dpi=(90, 90)), NOISE, NOISE[..., :1], encoded(color)][:7 if colors == 1 else 6]
    for content, found in zip(kept + others, converting.convert(kept + others, 0, colors, 'crop')):
        expected = np.asarray(in_colors(read(content), colors))
        assert found.wrong == '' and found.size == expected.shape[1::-1] and found.pixels == converting.digest(expected)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            pixels = session.run(decode_picture(found.stored, colors))
        np.testing.assert_array_equal(pixels, expected.reshape(*expected.shape[:2], colors))
        assert found.stored is content if any(content is one for one in kept) else found.stored.startswith(b'\x89PNG')


def test_grey_and_color_with_the_same_pixels_are_the_same_picture():
    for colors in (1, 3):
        grey, color = converting.convert([NOISE[..., 0], np.dstack([NOISE[..., 0]] * 3)], 8, colors, 'crop')
        assert grey.pixels == color.pixels and grey.content != color.content
    turned, = converting.convert([np.ascontiguousarray(NOISE[..., 0].reshape(30, 20))], 8, 3, 'crop')
    assert turned.pixels != grey.pixels


def test_workers_do_without_tensorflow():
    """They import the module of their function and, as another module, the script that was started."""
    code = ('import runpy, sys; sys.modules["tensorflow"] = None; import libml.pictures.converting; '
            'runpy.run_path("scripts/create_from_pictures.py", run_name="__mp_main__")')
    done = subprocess.run([sys.executable, '-c', code], cwd=runner.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_workers_end_with_their_parent():
    """Also if it is killed. They hold its stdout, which is at its end when none of them is left."""
    code = ('import multiprocessing, os, time; from concurrent import futures; from libml.pictures import converting; '
            'pool = futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), converting.start); '
            'print(pool.submit(os.getpid).result(), flush=True); time.sleep(60)')
    with subprocess.Popen([sys.executable, '-c', code], cwd=runner.ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        worker = int(process.stdout.readline())
        process.kill()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.kill(worker, signal.SIGKILL)
            raise


def test_an_interrupt_of_a_worker_that_starts():
    """It is its parent's business from the first, and so is a SIGHUP; afterwards, too."""
    code = """
import multiprocessing, os, signal, sys
from concurrent import futures
from libml.pictures import converting

if __name__ == '__main__':
    with (futures.ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), converting.start) as pool,
          futures.ThreadPoolExecutor(1, initializer=converting.block) as thread):
        future = thread.submit(pool.submit, os.getpid).result()
        worker, = pool._processes
        for number in (signal.SIGINT, signal.SIGHUP):
            os.kill(worker, number)
        assert future.result() == worker
        os.kill(worker, signal.SIGINT)
        print(pool.submit(os.getpid).result() == worker, signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
    process = runner.start('-c', code)
    assert process.communicate(timeout=60) == ('True set()\n', '') and process.returncode == 0
