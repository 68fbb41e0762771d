"""What became of pictures: how many of which class are where, what is wrong with some, and what is said of them."""

import collections
import sys

from libml.datasets.picture_subsets import SUBSETS
from libml.utils import InputError

import numpy as np

SHOWN = 10


class Report:
    """Counts of pictures while they are read, those of test first.

    Attributes:
        classes: list of names.
        partial: whether there may be classes without pictures.
        counts: dict subset -> int [nclass].
        bad: list of `path: what is wrong` of pictures that cannot be read.
        sizes: Counter of (width, height).
    """

    def __init__(self, classes, partial=False):
        self.classes, self.partial = classes, partial
        self.counts = {subset: np.zeros(len(classes), int) for subset in SUBSETS}
        self.bad = []
        self.sizes = collections.Counter()
        self._tested, self._labels = {}, {}
        self._in_test = {subset: [] for subset in SUBSETS}
        self._contradictory = []

    def takes(self, subset, path, number, picture, drop_duplicates):
        """Whether a picture becomes a record.

        Args:
            subset, path, number: where it belongs and what class it has, 0 for an unlabelled one.
            picture: converting.Converted.
            drop_duplicates: whether one with the pixels of a test picture does not.
        """
        if picture.wrong:
            self.bad.append(f'{path!r}: {picture.wrong}')
            return False
        self.sizes[picture.size] += 1
        if subset == 'test':
            self._tested.setdefault(picture.pixels, path)
        elif picture.pixels in self._tested:
            self._in_test[subset].append((path, self._tested[picture.pixels]))
            if drop_duplicates:
                return False
        if subset == 'train':
            other = self._labels.setdefault(picture.pixels, (number, path))
            if other[0] != number:
                self._contradictory.append((path, other[1]))
        self.counts[subset][number] += 1
        return True

    def check(self, skip_bad):
        """InputError if a picture is bad and none may be, or there is nothing to train or to test on.

        With `partial`, one picture of any class is enough to train on, else there must be one of each.

        The first ten bad pictures are printed before it, a line for each.
        """
        if self.bad:
            for line in self.bad[:SHOWN]:
                print(line, file=sys.stderr)
            if len(self.bad) > SHOWN:
                print(f'and {len(self.bad) - SHOWN} more', file=sys.stderr)
            if not skip_bad:
                raise InputError(f'{_count(len(self.bad))} cannot be read: repair or remove them, or give --skip_bad; '
                                 'nothing was written')
        empty = [name for name, count in zip(self.classes, self.counts['train']) if not count]
        if self.partial and self.counts['train'].any():
            empty = []
        if empty or not self.counts['test'].any():
            left = f'of {empty[0]} to train on' if empty else 'to test on'
            raise InputError(f'no picture is left {left}; nothing was written')

    def print(self, passed, dropped):
        """Prints the summary.

        Args:
            passed: Counter, ending -> number of files that were no pictures.
            dropped: whether duplicates of test pictures were left out.
        """
        width = max(map(len, (*self.classes, 'unlabeled')))
        print(f'{"class":{width}}    train     test')
        for name, train, test in zip(self.classes, self.counts['train'], self.counts['test']):
            print(f'{name:{width}} {train:8,} {test:8,}')
        print(f'{"unlabeled":{width}} {self.counts["unlabeled"].sum():8,}')
        ((width, height), often), *_ = self.sizes.most_common(1)
        widths, heights = (f'{min(sides):,} to {max(sides):,}' for sides in zip(*self.sizes))
        print(f'sizes: {widths} pixels wide, {heights} high, most often {width}x{height} ({often:,})')
        if passed:
            kinds = ', '.join(f'{ending} {count:,}' for ending, count in sorted(passed.items()))
            print(f'passed over: {passed.total():,} files that are no pictures ({kinds})')
        if self.bad:
            print(f'skipped: {_count(len(self.bad))} that cannot be read')
        for subset, pairs in self._in_test.items():
            if pairs:
                done = 'dropped' if dropped else '--drop_duplicates leaves them out'
                print(f'duplicates: {_count(len(pairs))} of {subset} with the pixels of test pictures ({done}), such '
                      f'as {pairs[0][0]!r} and {pairs[0][1]!r}')
        if self._contradictory:
            print('warning: {} of train with the pixels of another class, such as {!r} and {!r}'.format(
                _count(len(self._contradictory)), *self._contradictory[0]), file=sys.stderr)
        for subset, kind in (('train', 'training'), ('test', 'test')):
            lacking = [name for name, count in zip(self.classes, self.counts[subset]) if not count]
            if lacking:
                print(f'warning: no {kind} picture of {", ".join(lacking)}', file=sys.stderr)


def _count(n):
    return f'{n:,} picture' + 's' * (n != 1)
