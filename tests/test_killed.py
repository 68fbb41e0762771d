"""The methods after FixMatch, killed at a random step: resumed, they end with the bits of a run that never stopped."""

import glob
import random
import time

import killed
from libml import trackers
from libml.training import checkpoint, events
from libml.training.run_folder import RunFolder
from short_runs import arrays, metrics

import numpy as np
import pytest

# Variables that each keeps between steps, and that the run below must have moved.
STATE = dict(flexmatch=['marks', 'counts', 'beta', 'class_use'], defixmatch=[],
             freematch=['tau', 'p_model', 'histogram', 'class_use'],
             softmatch=['mu', 'var', 'p_model', 'p_data', 'class_use'], dash=['rho_hat', 'class_use'],
             simmatch=['bank', 'bank_classes', 'p_model', 'class_use'],
             comatch=['queue', 'queue_p', 'p_model', 'class_use'])


def killed_run(name, folder):
    """Trains in a process that is killed some time after its second checkpoint."""
    process = killed.start(name, folder)
    end = time.monotonic() + 120
    while len(checkpoint.all_in(f'{folder}/tf')) < 2:
        assert process.is_alive() and time.monotonic() < end
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.2))
    process.kill()
    process.join()
    assert process.exitcode == -9


@pytest.mark.parametrize('name', killed.METHODS)
def test_killed_and_resumed_to_the_bit(tmp_path, name):
    folders = [str(tmp_path / run) for run in ('killed', 'straight')]
    killed_run(name, folders[0])
    model = killed.build(name, folders[0])
    reached = int(checkpoint.all_in(model.folder.tf)[-1].rpartition('-')[2]) // model.params.batch
    killed.train(model, reached + 30)
    model.folder = RunFolder(folders[1])
    killed.train(model, reached + 30)
    resumed, straight = [arrays(folder) for folder in folders]
    assert resumed.keys() == straight.keys() and set(STATE[name]) <= set(straight)
    assert set(STATE[name]) <= {v.op.name for v in model.graph.get_collection(trackers.STATE)}
    for key, value in straight.items():
        assert resumed[key].tobytes() == value.tobytes(), key
    assert metrics(folders[0]) == metrics(folders[1])
    with model.session() as session:
        initial = dict(zip([v.op.name for v in model.variables], session.run(model.variables)))
    assert all(np.any(initial[key] != straight[key]) for key in STATE[name])
    tags = {value.tag for path in glob.glob(f'{folders[0]}/tf/events*')
            for event in events.read(path) for value in event.summary.value}
    assert {'classes', 'threshold/class4', 'usage/class0'} <= tags or name == 'defixmatch'
