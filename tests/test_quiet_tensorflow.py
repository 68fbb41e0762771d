"""How TensorFlow is imported, and where it is not: a package of that name writes to stderr in its place."""

import os
import signal
import subprocess
import sys

import runner

import pytest

LOG = '''WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795888861.461907   10174 port.cc:153] oneDNN custom operations are on.
2026-11-28 18:00:00.000000: W tensorflow/stream_executor.cc:64] Could not load
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
'''
WRITE = f'''
import contextlib, os, sys, threading
with contextlib.suppress(OSError):
    os.write(2, {LOG.encode()!r})
'''


@pytest.fixture
def imported(tmp_path):
    """imported(code of the package tensorflow, code after its import) -> (exit code, stdout, stderr)."""

    def run(package, after='', before='', shell='"$0" "$@"', **env):
        (tmp_path / 'tensorflow').mkdir(exist_ok=True)
        (tmp_path / 'tensorflow' / '__init__.py').write_text(WRITE + package)
        code = f'{before}\nimport libml, os, sys, threading\nimport tensorflow\n{after}'
        env = {name: value for name, value in dict(os.environ, **env).items() if value}
        done = subprocess.run(['bash', '-c', shell, sys.executable, '-c', code], capture_output=True, text=True,
                              env=dict(env, PYTHONPATH=f'{tmp_path}:{runner.ROOT}'))
        return done.returncode, done.stdout, done.stderr

    return run


def test_the_log_is_kept_back_and_nothing_else(imported):
    """Neither what Python writes meanwhile, nor another thread, nor what comes later; the loader is what it was."""
    package = '''
import warnings
warnings.warn('old numpy')
thread = threading.Thread(target=lambda: sys.stderr.write('other thread\\n'))
thread.start()
thread.join()
os.write(2, b'no line end')
'''
    after = '''
os.write(2, b'|later\\nI0000 00:00: later\\n')
assert tensorflow.__spec__.loader.exec_module.__func__ is type(tensorflow.__loader__).exec_module
print(len(os.listdir('/proc/self/fd')) - before)
'''
    before = "import os, tempfile\nbefore = len(os.listdir('/proc/self/fd'))"
    code, out, err = imported(package, after, before)
    assert code == 0 and out == '0\n'
    assert 'UserWarning: old numpy' in err and err.endswith('other thread\nno line end|later\nI0000 00:00: later\n')
    assert 'WARNING' not in err and 'AVX2' not in err and 'stream_executor' not in err


def test_everything_is_told_where_the_import_fails(imported):
    code, _, err = imported('raise ImportError("no such library")')
    assert code == 1 and err.startswith(LOG) and err.endswith('ImportError: no such library\n')


def test_an_import_that_failed_may_succeed_later(imported):
    package = 'import builtins\nif not hasattr(builtins, "again"):\n    builtins.again = 1\n    raise ImportError\n'
    before = 'import libml\ntry:\n    import tensorflow\nexcept ImportError: pass'
    assert imported(package, 'print(len(sys.meta_path))', before)[2] == LOG


def test_a_crash_is_told(imported):
    code, _, err = imported('os.abort()')
    assert code == -signal.SIGABRT and err.startswith('Fatal Python error: Aborted') and 'tensorflow/__init__' in err


def test_an_interrupt_while_it_is_imported(imported):
    """stderr is back for the traceback."""
    # A process that was started in the background of a script ignores it.
    code, _, err = imported('import signal; signal.signal(signal.SIGINT, signal.default_int_handler); '
                            'signal.raise_signal(signal.SIGINT)')
    assert code == -signal.SIGINT and err.startswith('Traceback') and err.endswith('KeyboardInterrupt\n')


def test_stderr_is_closed(imported):
    code, out, err = imported('', 'print(1)', shell='"$0" "$@" 2>&-')
    assert (code, out, err) == (0, '1\n', '')


def test_no_room_for_a_file(imported):
    before = 'import tempfile\ntempfile.TemporaryFile = lambda: open("/nowhere/x")'
    assert imported('', 'print(1)', before) == (0, '1\n', LOG)


@pytest.mark.parametrize('level, err', [('0', LOG), ('3', ''), ('', '')])
def test_who_sets_the_level_of_the_log_sees_it(imported, level, err):
    assert imported('', TF_CPP_MIN_LOG_LEVEL=level) == (0, '', err)


def test_keras_is_imported_when_it_is_asked_for(imported, tmp_path):
    """TensorFlow finds its folder; another thread may import it meanwhile."""
    (tmp_path / 'keras.py').write_text('name = 1')
    package = '''
import importlib.util
assert importlib.util.find_spec('keras').origin.endswith('keras.py')
try:
    import keras
except ImportError as error:
    print(error)
'''
    assert imported(package, 'import keras; print(keras.name)') == (
        0, 'keras is not imported by TensorFlow here, but when it is asked for\n1\n', '')
    package = 'import importlib\nthread = threading.Thread(target=importlib.import_module, args=["keras"])\n'
    package += 'thread.start()\nthread.join()\nprint("keras" in sys.modules)'
    assert imported(package) == (0, 'True\n', '')


def test_tensorflow_itself_is_quiet():
    code, out, err = runner.run('-c', 'import sys, libml, tensorflow as tf; print(tf.add(1, 1).numpy(), '
                                '"keras" in sys.modules, tf.keras.__name__)')
    assert (code, out, err) == (0, '2 False keras._tf_keras.keras\n', '')


@pytest.mark.parametrize('script', sorted((runner.ROOT / 'scripts').glob('[a-z]*.py')), ids=lambda path: path.stem)
@pytest.mark.parametrize('flag, text', [('--help', '--help'), ('--nonsense', "Unknown command line flag 'nonsense'")])
def test_scripts_answer_without_tensorflow(script, flag, text):
    code = f'import runpy, sys; sys.modules["tensorflow"] = None; sys.argv = ["{script}", "{flag}"]; '
    code, out, err = runner.run('-c', code + f'runpy.run_path("{script}", run_name="__main__")')
    assert code == 1 and text in out + err and 'Traceback' not in err
