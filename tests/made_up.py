"""Run folders that no training made."""

import json

# In the order of a run's name.
ARGS = dict(arch='resnet', beta=0.5, dataset='digits.1@40-100', report_kimg=1, seed=1, train_dir='x', train_kimg=3,
            versions={})


def run_folder(path, accuracies, name='MixMatch', **args):
    """A run folder of the class `name` below `path`, with accuracies at kimg 1, 2 ...; returns its path."""
    args = {**ARGS, **args}
    path = path / f'{name}_arch{args["arch"]}_beta{args["beta"]}'
    (path / 'args').mkdir(parents=True)
    (path / 'args' / 'args.json').write_text(json.dumps(args))
    rows = [dict(step=1024 * k, kimg=float(k), accuracy=a, **{'losses/xe': 1 / k}) for k, a in enumerate(accuracies, 1)]
    (path / 'metrics.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path
