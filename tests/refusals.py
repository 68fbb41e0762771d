"""Errors that users see."""

import re

from libml.utils import InputError

import pytest


def refused(*texts):
    """A context in which an InputError is expected, of one line that has all the texts in this order."""
    return pytest.raises(InputError, match=r'\A[^\n]*' + r'[^\n]*'.join(map(re.escape, texts)) + r'[^\n]*\Z')
