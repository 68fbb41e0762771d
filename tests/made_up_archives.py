"""Published archives, made up and small."""

import dataclasses
import io
import tarfile

from libml.datasets import descriptions, records


def publish(monkeypatch, name, **counts):
    """Makes the published counts of a dataset small."""
    info = dataclasses.replace(descriptions.DATASET_INFO[name], counts=counts)
    monkeypatch.setitem(descriptions.DATASET_INFO, name, info)


def make_tar(path, members):
    """members: list of (name, bytes), or TarInfo for one without content."""
    with tarfile.open(path, 'w:gz') as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))


def stored(data_dir, name, subset, shape):
    return records.read_records([descriptions.subset_path(data_dir, name, subset)], *shape)
