"""What ends a training from outside: signals, a closed terminal, a pipe that no one reads; and training in a thread."""

import os
import pty
import signal
import threading

import runner
import toy
from libml import interrupts
from libml.training import checkpoint
from libml.training.run_folder import RunFolder
from mixmatch import MixMatch
from short_runs import assert_same_bits, folder_in, metrics

import pytest


def saved_step(train_dir):
    return int(checkpoint.all_in(os.path.join(folder_in(train_dir), 'tf'))[-1].rpartition('-')[2])


def until_report(train_dir, count, process):
    """Waits for a report more than `count`."""
    runner.wait_for(lambda: len(RunFolder(folder_in(train_dir)).metrics()) > count, process)


def test_a_run_whose_reader_terminal_and_stderr_are_gone_ends_with_the_same_bits(tmp_path, data_dir, straight):
    args = [*runner.TINY, '--train_kimg=6', f'--data_dir={data_dir}', f'--train_dir={tmp_path}']
    # `| head`
    process = runner.start('mixmatch.py', *args)
    until_report(tmp_path, 0, process)
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (141, '')
    rows = metrics(folder_in(tmp_path))
    assert 0 < saved_step(tmp_path) == rows[-1]['step'] < 6 * 1024

    # A window that is closed: SIGHUP, and a terminal that cannot be written to.
    terminal, inner = pty.openpty()
    process = runner.start('mixmatch.py', *args, stdout=inner, stderr=inner,
                           preexec_fn=runner.hear)
    os.close(inner)
    until_report(tmp_path, len(rows), process)
    os.close(terminal)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 128 + signal.SIGHUP
    assert rows[-1]['step'] < saved_step(tmp_path) < 6 * 1024

    # 2>&-
    process = runner.start('mixmatch.py', *args, preexec_fn=lambda: os.close(2))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, '') and 'test accuracy' in out.splitlines()[-1]
    assert_same_bits(folder_in(tmp_path), straight[0])
    assert metrics(folder_in(tmp_path)) == metrics(straight[0])


class Signalled(MixMatch):
    """Gets the signals `numbers` at each report."""

    def evaluate(self, session):
        for number in self.numbers:
            signal.raise_signal(number)
        return super().evaluate(session)


@pytest.fixture
def ways(request):
    """What the signals do outside of a training: they are ignored, as under nohup or in the background, or raise."""

    def stop(number, frame):
        raise interrupts.Stopped(number)

    old = [(number, signal.signal(number, signal.SIG_IGN if request.param else stop)) for number in interrupts.SIGNALS]
    yield request.param
    for number, handler in old:
        signal.signal(number, handler)


@pytest.fixture(scope='module')
def signalled():
    return Signalled('', toy.dataset(size=8), arch='convnet', **toy.SMALL)


@pytest.fixture
def model(signalled, tmp_path):
    signalled.folder = RunFolder(str(tmp_path))
    return signalled


@pytest.mark.parametrize('ways', [False, True], indirect=True, ids=['heard', 'ignored'])
def test_signals_stop_a_training_unless_they_are_ignored(model, ways, capsys):
    """SIGHUP comes twice, from the kernel and from the shell of a terminal that is closed."""
    ignored = ways
    model.numbers = interrupts.SIGNALS if ignored else [signal.SIGHUP] * 2
    assert model.train(32, 16) == (None if ignored else signal.SIGHUP)
    step = 32 if ignored else 16
    assert checkpoint.all_in(model.folder.tf)[-1].endswith(f'{step:08d}') and model.folder.metrics()[-1]['step'] == step
    assert ('Stopped by SIGHUP' in capsys.readouterr().out) is not ignored
    assert all((signal.getsignal(number) == signal.SIG_IGN) is ignored for number in interrupts.SIGNALS)


@pytest.mark.parametrize('ways', [False], indirect=True, ids=['heard'])
@pytest.mark.parametrize('first, second, ends', [
    (signal.SIGINT, signal.SIGTERM, True), (signal.SIGHUP, signal.SIGINT, True), (signal.SIGINT, signal.SIGHUP, False)])
def test_a_second_signal_ends_without_saving(model, ways, first, second, ends, monkeypatch):
    """Any but SIGHUP, here while a checkpoint is written; it does what it did before the training."""
    save = model.saver.save

    def slow(session, path, **kwargs):
        save(session, path, **kwargs)
        if not path.endswith('-00000000'):
            signal.raise_signal(second)

    monkeypatch.setattr(model.saver, 'save', slow)
    model.numbers = [first]
    if ends:
        with pytest.raises(interrupts.Stopped) as error:
            model.train(32, 16)
        assert error.value.number == second
    else:
        assert model.train(32, 16) == first
    names = ['model.ckpt-00000000'] + ([] if ends else ['model.ckpt-00000016'])
    assert [os.path.basename(path) for path in checkpoint.all_in(model.folder.tf)] == names
    assert not any(entry.startswith('.') for entry in os.listdir(model.folder.tf))


def test_training_in_a_thread(tmp_path):
    found = []
    model = MixMatch(str(tmp_path), toy.dataset(), **toy.SMALL)
    thread = threading.Thread(target=lambda: found.append(model.train(16, 16)))
    thread.start()
    thread.join(60)
    assert found == [None] and [row['step'] for row in model.folder.metrics()] == [16]
