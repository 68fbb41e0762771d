"""Writes stats/accuracy.json of run folders: medians of the last 1, 10, 20 and 50 test accuracies (EMA weights).

python scripts/extract_accuracy.py RUN_FOLDER ...

The number that papers report is last20. A run that was killed and resumed has written some steps twice, in two event
files; the later file counts. An event file that ends in the middle of a record is read up to there.
"""

import glob
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # A checkout need not be installed.

from libml.files import written_whole
from libml.utils import InputError, one_line, run_main

import numpy as np

LAST = (1, 10, 20, 50)


def accuracies(folder):
    """Values of the tag `accuracy` in the event files of a run folder, by step.

    Returns:
        list of (step, percent), ascending, each step once.
    Raises:
        InputError: there is no event file, none that can be read, no accuracy in them, or one that is no number.
    """
    files = sorted(glob.glob(os.path.join(glob.escape(folder), 'tf', 'events.out.tfevents.*')))
    if not files:
        raise InputError(f'no event files in {os.path.join(folder, "tf")}: give a run folder')
    found = {}
    for path in files:
        for step, started, value in _events(path):
            if started:  # What an earlier process wrote after this step was done again.
                found = {s: v for s, v in found.items() if s <= step}
            else:
                found[step] = value
    if not found:
        raise InputError(f'{folder} holds no accuracy yet: it is written at the first report')
    return sorted(found.items())


def _events(path):
    """Yields (step, whether a process started here, accuracy or None)."""
    from libml.training import events  # Late: --help answers without TensorFlow.

    import tensorflow as tf
    from google.protobuf import message

    try:
        for event in events.read(path):
            if event.session_log.status == tf.compat.v1.SessionLog.START:
                yield event.step, True, None
            for value in event.summary.value:
                if value.tag == 'accuracy':
                    scalar = _scalar(value)
                    if scalar.shape or scalar.dtype.kind not in 'fiu' or not np.isfinite(scalar):
                        raise InputError(f'{path}: the accuracy of step {event.step} is {scalar}, no number')
                    yield event.step, False, float(scalar)
    except tf.errors.DataLossError:
        print(f'{path} ends in the middle of a record; read up to there', file=sys.stderr)
    except tf.errors.OpError as error:
        raise InputError(f'cannot read {path}: {one_line(error.message)}') from error
    except message.DecodeError as error:
        raise InputError(f'{path} is damaged: a record of it is no event') from error


def _scalar(value):
    """The array in a Summary.Value; a text where it has none that can be made."""
    import tensorflow as tf

    if not value.HasField('tensor'):  # Scalars of TF 1 are simple values, scalars of TF 2 are tensors.
        return np.asarray(value.simple_value)
    try:
        return np.asarray(tf.make_ndarray(value.tensor))
    except (KeyError, MemoryError, TypeError, ValueError):
        return np.asarray('a damaged tensor')


def medians(values):
    """dict last01, last10, last20, last50 -> median of the last so many values."""
    return {f'last{n:02d}': float(np.median(values[-n:])) for n in LAST}


def main(argv):
    if len(argv) < 2:
        raise InputError('give at least one run folder')
    for folder in argv[1:]:
        stats = medians([value for _, value in accuracies(folder)])
        path = os.path.join(folder, 'stats', 'accuracy.json')
        with written_whole(path) as f:
            json.dump(stats, f, sort_keys=True, indent=4)
        print(path, '  '.join(f'{name} {value:.2f}' for name, value in stats.items()))


if __name__ == '__main__':
    run_main(main)
