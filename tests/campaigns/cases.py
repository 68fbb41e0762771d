"""What campaigns share: cases are run in copies of this process, so that a crash or a hang is a result like others."""

import collections
import hashlib
import itertools
import json
import os
import pathlib
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
import typing

from libml.utils import Diverged, InputError

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 60
EACH = 400  # cases that a copy runs: graphs of TensorFlow stay in its memory
BYTES = 10 << 30  # of address space that a copy can have: what takes more is an error there, and not the end of others
ACCEPTED, REFUSED, FAILED = 'accepted', 'refused', 'FAILED'
HALF = ('.part', '.old', '.saving')  # endings, or parts, of the names of files that are not whole


class Case(typing.NamedTuple):
    """One input.

    Attributes:
        kind: what it is of.
        call: function without arguments that takes the input in; what is left of it in files must be whole.
        names: texts of which an error must name one.
        value: text that says what the input is.
        made_again: path of a file that may be replaced.
    """

    kind: str
    call: typing.Callable
    names: tuple
    value: str = ''
    made_again: str = ''


class Result(typing.NamedTuple):
    """What came of a case; `text` is the error, or what is wrong."""

    kind: str
    outcome: str
    text: str
    seconds: float = 0.


def shown(text):
    """The beginning of a text as an InputError shows it."""
    return str(InputError(text))[:30]


def contents(folder):
    """dict path -> digest of all files in a folder."""
    return {str(path): hashlib.blake2b(path.read_bytes()).digest() for path in pathlib.Path(folder).rglob('*')
            if path.is_file() and not path.is_symlink()}


def judged(case, folder):
    """The Result of a case whose files are in a folder."""
    before = contents(folder)
    try:
        case.call()
        outcome, text = ACCEPTED, ''
    except (InputError, Diverged) as error:
        text = str(error)
        outcome = REFUSED
        if not text or len(text.splitlines()) > 1:
            outcome, text = FAILED, f'not one line: {text!r}'
        elif not any(shown(name) in text for name in case.names):
            outcome, text = FAILED, f'names none of {", ".join(map(shown, case.names))}: {text}'
    except BaseException as error:  # What is wrong, whatever it is.
        place = traceback.extract_tb(error.__traceback__)[-1]
        ours = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT / 'libml') in frame.filename
                or str(ROOT / 'scripts') in frame.filename]
        where = ', '.join(f'{os.path.basename(frame.filename)}:{frame.lineno}' for frame in [*ours[-2:], place])
        outcome, text = FAILED, f'{type(error).__name__}: {str(error)[:300]!r} ({where})'
    after = contents(folder)
    wrong = [path for path in after if any(ending in os.path.basename(path) for ending in HALF)]
    wrong += [path for path in before if after.get(path) != before[path] and path != case.made_again]
    if wrong and outcome != FAILED:
        outcome, text = FAILED, f'left {wrong[0]} half-written, or changed it ({text})'
    return Result(case.kind, outcome, text)


def results(judge, numbers, seconds=SECONDS):
    """Yields (number, Result) of judge(number) for some numbers, in order, from copies of this process."""
    waiting = collections.deque(numbers)
    while waiting:
        yield from _of_copy(judge, waiting, seconds)


def _of_copy(judge, waiting, seconds):
    """As `results`, of one copy, until it has run its cases, or crashed, or was stopped; `waiting` gets shorter."""
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as log:
        copy = os.fork()
        if not copy:
            _be_copy(judge, list(itertools.islice(waiting, EACH)), writer, log)
        os.close(writer)
        ended, left = '', min(EACH, len(waiting))
        with open(reader, 'rb', buffering=0) as answers:
            for line in _lines(answers, seconds):
                if line is None:
                    ended = f'hang: no end after {seconds} s'
                    os.kill(copy, signal.SIGKILL)
                    break
                yield waiting.popleft(), Result(*json.loads(line))
                left -= 1
        code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
        if left:
            log.seek(0)
            said = (log.read().decode(errors='replace').splitlines() or [''])[-1][:300]
            yield waiting.popleft(), Result('', FAILED, ended or f'crash: exit code {code}: {said}')


def _lines(f, seconds):
    """Yields the lines of a pipe; None where no byte comes for so long."""
    rest = b''
    while True:
        if not select.select([f], [], [], seconds)[0]:
            yield None
        block = f.read(1 << 16)
        if not block:
            return
        *lines, rest = (rest + block).split(b'\n')
        yield from lines


def _be_copy(judge, numbers, writer, log):
    """Runs cases, writes their Results, and ends."""
    for number in (1, 2):
        os.dup2(log.fileno(), number)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    code = 1
    try:
        for number in numbers:
            start = time.monotonic()
            found = judge(number)._replace(seconds=time.monotonic() - start)
            os.write(writer, json.dumps(found).encode() + b'\n')
            sys.stdout.flush()
            log.truncate(0)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class Counts:
    """Counts Results by kind and outcome, and prints what failed.

    Args:
        command: function of a number that returns the command that repeats its case.
        every: whether all cases are printed.
    """

    def __init__(self, command, every=False):
        self.command, self.every = command, every
        self.start = time.monotonic()
        self.found = collections.defaultdict(collections.Counter)
        self.spent = collections.Counter()

    def add(self, number, result):
        self.found[result.kind][result.outcome] += 1
        self.spent[result.kind] += result.seconds
        if self.every or result.outcome == FAILED:
            print(f'{result.kind}: {result.outcome} {result.text}\n    {self.command(number)}', flush=True)

    def end(self, kinds=False):
        """Prints the counts, with `kinds` also those of each kind; returns the exit code."""
        total = sum(self.found.values(), collections.Counter())
        if kinds:
            for kind, counts in sorted(self.found.items()):
                print(f'{kind:<16} {self.spent[kind]:7.1f} s  ' + _text(counts))
        cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(f'{sum(total.values())} cases: {_text(total)}; {time.monotonic() - self.start:.0f} s, {cpu:.0f} s of '
              'processor time')
        return int(bool(total[FAILED]))


def _text(counts):
    return ', '.join(f'{counts[outcome]} {outcome}' for outcome in (ACCEPTED, REFUSED, FAILED))
