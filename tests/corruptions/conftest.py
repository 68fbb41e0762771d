"""What the tests of corruptions share."""

import corrupted

import pytest


@pytest.fixture(scope='session')
def pictures():
    """As corrupted.pictures; not to be changed."""
    pictures = corrupted.pictures()
    pictures.flags.writeable = False
    return pictures
