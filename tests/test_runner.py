"""A copy of fork_server.py is to a script what a process of its own is."""

import runner

import pytest

SCRIPT = """
import atexit, json, os, signal, sys

first_party = [name for name in sys.modules if name.startswith('libml')]
print(json.dumps([sys.argv, sys.path, __name__, __file__, sys.modules['__main__'].__file__, first_party, os.getcwd(),
                  dict(os.environ), [str(signal.getsignal(number)) for number in range(1, 20)], sys.stdin.read(),
                  [stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)],
                  sys.flags[:]]))
print('é', file=sys.stderr)
atexit.register(print, 'the end')
import libml
print([f'{finder}'.split()[0] for finder in sys.meta_path if 'libml' in f'{finder}'])
"""
ENDS = {'sys.exit("a line")': 1, 'os.kill(os.getpid(), signal.SIGKILL)': -9, '1 / 0': 1,
        'import threading; threading.Thread(target=print, args=["late"]).start()': 0}


@pytest.mark.parametrize('end', ENDS)
def test_what_a_script_sees_and_how_it_ends(tmp_path, monkeypatch, end):
    path = tmp_path / 'script.py'
    path.write_text(SCRIPT + end)
    monkeypatch.setenv('OF_THIS_TEST', str(tmp_path))
    process = runner.start(path, '--a', 1)
    out, err = process.communicate(timeout=60)
    assert process.returncode == ENDS[end]
    code, copied, said = runner.run(path, '--a', 1)
    assert (code, copied) == (process.returncode, out)
    assert said.splitlines()[:1] == ['é'] and said.splitlines()[-1:] == err.splitlines()[-1:]


def test_copies_draw_for_themselves(tmp_path):
    path = tmp_path / 'script.py'
    path.write_text('import random\nimport numpy as np\nprint(random.random(), np.random.rand())')
    assert runner.run(path)[1].split()[1] != runner.run(path)[1].split()[1]
