"""Extreme hyper-parameters from a seed: python tests/campaigns/numbers.py [--seed=1] [--cases=500]

Each case trains a small network of one method a few steps with one to three of its numbers at a bound, beside it, tiny
or huge, and reports and saves on the way. It is right if the run ends, or is refused with one line that names a number,
or stops with the line that says what is not finite; and if no report and no checkpoint holds a number that is wrong:
all that is reported and saved is finite, and accuracies are of probabilities that are. Prints each other case with the
command that repeats it, then how many there were; ends with 1 if any failed. With --case=N one case is run.

It is no part of the tests. 500 cases take about 15 minutes of processor time.
"""

import importlib.util
import os
import pathlib
import sys

if __name__ == '__main__':
    ROOT = pathlib.Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / folder) for folder in ('.', 'scripts', 'tests')]

    from campaigns import extremes

    sys.exit(extremes.main(__doc__))

# To the scripts of this folder it stands before Python's own module of this name: they get that.
spec = importlib.util.spec_from_file_location(__name__, pathlib.Path(os.__file__).with_name('numbers.py'))
sys.modules[__name__] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[__name__])
