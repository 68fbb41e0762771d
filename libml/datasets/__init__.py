"""Datasets on disk: descriptions, records, splits, archives, downloads.

Files appear whole or not at all, nothing is unpickled, and every error is one line that names the file. Datasets in
memory are in libml/data.py; names become datasets in libml/data_pair.py and libml/data_domain.py.
"""
