"""TF_CONFIG, the environment variable that says which workers a run has and which of them this process is."""

import json
import os
import re
import typing

from libml.utils import InputError

VARIABLE = 'TF_CONFIG'
FORM = ('{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}} with an index of that '
        'list')
LONGEST = 10. ** 6  # seconds that a worker may wait: eleven days
SECONDS = 600.  # The longest that one worker may legally keep the others waiting is a checkpoint of the chief.


class Cluster(typing.NamedTuple):
    """The workers of a run.

    Attributes:
        addresses: `host:port` of each, the chief's first.
        index: which of them this process is.
        seconds: how long a worker waits for the others before it ends.
    """

    addresses: tuple
    index: int
    seconds: float = SECONDS

    def others(self):
        """Text of the addresses of the other workers."""
        return ', '.join(address for i, address in enumerate(self.addresses) if i != self.index)


def from_environment():
    """The Cluster of TF_CONFIG; None without it, or with a single worker.

    A job `chief`, as Kubeflow's, counts before the job `worker`. TF_CONFIG may hold "timeout_seconds".

    Raises:
        InputError: it is not of this form.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        found = _read(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        found = None
    if not found:
        raise InputError(f'{VARIABLE}={text}: give {FORM}')
    return found if len(found.addresses) > 1 else None


def to_text(addresses, index, seconds=SECONDS):
    """The TF_CONFIG of worker `index`."""
    return json.dumps(dict(cluster=dict(worker=list(addresses)), task=dict(type='worker', index=index),
                           timeout_seconds=seconds))


def _read(config):
    """The Cluster of a parsed TF_CONFIG; None, or one of several exceptions, if it is not of this form."""
    jobs, task = config['cluster'], config['task']
    seconds = float(config.get('timeout_seconds', SECONDS))
    chiefs, workers = jobs.get('chief', []), jobs.get('worker', [])
    addresses, kind, index = (*chiefs, *workers), task['type'], task['index']
    jobs_known = not set(jobs) - {'chief', 'worker'} and isinstance(chiefs, list) and isinstance(workers, list)
    job = {'chief': chiefs, 'worker': workers}.get(kind, [])
    right = (jobs_known and all(re.fullmatch(r'\S+:\d{1,5}', address) for address in addresses)
             and all(0 < int(address.rpartition(':')[2]) < 2 ** 16 for address in addresses)
             and len(set(addresses)) == len(addresses) and type(index) is int and 0 <= index < len(job)
             and 0 < seconds <= LONGEST)
    return Cluster(addresses, index + (len(chiefs) if kind == 'worker' else 0), seconds) if right else None
